/**
 * What a Gibbs sampler of a model does in one sweep: its blocks, and the kernels that they run on.
 */
import type { KernelModule } from "../../kernel/ir.js";
import type { Conditioned } from "../../passes/condition/index.js";
import { type Conditionals, findConditionals } from "../conditionals/find.js";
import type { MakeInstance } from "../conditionals/kernels.js";
import { chooseBlocks, freeByOption, type GibbsBlock, type GibbsPlanOptions } from "./blocks.js";
import type { DiscretePlan } from "./discrete.js";
import { type Segment, sweepKernels } from "./kernel/sweep.js";
import type { LocalDensity } from "./local/density.js";

export type { GibbsBlock, GibbsPlanOptions, SiteMethod } from "./blocks.js";

export interface GibbsPlan extends Conditionals {
  readonly discrete: DiscretePlan | undefined;
  /** In the order of a sweep. */
  readonly blocks: readonly GibbsBlock[];
  /** How a sweep runs them. */
  readonly segments: readonly Segment[];
  readonly kernels: KernelModule;
  /** Of sites that are drawn by slices: what one element's density costs, where not everything. */
  readonly locals: ReadonlyMap<number, LocalDensity>;
  readonly compiled: boolean;
}

/**
 * @throws TildeError where a latent discrete site is infinite or read as no table holds it, or an
 * option asks for what a site does not allow
 */
export function planGibbs(
  conditioned: Conditioned,
  make: MakeInstance,
  methodName = "gibbs",
  options: GibbsPlanOptions = {},
): GibbsPlan {
  const found = findConditionals(conditioned, make, methodName, {
    free: freeByOption(options),
    truncated: true,
    counts: true,
  });
  const blocks = chooseBlocks(found, make, options);
  const compiled = options.compiled ?? true;
  const discrete = blocks.flatMap((b) => (b.kind === "discrete" ? [b.plan] : []))[0];
  return { ...found, discrete, blocks, compiled, ...sweepKernels(found, blocks, compiled) };
}

/** One line for each block of a sweep, in its order. */
export function describePlan(plan: GibbsPlan): string[] {
  return plan.blocks.flatMap((block) => describeBlock(plan, block));
}

function describeBlock(plan: GibbsPlan, block: GibbsBlock): string[] {
  const nameOf = (site: number): string => plan.joint.sites[site].latent.name;
  switch (block.kind) {
    case "discrete": {
      const names = plan.joint.discrete.map((s) => s.name).join(", ");
      return (["chain", "joint", "single"] as const).flatMap((kind) => {
        const count = block.plan.blocks.filter((b) => b.kind === kind).length;
        return count === 0 ? [] : [`${names}: ${count} × ${discreteWords[kind]}`];
      });
    }
    case "conjugate": {
      const { name, rule, structure } = block.finding;
      return [`${name}: ${rule.family} conditional, ${structureWords[structure]}`];
    }
    case "joint": {
      const { sites, length, factor } = block.normal;
      const names = sites.map(nameOf).join(", ");
      const entries = factor.rows.length;
      return [`${names}: one normal vector of ${length}, ${entries} numbers in its factor`];
    }
    case "truncated": {
      const { name, family, support, probes } = block.finding;
      const ends = probes ? "ends found at each state" : `on (${support.lower}, ${support.upper})`;
      const word = family === "Power" ? "Pareto or power" : family;
      return [`${name}: truncated ${word} conditional, ${ends}`];
    }
    case "slice":
      return [
        `${nameOf(block.site)}: slice sampling, scalar by scalar, unconstrained${costOf(plan, block.site)}`,
      ];
    case "count":
      return [
        `${nameOf(block.site)}: slice sampling of whole numbers, one by one${costOf(plan, block.site)}`,
      ];
    case "hamiltonian": {
      const names = block.sites.map(nameOf).join(", ");
      return [`${names}: ${block.method === "nuts" ? "NUTS" : "HMC"} transition, unconstrained`];
    }
  }
}

/** What one evaluation of a slice reads, where that is not everything. */
function costOf({ locals }: GibbsPlan, site: number): string {
  const local = locals.get(site);
  if (local === undefined || local.most === local.whole) return "";
  return `; one reads ${local.most} of ${local.whole} terms of its density`;
}

const discreteWords = {
  chain: "forward filtering, backward sampling",
  joint: "joint table",
  single: "element by element",
} as const;
const structureWords = {
  elementwise: "all elements at once",
  event: "all events at once",
  block: "as one block",
  coloured: "in classes of independent elements",
} as const;
