/**
 * Which blocks a sweep has: the discrete elements, normal sites that are drawn together, single
 * conjugate sites, and slice or Hamiltonian moves for the others. Chosen here, unless options say
 * otherwise.
 */
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { Span } from "../../base/span.js";
import type { Conditionals } from "../conditionals/find.js";
import type { Conjugate } from "../conditionals/finding.js";
import { directKernels, type MakeInstance } from "../conditionals/kernels.js";
import type { Truncated } from "../conditionals/truncated.js";
import type { DirectJoint } from "../logjoint/direct.js";
import { type DiscretePlan, planDiscrete } from "./discrete.js";
import { JointFinder, type JointNormal } from "./joint.js";

/** How a site is to be drawn, where the choice is not left to the sampler. */
export type SiteMethod = "conjugate" | "enumerate" | "slice" | "nuts" | "hmc";

export interface GibbsPlanOptions {
  /** By the site's name. */
  readonly sites?: Readonly<Record<string, SiteMethod>>;
  /** Sites to be drawn at once: jointly normal ones, or ones whose method is nuts or hmc. */
  readonly blocks?: readonly (readonly string[])[];
  /** Whether updates are compiled where they can be (the default), or run on the host. */
  readonly compiled?: boolean;
}

export type GibbsBlock =
  | { readonly kind: "discrete"; readonly plan: DiscretePlan }
  | { readonly kind: "conjugate"; readonly finding: Conjugate }
  | { readonly kind: "joint"; readonly id: number; readonly normal: JointNormal }
  | { readonly kind: "truncated"; readonly finding: Truncated }
  | { readonly kind: "slice"; readonly site: number }
  /** Whole numbers without end. */
  | { readonly kind: "count"; readonly site: number }
  | {
      readonly kind: "hamiltonian";
      readonly id: number;
      readonly method: "nuts" | "hmc";
      readonly sites: readonly number[];
    };

/** The names that are read in unconstrained coordinates because an option asks for it. */
export function freeByOption({ sites = {} }: GibbsPlanOptions): Set<string> {
  const free = Object.entries(sites).filter(([, m]) => m !== "conjugate" && m !== "enumerate");
  return new Set(free.map(([name]) => name));
}

/** @throws TildeError where an option asks for what a site does not allow */
export function chooseBlocks(
  found: Conditionals,
  make: MakeInstance,
  options: GibbsPlanOptions,
): GibbsBlock[] {
  const { joint, findings, truncated } = found;
  const choice = new Choice(found, options);
  const blocks: GibbsBlock[] = [];
  const taken = new Set<number>();
  let id = 0;
  const discrete = planDiscrete(joint);
  if (discrete !== undefined) blocks.push({ kind: "discrete", plan: discrete });

  const normal = findings.flatMap((f) => {
    return f.kind === "conjugate" && isNormal(f) ? [f] : [];
  });
  const finder = new JointFinder(
    joint,
    make(directKernels(joint, { gradients: normal.map((f) => f.site) })),
    found.draw,
  );
  for (const names of options.blocks ?? []) {
    const sites = names.map((name) => choice.siteOf(name)).sort((a, b) => a - b);
    for (const s of sites) if (taken.has(s)) choice.refuse(s, "it stands in two blocks");
    for (const s of sites) taken.add(s);
    const methods = new Set(sites.map((s) => choice.methodOf(s)));
    const [method] = methods;
    if (methods.size === 1 && (method === "nuts" || method === "hmc")) {
      blocks.push({ kind: "hamiltonian", id: id++, method, sites });
      continue;
    }
    const other = sites.find((s) => !normal.some((f) => f.site === s));
    if (other !== undefined) {
      choice.refuse(other, "a block is drawn at once where its sites are normal given the rest");
    }
    const made = finder.block(sites);
    if (made === "not_jointly_normal") {
      choice.refuse(sites[0], "it is normal given the others of its block, but not with them");
    } else if (made === "too_large") choice.refuse(sites[0], "its block is too large to factor");
    else blocks.push({ kind: "joint", id: id++, normal: made });
  }

  const open = normal.filter((f) => !taken.has(f.site) && choice.methodOf(f.site) === undefined);
  for (const made of finder.partition(open)) {
    const [site] = made.sites;
    const own = findings[site];
    const isPlain =
      made.sites.length === 1 && own.kind === "conjugate" && own.structure === "elementwise";
    if (isPlain) continue;
    for (const s of made.sites) taken.add(s);
    blocks.push({ kind: "joint", id: id++, normal: made });
  }
  const hamiltonian = new Map<"nuts" | "hmc", number[]>();
  findings.forEach((f) => {
    if (taken.has(f.site)) return;
    const method = choice.methodOf(f.site);
    if (f.kind === "conjugate") {
      blocks.push({ kind: "conjugate", finding: f });
      return;
    }
    const cut = truncated.get(f.site);
    if (cut !== undefined) {
      blocks.push({ kind: "truncated", finding: cut });
      return;
    }
    if (joint.sites[f.site].isCount) {
      blocks.push({ kind: "count", site: f.site });
      return;
    }
    const isScalar = joint.sites[f.site].input.shape[0] === 1;
    const chosen = method ?? (isScalar ? "slice" : "nuts");
    if (chosen === "nuts" || chosen === "hmc") {
      hamiltonian.set(chosen, [...(hamiltonian.get(chosen) ?? []), f.site]);
    } else blocks.push({ kind: "slice", site: f.site });
  });
  for (const [method, sites] of hamiltonian) {
    blocks.push({ kind: "hamiltonian", id: id++, method, sites });
  }
  return blocks.sort((a, b) => firstOf(a) - firstOf(b));
}

