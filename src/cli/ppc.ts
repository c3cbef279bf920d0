/** `tilde ppc`: posterior predictive checks. */
import { checkSource, selectModel } from "../run/compile.js";
import { loadDataFiles } from "../run/data/files.js";
import { inferRaw } from "../run/infer.js";
import { nuts } from "../run/methods.js";
import { type CheckedSite, checkFit, checkPicture } from "../run/pictures/checks.js";
import { textOf } from "../run/pictures/text.js";
import type { Posterior } from "../run/posterior.js";
import { loadFit } from "../run/results/load-fit.js";
import { loadSource } from "../run/sources.js";
import type { ExitCode } from "./exit-code.js";
import { listOf } from "./lists.js";
import { formatOf, type PictureFlags, show } from "./plot.js";
import { figure } from "./table.js";

export interface PpcFlags extends PictureFlags {
  readonly model?: string;
  readonly data?: readonly string[];
  readonly seed: number;
  readonly json?: boolean;
}

export async function ppcCommand(given: string, flags: PpcFlags): Promise<ExitCode> {
  const format = formatOf(flags);
  const vars = listOf(flags.vars);
  const posterior = given.endsWith(".ppl") ? await fitted(given, flags) : await loadFit(given);
  const checked = checkFit(posterior, { vars, seed: flags.seed });
  if (flags.json) process.stdout.write(`${JSON.stringify(asJson(checked), null, 2)}\n`);
  else process.stdout.write(`${tableOf(checked)}\n`);
  const picture = checkPicture(posterior, vars, flags.seed);
  if (flags.out !== undefined || format !== "text") await show(picture, format, flags.out);
  else if (!flags.json) process.stdout.write(`\n${textOf(picture)}\n`);
  return 0;
}

async function fitted(file: string, flags: PpcFlags): Promise<Posterior> {
  const source = await loadSource(file);
  const checked = checkSource(source);
  const model = selectModel(checked, source, flags.model);
  const data = await loadDataFiles(flags.data ?? []);
  return await inferRaw(model, data, { method: nuts(), seed: flags.seed }, checked);
}

/** A p-value outside of this is remarked on. */
const REMARKABLE = 0.025;

function tableOf(checked: readonly CheckedSite[]): string {
  return checked
    .map(({ name, observed, replications, statistics }) => {
      const head = `${name}: ${observed.length} observations, ${replications} replications`;
      const rows = statistics.map(({ name: of, observed: at, replicated, p }) => {
        const mean = replicated.reduce((a, b) => a + b, 0) / replicated.length;
        const far = p < REMARKABLE || p > 1 - REMARKABLE ? "  the model does not tell this" : "";
        return [of, figure(at), figure(mean), p.toFixed(3) + far];
      });
      const all = [["", "data", "replicated", "p"], ...rows];
      const widths = [0, 1, 2].map((k) => Math.max(...all.map((r) => r[k].length)));
      const lines = all.map(
        ([a, b, c, d]) =>
          `  ${a.padEnd(widths[0])}  ${b.padStart(widths[1])}  ${c.padStart(widths[2])}  ${d}`,
      );
      return [head, ...lines].join("\n");
    })
    .join("\n\n");
}

function asJson(checked: readonly CheckedSite[]): object {
  return Object.fromEntries(
    checked.map(({ name, statistics }) => [
      name,
      Object.fromEntries(
        statistics.map(({ name: of, observed, replicated, p }) => {
          const mean = replicated.reduce((a, b) => a + b, 0) / replicated.length;
          return [of, { observed, replicated_mean: mean, p }];
        }),
      ),
    ]),
  );
}
