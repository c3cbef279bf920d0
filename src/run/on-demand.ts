/**
 * Functions of the API that most programs never call: each is loaded when it is called. All methods'
 * modules together take as long to load as a small run.
 */
import type { InferenceMethod } from "./alternatives.js";
import type { Plan } from "./explain.js";
import type { LearningPlan } from "./explain-learning.js";
import type { Program } from "./load.js";
import type { NceOptions, SviOptions } from "./methods.js";
import type { LineChartOptions } from "./pictures/line-chart.js";
import type { FileFormat } from "./pictures/render.js";
import type { Posterior } from "./posterior.js";
import type { SbcOptions, SbcResult } from "./sbc/index.js";

/**
 * What a method would do with a model and its data.
 * @throws TildeError where data are wrong or the method refuses the model: the message names the
 * site and the reason
 */
export function explain(
  program: Program,
  data: Readonly<Record<string, unknown>>,
  options: { readonly method: SviOptions | NceOptions },
): Promise<LearningPlan>;
export function explain(
  program: Program,
  data?: Readonly<Record<string, unknown>>,
  options?: { readonly method?: InferenceMethod },
): Promise<Plan>;
export async function explain(
  program: Program,
  data: Readonly<Record<string, unknown>> = {},
  options: { readonly method?: InferenceMethod | SviOptions | NceOptions } = {},
): Promise<Plan | LearningPlan> {
  const loaded = await import("./explain.js");
  // Its signatures tell two kinds of method apart, which are one here.
  return loaded.explain(program, data, options as { readonly method?: InferenceMethod });
}

/**
 * Reads a folder back as a posterior: draws, lets, summary, predictions, as after the run. Draws
 * stay in their files and are read when they are asked for. Of a run that was killed it has the
 * blocks of draws that were finished.
 * @throws TildeError where the folder holds no fit or a broken one
 */
export async function loadFit(directory: string): Promise<Posterior> {
  return await (await import("./results/load-fit.js")).loadFit(directory);
}

/**
 * Simulation-based calibration: data are drawn from the prior again and again, and the method's
 * posterior of each set has to rank the values that they were drawn with uniformly (Talts et al. 2018).
 * @throws TildeError for options that do not fit, and where a replication fails
 */
export async function sbc(program: Program, options: SbcOptions = {}): Promise<SbcResult> {
  return await (await import("./sbc/index.js")).sbc(program, options);
}

/**
 * A chart of curves and points: SVG or HTML text, the bytes of a PNG, or characters.
 * @throws TildeError where the optional packages `vega` and `vega-lite` are not installed.
 */
export function lineChart(options: LineChartOptions, format: "png"): Promise<Uint8Array>;
export function lineChart(
  options: LineChartOptions,
  format?: "svg" | "html" | "text",
): Promise<string>;
export async function lineChart(
  options: LineChartOptions,
  format: FileFormat | "text" = "svg",
): Promise<string | Uint8Array> {
  const loaded = await import("./pictures/line-chart.js");
  return await loaded.lineChart(options, format);
}
