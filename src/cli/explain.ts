/** `tilde explain`: the plan of a model and its data, as text or JSON. */
import { fail } from "../base/diagnostic.js";
import { inferenceMethods } from "../run/alternatives.js";
import { checkSource, selectModel } from "../run/compile.js";
import { loadDataFiles } from "../run/data/files.js";
import {
  explainRaw,
  type MethodPlan,
  type Plan,
  type SitePlan,
  type SumGroupPlan,
} from "../run/explain.js";
import { type LearningPlan, planLearning } from "../run/explain-learning.js";
import { loadSource } from "../run/sources.js";
import type { ExitCode } from "./exit-code.js";
import { methodOf } from "./run.js";

interface ExplainFlags {
  readonly model?: string;
  readonly data?: readonly string[];
  readonly method?: string;
  readonly json?: boolean;
  /** Of `svi` and `nce`. */
  readonly guide?: string;
  readonly objective?: string;
  readonly option?: readonly string[];
}

export async function explainCommand(file: string, flags: ExplainFlags): Promise<ExitCode> {
  const source = await loadSource(file);
  const checked = checkSource(source);
  const model = selectModel(checked, source, flags.model);
  if (flags.method === "svi" || flags.method === "nce") {
    const learning = methodOf({ ...flags, method: flags.method, seed: 1 });
    if (learning.method !== "svi" && learning.method !== "nce") return 1;
    const plan = planLearning(model, await loadDataFiles(flags.data ?? []), checked, learning);
    process.stdout.write(`${flags.json ? JSON.stringify(plan, null, 2) : renderLearning(plan)}\n`);
    return 0;
  }
  const method = inferenceMethods.find((m) => m === flags.method);
  if (flags.method !== undefined && method === undefined) {
    const wanted = `one of ${[...inferenceMethods, "svi", "nce"].join(", ")}`;
    fail("bad_option", undefined, { option: "--method", value: flags.method, wanted });
  }
  const plan = explainRaw(model, await loadDataFiles(flags.data ?? []), method);
  process.stdout.write(`${flags.json ? JSON.stringify(plan, null, 2) : renderPlan(plan)}\n`);
  return 0;
}

/** The plan of a learning method in words. */
export function renderLearning(plan: LearningPlan): string {
  const lines = [plan.model, "", `${plan.method} of ${plan.objective}`];
  if (plan.guide !== undefined) lines.push(`guide ${plan.guide}`);
  const owners = Object.entries(plan.params).map(([name, n]) => `${n} of ${name}`);
  lines.push(`${plan.dimension} params${owners.length > 1 ? `: ${owners.join(", ")}` : ""}`);
  const rows = plan.estimators.map((e) => {
    const shape = e.dims.length === 0 ? "" : `[${e.dims.join(", ")}]`;
    const how = e.chosen ? `${e.strategy}, chosen: ${e.reason}` : `${e.strategy}, ${e.reason}`;
    const exact = e.expectation === undefined ? "" : `; ${e.expectation}`;
    return [`${e.site}${shape} of ${e.program}`, `${how}${exact}`];
  });
  if (rows.length > 0) lines.push("", "gradients through draws:", ...aligned(rows));
  lines.push(
    "",
    `${short(plan.noise)} random numbers and about ${short(plan.operations)} operations a step`,
  );
  return lines.join("\n");
}

/** The plan in words. */
export function renderPlan(plan: Plan): string {
  const lines = [plan.model, "", ...aligned(plan.sites.map(siteCells))];
  if (plan.sums.length > 0) {
    lines.push("", "discrete sites are summed out:");
    for (const sum of plan.sums) lines.push(`  ${sumLine(sum)}`);
  }
  if (plan.steps.length > 0) {
    lines.push("", `${plan.method}:`, ...plan.steps.map((step) => `  ${step}`));
  } else {
    lines.push("", ...densityLines(plan));
  }
  lines.push("", "methods:", ...aligned(plan.methods.map(methodCells)));
  return lines.join("\n");
}

function densityLines(plan: Plan): string[] {
  const d = plan.density;
  if (d === undefined) {
    return ["nothing continuous is latent: `--method enumerate` gives the exact posterior"];
  }
  return [
    `${plan.dimension} unconstrained numbers`,
    d.dataAfter < d.dataBefore
      ? `data folded: ${short(d.dataBefore)} numbers in the density as written, ${short(d.dataAfter)} kept`
      : `${short(d.dataAfter)} numbers of data in the density`,
    `about ${short(d.operations)} operations for the density, ${short(d.gradientOperations)} with its gradient`,
    `memory: ${bytes(d.constantBytes)} of constants, ${bytes(d.workspaceBytes)} for each chain`,
  ];
}

function methodCells({ method, works, reason }: MethodPlan): string[] {
  return [method, works ? "works" : `no: ${reason}`];
}

function siteCells(s: SitePlan): string[] {
  const dims = s.unbounded === true ? ["…", ...s.dims.slice(1)] : s.dims;
  const shape = dims.length === 0 ? "" : `[${dims.join(", ")}]`;
  const name = `${s.name}${shape}: ${s.support}`;
  switch (s.treatment) {
    case "observed":
      return [name, "observed"];
    case "drawn":
      return [name, `discrete, ${s.latent} element${s.latent === 1 ? "" : "s"}`];
    case "summed out":
      return [name, `summed out, ${s.values} values each`];
    case "sampled":
    case "optimised": {
      const by = s.transform === undefined || s.transform === "none" ? "" : ` by ${s.transform}`;
      return [name, `latent, ${s.latent} number${s.latent === 1 ? "" : "s"}${by}`];
    }
  }
}

function sumLine(s: SumGroupPlan): string {
  const names = s.sites.join(", ");
  switch (s.how) {
    case "independent":
      return `${names}: ${short(s.count)} independent groups of ${s.assignments} assignments, ${short(s.cost)} terms`;
    case "chains":
      return `${names}: forward pass over ${short(s.count)} × ${short(s.length)} steps, ${short(s.largest)} terms a step, ${short(s.cost)} in all (of ${s.assignments} assignments)`;
    case "elimination":
      return `${names}: elimination of ${short(s.length)} elements, largest table ${short(s.largest)}, ${short(s.cost)} terms (of ${s.assignments} assignments)`;
  }
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const width = Math.max(0, ...rows.map((r) => r[0].length));
  return rows.map(([name, what]) => `  ${name.padEnd(width)}  ${what}`);
}

function short(n: number): string {
  if (n < 1e5) return String(Math.round(n));
  return n < 1e9 ? `${(n / 1e6).toPrecision(3)} million` : n.toExponential(1);
}

function bytes(n: number): string {
  if (n < 1 << 10) return `${n} B`;
  return n < 1 << 20 ? `${(n / (1 << 10)).toFixed(1)} KiB` : `${(n / (1 << 20)).toFixed(1)} MiB`;
}
