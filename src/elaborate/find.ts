/** Guides and objectives of an elaborated file by name. */
import { fail } from "../base/diagnostic.js";
import { nearestNames } from "../base/nearest.js";
import type { Guide, Objective } from "../model/objective.js";
import type { Elaborated } from "./index.js";

/**
 * The guide of that name for a model, or the model's only guide without auxiliary sites; undefined
 * where no name is given and the file has no such guide for it.
 * @throws TildeError where there is no guide of that name, or a name is needed to choose.
 */
export function findGuide(
  file: Pick<Elaborated, "guides">,
  model: string,
  name?: string,
): Guide | undefined {
  const own = [...file.guides].filter(([, g]) => g.model === model);
  const known = own.map(([n]) => n);
  if (name !== undefined) {
    const found = own.find(([n]) => n === name)?.[1];
    const near = nearestNames(name, known);
    return found ?? fail("unknown_guide", undefined, { name, model, known, near });
  }
  // One with auxiliary sites is named inside a `marginal(…)`.
  const plain = own.filter(([, g]) => g.auxiliary === undefined);
  if (plain.length > 1) {
    fail("several_guides", undefined, { model, known: plain.map(([n]) => n) });
  }
  return plain[0]?.[1];
}

/**
 * The objective of that name: the file's own, an imported one, or one of `library`, such as the
 * elaborated `stdlib/objectives.ppl`.
 * @throws TildeError where there is none.
 */
export function findObjective(
  file: Pick<Elaborated, "objectives">,
  name: string,
  library?: Pick<Elaborated, "objectives">,
): Objective {
  const found = file.objectives.get(name) ?? library?.objectives.get(name);
  if (found !== undefined) return found;
  const known = [...new Set([...file.objectives.keys(), ...(library?.objectives.keys() ?? [])])];
  return fail("unknown_objective", undefined, { name, known, near: nearestNames(name, known) });
}
