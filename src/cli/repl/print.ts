/** Outputs of a session as text. */
import { renderDiagnostics } from "../../base/render.js";
import type { Posterior } from "../../run/posterior.js";
import type { Output } from "../../run/repl/output.js";
import { comesInChains, type Summary } from "../../run/results/summary.js";
import { renderPlan } from "../explain.js";
import { figure, ratio, renderTable, whole } from "../table.js";

export interface PrintOptions {
  readonly color: boolean;
  /** Columns of the terminal; without one tables have every column. */
  readonly width?: number;
}

/** One output as text without a line end. */
export function printOutput(o: Output, options: PrintOptions): string {
  switch (o.kind) {
    case "text":
      return o.text;
    case "note":
      return dim(o.text, options);
    case "diagnostics":
      return renderDiagnostics(o.list, options);
    case "table":
      return joined(dim(o.head, options), table(o.summary, options));
    case "plan":
      return renderPlan(o.plan);
    case "fit":
      return printFit(o.posterior, options);
    case "broken":
      return o.message;
  }
}

function joined(...parts: readonly string[]): string {
  return parts.filter((p) => p !== "").join("\n");
}

function dim(text: string, { color }: PrintOptions): string {
  return color && text !== "" ? `\u001b[2m${text}\u001b[0m` : text;
}

function table(summary: Summary, { width }: PrintOptions): string {
  return renderTable(summary, width)
    .replace("(use --vars to choose, --out to keep all)", "(name variables to choose)")
    .trimEnd();
}

/** A fit: what was run on what, the table, what is doubtful. */
function printFit(posterior: Posterior, options: PrintOptions): string {
  const { fit } = posterior;
  const summary = posterior.summary();
  const { model, observed } = fit.conditioned;
  const given = [...model.inputs.map((i) => i.name), ...observed.keys()];
  const draws = fit.chains[0]?.draws ?? 0;
  const counts = comesInChains(fit)
    ? `, ${fit.chains.length} × (${fit.warmup} + ${draws}) draws`
    : fit.isPoint
      ? ""
      : `, ${draws} draws`;
  const { warmupSeconds, sampleSeconds, compileSeconds } = fit.timing;
  const seconds = compileSeconds + warmupSeconds + sampleSeconds;
  const time = seconds < 0.0995 ? `${(seconds * 1000).toFixed(0)} ms` : `${seconds.toFixed(2)} s`;
  const stopped = posterior.interrupted ? " (stopped)" : "";
  const on = given.length === 0 || fit.method === "prior" ? "" : ` given ${given.join(", ")}`;
  const head = `${model.name}${on}: ${fit.method}${counts}, seed ${fit.seed}, ${time}${stopped}`;
  const s = summary.sampler;
  const divergent = fit.method === "gibbs" ? "" : `${s?.divergent ?? 0} divergent, `;
  const foot =
    s === undefined
      ? ""
      : `${divergent}largest R-hat ${ratio(s.maxRhat)}, smallest bulk ESS ${whole(s.minEssBulk)}`;
  const { log_density: density } = fit.figures;
  const point = fit.isPoint && typeof density === "number" ? `log density ${figure(density)}` : "";
  const warnings = renderDiagnostics(summary.warnings, options);
  return joined(head, table(summary, options), dim(joined(foot, point), options), warnings);
}
