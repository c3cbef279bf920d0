/**
 * How a guide's densities fall apart over plates: where each z[i] of a guide meets its own element of
 * the data alone, log p(x, z) − log q(z) is a part without z plus a sum over i, and each summand is the
 * log weight of one element's draws against its own posterior, given the rest.
 */
import type { Model } from "../../model/ir.js";
import type { Node } from "../../tensor/ops.js";
import { dependences } from "../objective/dependence.js";
import {
  type Builder,
  type EvaluatedTerm,
  type Program,
  sumBeyond,
} from "../objective/programs.js";

/** A plate of a guide whose elements do not meet. */
export interface LocalPlate {
  /** The name of its size, such as `N`. */
  readonly size: string;
  readonly length: number;
}

export interface LocalRatios {
  readonly plates: readonly LocalPlate[];
  /** The log weights of all plates' elements, one plate after another: `[Σ length]`. */
  readonly ratios: Node | undefined;
  /** Whether a site of the guide stands in none of the plates. */
  readonly hasGlobals: boolean;
}

interface Side {
  readonly program: Program;
  readonly terms: readonly EvaluatedTerm[];
}

/** The local log weights of a draw, from all terms of the model and of its guide at it. */
export function localRatios(b: Builder, model: Side, guide: Side): LocalRatios {
  const plates: LocalPlate[] = [];
  const nodes: Node[] = [];
  let hasGlobals = false;
  for (const [size, sites] of sitesByPlate(guide.program.conditioned.model)) {
    const length = guide.program.conditioned.sizes.get(size);
    const above = length === undefined ? undefined : partOf(b, model, sites, length);
    const below = length === undefined ? undefined : partOf(b, guide, sites, length);
    if (length === undefined || above === undefined || below === undefined) {
      hasGlobals = true;
      continue;
    }
    plates.push({ size, length });
    nodes.push(b.g.sub(above, below));
  }
  const ratios = nodes.length > 1 ? b.g.concat(nodes, 0) : nodes[0];
  return { plates, ratios, hasGlobals };
}

/** The guide's sites, and images of them, by the size of their first axis; "" for none. */
function sitesByPlate({ variables, images = {} }: Model): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const v of variables) {
    if (v.role !== "site" && !Object.hasOwn(images, v.name)) continue;
    const isLooped = v.type.dims.length > v.eventRank;
    const [term, ...others] = isLooped ? v.type.dims[0].terms : [];
    const isName = others.length === 0 && term?.coefficient === 1 && term.names.length === 1;
    const size = isName ? term.names[0] : "";
    found.set(size, (found.get(size) ?? new Set()).add(v.name));
  }
  return found;
}

/** The terms that depend on the sites, element by element; undefined where elements meet. */
function partOf(
  b: Builder,
  { program, terms }: Side,
  sites: ReadonlySet<string>,
  length: number,
): Node | undefined {
  const kinds = dependences(program.conditioned.model, sites);
  let total: Node = b.g.zeros([length]);
  for (const [k, t] of terms.entries()) {
    if (kinds[k] === "none") continue;
    if (kinds[k] === "all" || t.loops === 0 || t.node.shape[0] !== length) return undefined;
    total = b.g.add(total, sumBeyond(b.g, t.node, 1));
  }
  return total;
}
