/** Mean-field variational inference by coordinate ascent. */
export type { CaviPlan, CaviPlanOptions } from "./plan.js";
export { planCavi, planStagedCavi, startValues } from "./plan.js";
export type { CaviDiscrete, CaviDraw, CaviPosterior, CaviSite } from "./posterior.js";
export { describeCavi } from "./report.js";
export type {
  CaviControls,
  CaviFailure,
  CaviOptions,
  CaviOutcome,
  CaviProgress,
  CaviResult,
  Restart,
} from "./run.js";
export { CAVI_DEFAULTS, type CaviProbe, caviProbe, caviRun, runCavi, Sweep } from "./run.js";
