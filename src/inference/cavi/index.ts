/** Mean-field variational inference by coordinate ascent. */

export { CAVI_DEFAULTS, type CaviOptions } from "./defaults.js";
export type { CaviPlan, CaviPlanOptions } from "./plan.js";
export { planCavi, planStagedCavi, startValues } from "./plan.js";
export type { CaviDiscrete, CaviDraw, CaviPosterior, CaviSite } from "./posterior.js";
export { describeCavi } from "./report.js";
export type {
  CaviControls,
  CaviFailure,
  CaviOutcome,
  CaviProgress,
  CaviResult,
  CaviState,
  Restart,
} from "./run.js";
export { type CaviProbe, caviProbe, caviRun, runCavi, Sweep } from "./run.js";
