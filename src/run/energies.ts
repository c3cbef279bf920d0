/** Densities whose normaliser nobody knows, under methods that would need it. */
import { fail } from "../base/diagnostic.js";
import type { Stmt } from "../model/ir.js";
import { dependsOnRandom, walkStmts } from "../model/traverse.js";
import type { Conditioned } from "../passes/condition/index.js";

/**
 * `x ~ Energy(u => e)` is a density up to a constant. Where e reads what is inferred, the constant
 * is a function of it: a posterior without it would be another one.
 * @throws TildeError with the site
 */
export function refuseOpenNormalisers({ model }: Conditioned, method: string): void {
  const { energies = [], variables } = model;
  if (energies.length === 0) return;
  const factors: Extract<Stmt, { kind: "factor" }>[] = [];
  const sites: Extract<Stmt, { kind: "site" }>[] = [];
  walkStmts(model.body, (s) => {
    if (s.kind === "factor") factors.push(s);
    if (s.kind === "site" && energies.includes(s.name)) sites.push(s);
  });
  for (const site of sites) {
    const random = variables.filter((v) => v.random && v.name !== site.name);
    // The draw and its factor stand at the same place of the text (`elaborate/energies.ts`).
    const own = factors.filter(
      (f) => f.span.start === site.span.start && f.span.end === site.span.end,
    );
    const read = random.find((v) => own.some((f) => dependsOnRandom(f.value, new Set([v.name]))));
    if (read === undefined) continue;
    fail("energy_inferred", site.span, { site: site.name, read: read.name, method });
  }
}
