/** `tilde compare`: saved fits set against each other by leave-one-out. */
import { renderDiagnostics } from "../base/render.js";
import { type Compared, compareLoos } from "../run/compare/compare.js";
import { distinct } from "../run/compare/fits.js";
import { looOf } from "../run/compare/loo.js";
import { pointwiseOf } from "../run/compare/pointwise.js";
import { loadFit } from "../run/results/load-fit.js";
import type { ExitCode } from "./exit-code.js";
import { wantsColor } from "./failure.js";
import { listOf } from "./lists.js";

export interface CompareFlags {
  readonly vars?: string;
  readonly json?: boolean;
}

export async function compareCommand(
  directories: readonly string[],
  flags: CompareFlags,
): Promise<ExitCode> {
  const vars = listOf(flags.vars);
  const names = distinct(directories);
  const loos: { name: string; loo: ReturnType<typeof looOf> }[] = [];
  for (const [k, directory] of directories.entries()) {
    const { fit } = await loadFit(directory);
    loos.push({ name: names[k], loo: looOf(pointwiseOf(fit, vars)) });
  }
  const rows = compareLoos(loos);
  process.stdout.write(`${flags.json ? JSON.stringify(rows.map(asJson), null, 2) : table(rows)}\n`);
  const warnings = rows.flatMap((r) => r.loo.warnings);
  if (warnings.length > 0) {
    const color = wantsColor(process.stderr);
    process.stderr.write(`${renderDiagnostics(warnings, { color })}\n`);
  }
  return warnings.some((w) => w.code === "loo_shapes") ? 2 : 0;
}

function unreliable({ loo }: Compared): number {
  return loo.points.filter((p) => !(p.paretoK <= loo.goodK)).length;
}

/** One fit has nothing to be compared with: its own figures. */
function table(rows: readonly Compared[]): string {
  const head = ["", "elpd", "se", "p_loo", "difference", "se", "weight", "k too large"];
  const body = rows.map((r) => [
    r.name,
    r.loo.elpd.toFixed(1),
    r.loo.se.toFixed(1),
    r.loo.p.toFixed(1),
    r.difference.toFixed(1),
    r.differenceSe.toFixed(1),
    r.weight.toFixed(2),
    `${unreliable(r)} of ${r.loo.points.length}`,
  ]);
  const all = [head, ...body];
  const widths = head.map((_, k) => Math.max(...all.map((r) => r[k].length)));
  const lines = all.map((r) =>
    r.map((c, k) => (k === 0 ? c.padEnd(widths[k]) : c.padStart(widths[k]))).join("  "),
  );
  const [best] = rows;
  const limit = `Pareto k above ${best.loo.goodK.toFixed(2)} is too large`;
  return [...lines, "", `leave-one-out, the best first; ${limit}`].join("\n");
}

function asJson(r: Compared): object {
  const { name, loo, difference, differenceSe, weight } = r;
  return {
    name,
    model: loo.model,
    elpd: loo.elpd,
    se: loo.se,
    p_loo: loo.p,
    difference,
    difference_se: differenceSe,
    weight,
    good_k: loo.goodK,
    unreliable: unreliable(r),
    pareto_k: Object.fromEntries(
      loo.points.map((p) => [p.name, Number.isFinite(p.paretoK) ? p.paretoK : null]),
    ),
  };
}
