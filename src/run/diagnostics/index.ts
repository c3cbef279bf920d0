export { energyBfmi } from "./energy.js";
export { betaQuantile } from "./mcse.js";
export { moments, VariableDiagnostics, type VariableSummary } from "./variable.js";
export {
  type ChainStatistics,
  type DiagnosedFit,
  type SamplerDiagnostics,
  samplerDiagnostics,
  THRESHOLDS,
} from "./warnings.js";
