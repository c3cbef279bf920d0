/** Objectives as graphs: what learning by gradients drives. */
export { type BuildOptions, buildObjective } from "./build.js";
export type {
  EstimateBinding,
  Exactness,
  Inexact,
  NoiseInput,
  NoiseLaw,
  ObjectiveGraph,
  ParamSlot,
  ProgramBinding,
  SiteExpectation,
  SiteStrategy,
  StateSlot,
  StrategyReason,
  StreamInput,
} from "./contract.js";
export { RATE as NATURAL_RATE } from "./natural.js";
export { NEXT as NEXT_THETA } from "./next.js";