/** The sites that a block draws; none for the discrete one. */
export function sitesOf(block: GibbsBlock): readonly number[] {
  switch (block.kind) {
    case "discrete":
      return [];
    case "conjugate":
    case "truncated":
      return [block.finding.site];
    case "joint":
      return block.normal.sites;
    case "slice":
    case "count":
      return [block.site];
    case "hamiltonian":
      return block.sites;
  }
}

const firstOf = (block: GibbsBlock): number =>
  block.kind === "discrete" ? -1 : Math.min(...sitesOf(block));

function refuseSite(name: string, reason: string, span?: Span): never {
  fail("gibbs_site_option", span, { name, reason });
}

const isNormal = (f: Conjugate): boolean =>
  f.rule.family === "Normal" || f.rule.family === "MvNormal";

/** The options, checked against the model. */
class Choice {
  readonly #joint: DirectJoint;
  readonly #byName: Map<string, number>;
  readonly #methods: Readonly<Record<string, SiteMethod>>;

  constructor({ joint, findings, truncated }: Conditionals, options: GibbsPlanOptions) {
    this.#joint = joint;
    this.#byName = new Map(joint.sites.map((s, k) => [s.latent.name, k]));
    this.#methods = options.sites ?? {};
    const discrete = new Set(joint.discrete.map((s) => s.name));
    for (const [name, method] of Object.entries(this.#methods)) {
      if (discrete.has(name)) {
        if (method !== "enumerate") refuseSite(name, `it is discrete, which ${method} is not for`);
        continue;
      }
      const site = this.siteOf(name);
      if (method === "enumerate")
        this.refuse(site, "it is continuous, so it has no list of values");
      const isConjugate = findings[site].kind === "conjugate" || truncated.has(site);
      if (method === "conjugate" && !isConjugate) {
        this.refuse(site, "its conditional is in no family that is known");
      }
    }
  }

  siteOf(name: string): number {
    return (
      this.#byName.get(name) ??
      refuseSite(name, "the model has no continuous latent site so called")
    );
  }
  methodOf(site: number): SiteMethod | undefined {
    const { name } = this.#joint.sites[site].latent;
    return Object.hasOwn(this.#methods, name) ? this.#methods[name] : undefined;
  }
  refuse(site: number, reason: string): never {
    const { latent } = this.#joint.sites[site] ?? internalError(`no site ${site}`);
    return refuseSite(latent.name, reason, latent.variable.span);
  }
}
