/** Fits in folders: what is read back is what was saved, and a finished run resumes to itself. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TildeError } from "../../src/base/diagnostic.js";
import { infer, resume } from "../../src/run/infer.js";
import { loadFit } from "../../src/run/on-demand.js";
import type { Posterior } from "../../src/run/posterior.js";
import { type Case, Finding, programOf } from "./case.js";
import { checkFit, shortMethods } from "./check-methods.js";

/** @returns undefined where the method refuses the case */
export async function checkStorage(c: Case, name: string): Promise<true | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "tilde-fuzz-"));
  try {
    const out = join(folder, "fit");
    const method = shortMethods[name];
    let fit: Posterior;
    try {
      fit = await infer(programOf(c), { data: c.data, method, seed: c.seed, threads: 1, out });
    } catch (error) {
      if (error instanceof TildeError) return undefined;
      throw error;
    }
    same(fit, await loadFit(out), `loadFit of ${name}`);
    same(fit, await resume(out, { threads: 1 }), `resume of ${name}`);
    const plain = await infer(programOf(c), { data: c.data, method, seed: c.seed, threads: 1 });
    same(plain, fit, `${name} with and without a folder`);
    const saved = join(folder, "saved");
    await fit
      .save(saved, { format: name === "prior" ? [] : ["cmdstan", "netcdf"] })
      .catch((error) => {
        if (!(error instanceof TildeError)) throw error;
        return fit.save(saved);
      });
    if (!existsSync(join(saved, "summary.json")))
      throw new Finding(`save wrote ${readdirSync(saved)}`);
    same(fit, await loadFit(saved), `save and loadFit of ${name}`);
    checkFit(await loadFit(saved), name);
    return true;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Names and draws bit by bit, and the rows of the summaries. */
function same(a: Posterior, b: Posterior, what: string): void {
  if (a.names.join() !== b.names.join()) throw new Finding(`${what}: ${a.names} became ${b.names}`);
  for (const name of a.names) {
    const [x, y] = [a.draws(name), b.draws(name)];
    if (x.shape.join() !== y.shape.join()) {
      throw new Finding(`${what}: the shape of ${name} is ${y.shape}, not ${x.shape}`);
    }
    const at = x.data.findIndex((v, i) => !Object.is(v, y.data[i]) && v !== y.data[i]);
    if (at >= 0)
      throw new Finding(`${what}: ${name} has ${y.data[at]}, not ${x.data[at]}, at ${at}`);
  }
  const rows = (p: Posterior) =>
    p
      .summary()
      .rows.map((r) => `${r.name} ${r.mean} ${r.sd}`)
      .join("; ");
  if (rows(a) !== rows(b)) throw new Finding(`${what}: summaries differ: ${rows(a)} / ${rows(b)}`);
}
