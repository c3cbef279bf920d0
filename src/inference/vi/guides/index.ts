/** The automatic guides by name. */
import type { Guide } from "./contract.js";
import { flow } from "./flow.js";
import { fullRank } from "./full-rank.js";
import { lowRank } from "./low-rank.js";
import { meanField } from "./mean-field.js";
import type { GuideName } from "./names.js";

export type { Guide, GuideStart } from "./contract.js";

export { type GuideName, guideNames } from "./names.js";

export interface GuideSettings {
  /** Columns of `low_rank`. */
  readonly rank: number;
  /** Couplings of `flow`, and the width of their hidden layers. */
  readonly layers: number;
  readonly hidden: number;
}

export const guides: {
  readonly [K in GuideName]: (dimension: number, settings: GuideSettings) => Guide;
} = {
  mean_field: (d) => meanField(d),
  full_rank: (d) => fullRank(d),
  low_rank: (d, { rank }) => lowRank(d, Math.min(rank, d)),
  flow: (d, { layers, hidden }) => flow(d, layers, hidden),
};
