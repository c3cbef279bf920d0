/** The names of the automatic guides, beside them: options are checked without loading one. */
export const guideNames = ["mean_field", "full_rank", "low_rank", "flow"] as const;
export type GuideName = (typeof guideNames)[number];
