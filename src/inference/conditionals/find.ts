/**
 * Complete conditionals, found without pattern rules. A continuous site v given all else is in the
 * family with statistics T exactly where ∂ log p / ∂v = J_T(v)ᵀ η for all v. So η is read at a few
 * reference points, and the identity is tested at random points v and random states of the other
 * sites (a randomised identity test: Schwartz 1980). Nothing of the model's text is looked at, so
 * plates, gathers, linear maps and sums all count.
 */

import type { RandomStream } from "../../math/rng/random.js";
import { stream } from "../../math/rng/random.js";
import type { Expr, Support } from "../../model/ir.js";
import type { Conditioned } from "../../passes/condition/index.js";
import type { KernelInstance } from "../contract.js";
import { expFamilies } from "../expfam/index.js";
import { buildDirectJoint, type DirectJoint, type DirectSite } from "../logjoint/direct.js";
import { colouring } from "./colouring.js";
import type { Conjugate, Finding, Split, Structure } from "./finding.js";
import { directKernels, type MakeInstance } from "./kernels.js";
import { naturalParameters, type SiteGradient, siteGradient } from "./natural.js";
import { type ConditionalRule, rules, scalarRules, symmetric, tangential } from "./rules.js";
import { type DrawState, loadState, randomStates } from "./states.js";
import { findTruncated, type Truncated } from "./truncated.js";

export interface Conditionals {
  /** Conjugate sites in their own coordinates, all others in unconstrained ones. */
  readonly joint: DirectJoint;
  readonly findings: readonly Finding[];
  readonly draw: DrawState;
  /**
   * Sites that are `other` among the findings but a family cut off to an interval, if these were
   * asked for; the joint has them in their own coordinates.
   */
  readonly truncated: ReadonlyMap<number, Truncated>;
}

/** What is asked for beside whole families. */
export interface ConditionalOptions {
  /** Names of sites that are read in unconstrained coordinates whatever their conditionals are. */
  readonly free?: ReadonlySet<string>;
  /** Whether to look for truncated families. */
  readonly truncated?: boolean;
  /** Whether sites of endless whole numbers are taken, as ones whose conditional is unknown. */
  readonly counts?: boolean;
}

/** Relative to the terms whose sum is compared; rounding leaves 1e-12, another family 1e-2. */
const TOLERANCE = 1e-8;
/** Relative to the largest term of the site: what rounding leaves of a sum that cancels. */
const FLOOR = 1e-13;
const TEST_STATES = 3;
const TEST_POINTS = 3;
/** A normal site of at most so many scalars is drawn as one vector where they depend. */
const BLOCK_LIMIT = 100;
/** Larger dependent sites are split into classes if they have at most so many scalars. */
const COLOUR_LIMIT = 3000;
const SEED = 20_030_815;

/** The conditionals of every continuous latent site. */
export function findConditionals(
  conditioned: Conditioned,
  make: MakeInstance,
  methodName: string,
  options: ConditionalOptions = {},
): Conditionals {
  const { counts = false } = options;
  const draw = randomStates(conditioned, methodName, undefined, counts);
  let free = new Set<string>(options.free ?? []);
  // A site that becomes free changes the coordinates that the others are conditioned on: where a
  // bound depends on another site, that can undo its conjugacy, so all are tested again.
  for (;;) {
    const joint = buildDirectJoint(conditioned, free, methodName, counts);
    const asked = joint.sites.flatMap((s, k) => (s.isFree || s.isCount ? [] : [k]));
    const instance = make(directKernels(joint, { gradients: asked }));
    const findings = joint.sites.map((site, k): Finding => {
      const none = { kind: "other", name: site.latent.name, site: k } as const;
      return site.isFree || site.isCount
        ? none
        : (findConditional(joint, k, instance, draw) ?? none);
    });
    const left = findings.flatMap((f) => {
      const isOpen = f.kind === "other" && !free.has(f.name) && !joint.sites[f.site].isCount;
      return isOpen ? [f.site] : [];
    });
    const truncated = new Map<number, Truncated>();
    if (options.truncated === true && left.length > 0) {
      const cutters = make(directKernels(joint, { gradients: left, densities: left }));
      for (const k of left) {
        const found = findTruncated(joint, k, cutters, draw);
        if (found !== undefined) truncated.set(k, found);
      }
    }
    const others = findings.filter((f) => {
      return f.kind === "other" && !truncated.has(f.site) && !joint.sites[f.site].isCount;
    });
    const names = new Set([...free, ...others.map((f) => f.name)]);
    if (names.size === free.size) return { joint, findings, draw, truncated };
    free = names;
  }
}

