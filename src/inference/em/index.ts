/** Maximum likelihood and posterior modes by expectation–maximisation. */
export type {
  EmControls,
  EmDiscrete,
  EmEstimate,
  EmFailed,
  EmFailure,
  EmLatent,
  EmOptions,
  EmProgress,
  EmRefusal,
  EmResult,
} from "./contract.js";
export type { EmState } from "./kept.js";
export {
  describeEm,
  type EmPlan,
  type EmTooLarge,
  planEm,
  planEmWithin,
  planStagedEm,
} from "./plan.js";
export { type EmProbe, emProbe, emRun, runEm } from "./run.js";
