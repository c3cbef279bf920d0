/** Every method on a case: a fit without holes, or a diagnostic. */
import { TildeError } from "../../src/base/diagnostic.js";
import { isDiscrete } from "../../src/inference/logjoint/latents.js";
import type { DeviceChoice } from "../../src/run/device/choices.js";
import { infer } from "../../src/run/infer.js";
import {
  cavi,
  em,
  enumerate,
  exact,
  gibbs,
  hmc,
  laplace,
  type Method,
  map,
  nuts,
  prior,
  svi,
  vi,
} from "../../src/run/methods.js";
import { explain } from "../../src/run/on-demand.js";
import type { Posterior } from "../../src/run/posterior.js";
import { type Case, Finding, programOf } from "./case.js";

/** Short runs of every method. */
export const shortMethods: Readonly<Record<string, Method>> = {
  nuts: nuts({ chains: 2, warmup: 20, draws: 20 }),
  hmc: hmc({ chains: 2, warmup: 20, draws: 20 }),
  gibbs: gibbs({ chains: 2, warmup: 10, draws: 20 }),
  exact: exact({ draws: 20 }),
  enumerate: enumerate({ draws: 20 }),
  cavi: cavi({ restarts: 1, maxIterations: 20, draws: 20 }),
  em: em({ restarts: 1, maxIterations: 20, draws: 20 }),
  vi: vi({ steps: 100, draws: 20 }),
  full_rank: vi({ guide: "full_rank", steps: 100, draws: 20 }),
  flow: vi({ guide: "flow", steps: 100, draws: 20, layers: 2, hidden: 4 }),
  laplace: laplace({ starts: 1, maxIterations: 20, draws: 20 }),
  map: map({ starts: 1, maxIterations: 20 }),
  prior: prior({ draws: 20 }),
  svi: svi({ steps: 20, draws: 20 }),
};

/**
 * A short run with all that is read from it afterwards.
 * @returns the fit; undefined where a diagnostic refuses it
 * @throws Finding for numbers that are none
 */
export async function checkMethod(
  c: Case,
  name: string,
  device?: DeviceChoice,
): Promise<{ readonly fit?: Posterior; readonly refused?: string }> {
  const program = programOf(c);
  const method = shortMethods[name];
  let fit: Posterior;
  try {
    fit = await infer(program, { data: c.data, method, seed: c.seed, threads: 1, device });
  } catch (error) {
    if (!(error instanceof TildeError)) throw error;
    for (const d of error.diagnostics) checkWords(`${d.message} ${d.help ?? ""}`);
    return { refused: error.diagnostics[0].code };
  }
  checkFit(fit, name);
  return { fit };
}

/** Draws, summary, predictions. */
export function checkFit(fit: Posterior, name: string): void {
  const { latents } = fit.fit;
  const own = new Set(latents.map((v) => v.name));
  for (const variable of fit.names) {
    const { data } = fit.draws(variable);
    const wrong = data.findIndex((x) => Number.isNaN(x));
    // A let may have no value for some draws; a latent variable has one always.
    if (wrong >= 0 && own.has(variable))
      throw new Finding(`${name} saves NaN as a draw of ${variable}`);
  }
  for (const { name: variable, variable: v } of latents) {
    const { data } = fit.draws(variable);
    if (isDiscrete(v.support) && !data.every((x) => Number.isInteger(x))) {
      throw new Finding(`${name} saves a draw of ${variable} that is no whole number`);
    }
  }
  const summary = fit.summary();
  for (const row of summary.rows) {
    if (own.has(row.name.replace(/\[.*$/, "")) && Number.isNaN(row.mean)) {
      throw new Finding(`the mean of ${row.name} is NaN by ${name}`);
    }
  }
  for (const d of fit.warnings) checkWords(`${d.message} ${d.help ?? ""}`);
  quiet(() => fit.predict());
}

/** What may be refused, but not fail. */
function quiet(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof TildeError)) throw error;
  }
}

export async function checkExplain(c: Case): Promise<void> {
  await explain(programOf(c), c.data);
}

export function checkWords(words: string): void {
  if (/\bundefined\b|\[object/.test(words)) throw new Finding(`a message with a hole: ${words}`);
}