/** The conditional of one site, or undefined where no family fits. */
function findConditional(
  joint: DirectJoint,
  site: number,
  instance: KernelInstance,
  draw: DrawState,
): Conjugate | undefined {
  const evaluate = siteGradient(joint, site, instance);
  const length = evaluate.values.length;
  const test = (split: Split): Conjugate | undefined => {
    const evidence = deviation(joint, instance, evaluate, split, draw, site);
    if (evidence === undefined) return undefined;
    return { kind: "conjugate", name: joint.sites[site].latent.name, site, evidence, ...split };
  };
  const splits = candidates(joint.sites[site]);
  for (const split of splits) {
    const found = test(split);
    if (found !== undefined) return found;
  }
  const scalars = splits.filter((s) => s.structure === "elementwise");
  if (scalars.length === 0 || length === 1 || length > COLOUR_LIMIT) return undefined;
  const classes = colouring(evaluate, () => {
    loadState(joint, instance, draw(stream(SEED, 1, site, 0)));
  });
  for (const split of scalars) {
    const found = test({ ...split, structure: "coloured", classes });
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What a site's support allows, the finest split first. */
function candidates(site: DirectSite): Split[] {
  const { latent, supports } = site;
  const { length, elements, dims, variable } = latent;
  const forms = new Set(supports.map(formOf));
  const [form] = forms;
  if (forms.size !== 1 || form === undefined) return [];
  const split = (
    rule: ConditionalRule,
    structure: Structure,
    unit: number,
    size = unit,
  ): Split => ({
    rule,
    structure,
    unit,
    size,
    classes: [Int32Array.from({ length: length / unit }, (_, i) => i)],
  });
  const last = dims[dims.length - 1] ?? 1;
  switch (form) {
    case "real": {
      const event = dims.slice(dims.length - variable.eventRank).reduce((n, d) => n * d, 1);
      const out = scalarRules.real.map((r) => split(r, "elementwise", 1));
      const isWhole = elements === undefined;
      if (isWhole && event > 1 && event < length && event <= BLOCK_LIMIT) {
        out.push(split(rules.mvNormal, "event", event));
      }
      if (length > 1 && length <= BLOCK_LIMIT) out.push(split(rules.mvNormal, "block", length));
      return out;
    }
    case "positive":
    case "unit":
      return scalarRules[form].map((r) => split(r, "elementwise", 1));
    case "simplex":
      return elements === undefined
        ? [rules.dirichlet, rules.tangentDirichlet].map((r) => split(r, "event", last))
        : [];
    case "cov":
      return elements === undefined
        ? [rules.wishart, rules.inverseWishart].map((r) => split(r, "event", last * last, last))
        : [];
  }
}

type Form = keyof typeof scalarRules | "simplex" | "cov";

function formOf(support: Support): Form | undefined {
  switch (support.kind) {
    case "real":
    case "unit":
    case "positive":
    case "simplex":
    case "cov":
      return support.kind;
    case "nonnegative":
      return "positive";
    case "interval": {
      const constant = (e: Expr | undefined) => (e?.kind === "const" ? e.value : undefined);
      if (constant(support.lower) !== 0) return undefined;
      if (support.upper === undefined) return "positive";
      return constant(support.upper) === 1 ? "unit" : undefined;
    }
    default:
      return undefined;
  }
}

/** The largest relative deviation from the identity; undefined where it fails. */
function deviation(
  joint: DirectJoint,
  instance: KernelInstance,
  evaluate: SiteGradient,
  split: Split,
  draw: DrawState,
  site: number,
): number | undefined {
  let worst = 0;
  for (let s = 0; s < TEST_STATES; s++) {
    const rng = stream(SEED, 0, site, s);
    loadState(joint, instance, draw(rng));
    for (const units of split.classes) {
      const found = classDeviation(evaluate, split, units, rng);
      if (found === undefined) return undefined;
      worst = Math.max(worst, found);
    }
  }
  return worst;
}

function classDeviation(
  evaluate: SiteGradient,
  split: Split,
  units: Int32Array,
  rng: RandomStream,
): number | undefined {
  const { rule, unit, size } = split;
  const family = expFamilies[rule.family];
  const etas = naturalParameters(evaluate, split, units);
  if (etas.some((eta) => !family.isValid(eta, { size }))) return undefined;
  let worst = 0;
  for (let p = 0; p < TEST_POINTS; p++) {
    const points = etas.map(() => rule.point(rng, size));
    units.forEach((u, i) => {
      evaluate.values.set(points[i], u * unit);
    });
    const found = evaluate.gradient();
    const predicted = etas.map((eta, i) => rule.gradient(eta, points[i], size));
    const largest = predicted.reduce((m, { scale }) => Math.max(m, ...scale), 0);
    for (let i = 0; i < units.length; i++) {
      const raw = found.slice(units[i] * unit, (units[i] + 1) * unit);
      const actual =
        rule.tangent === true ? tangential(raw) : unit === size ? raw : symmetric(raw, size);
      const { value, scale } = predicted[i];
      for (let k = 0; k < unit; k++) {
        const terms = scale[k] + (FLOOR / TOLERANCE) * largest;
        const error = Math.abs(actual[k] - value[k]) / terms;
        // Beside an infinite scale everything would agree.
        if (!Number.isFinite(terms)) return undefined;
        if (error <= TOLERANCE) worst = Math.max(worst, error);
        // An exact zero on both sides is agreement; NaN is none.
        else if (!(actual[k] === value[k])) return undefined;
      }
    }
  }
  return worst;
}
