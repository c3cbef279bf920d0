/**
 * Tilde: models as text, posteriors as values.
 *
 * ```ts
 * import { compile, infer, nuts } from "tilde-ppl";
 * const model = compile("model coin(N: int) { p ~ Beta(1, 1); for i in 0..N { y[i] ~ Bernoulli(p) } }");
 * const posterior = await infer(model, { data: { N: 3, y: [1, 0, 1] }, method: nuts({ draws: 500 }) });
 * console.log(posterior.summary().rows);
 * ```
 */
export { type Diagnostic, type Note, type Severity, TildeError } from "./base/diagnostic.js";
export { InternalError } from "./base/internal.js";
export { diagnosticToJson, renderDiagnostic, renderDiagnostics } from "./base/render.js";
export { lineColumn, type Source, type Span } from "./base/span.js";
export type { HmcOptions, NutsOptions } from "./inference/contract.js";
export type { Clusters } from "./run/clusters.js";
export type { Compared } from "./run/compare/compare.js";
export { compare } from "./run/compare/fits.js";
export type { Loo, LooPoint } from "./run/compare/loo.js";
export type { DeviceChoice } from "./run/device/choices.js";
export type { SamplerDiagnostics } from "./run/diagnostics/index.js";
export type { MethodPlan, Plan, SitePlan, SumGroupPlan } from "./run/explain.js";
export type { EstimatorPlan, LearningPlan } from "./run/explain-learning.js";
export { infer, resume } from "./run/infer.js";
export { type CompileOptions, compile, load, Program, ppl } from "./run/load.js";
export {
  type CaviOptions,
  cavi,
  type EmOptions,
  type EnumerateOptions,
  type ExactOptions,
  em,
  enumerate,
  exact,
  type GibbsOptions,
  gibbs,
  hmc,
  type LaplaceOptions,
  laplace,
  type MapOptions,
  type Method,
  map,
  type NceOptions,
  nce,
  nuts,
  type PriorOptions,
  prior,
  type SviOptions,
  svi,
  type ViOptions,
  vi,
} from "./run/methods.js";
export { explain, lineChart, loadFit, sbc } from "./run/on-demand.js";
export type { InferOptions } from "./run/options.js";
export type { CheckedSite, CheckedStatistic, TestStatistic } from "./run/pictures/checks.js";
export type { LineChartOptions } from "./run/pictures/line-chart.js";
export type { PictureKind } from "./run/pictures/picture.js";
export { type PlotOptions, Posterior } from "./run/posterior.js";
export type { Figure, FitData, ParamTree, Timing, VariableDraws } from "./run/results/fit.js";
export type { FitFormat } from "./run/results/formats/index.js";
export type { Summary, SummaryRow } from "./run/results/summary.js";
export type { SbcOptions, SbcResult, SbcVariable } from "./run/sbc/index.js";
export type { SessionProgress } from "./run/session.js";
export { DivergedError } from "./run/svi/diverged.js";
export { check, format } from "./run/tools.js";
