/**
 * Closed-form posteriors and evidences. The normal sites together form one normal vector given the
 * others where the log joint is quadratic in all of them; integrated out, what is left must be a
 * product of families over the other sites. Each step is an identity that is tested, not a pattern:
 * p(y, b) = p(y, a, b) / p(a | b, y) holds at any a, and p(y) = p(y, b) / p(b | y) at any b.
 * Normal–Gamma, Normal–inverse-Wishart, regressions with a conjugate scale and linear-Gaussian
 * models all come out of the two steps.
 */
import { internalError } from "../../base/internal.js";
import { solve } from "../../math/linalg/index.js";
import type { RandomStream } from "../../math/rng/random.js";
import { stream } from "../../math/rng/random.js";
import type { Conditioned } from "../../passes/condition/index.js";
import { findConditionals } from "../conditionals/find.js";
import type { Conjugate } from "../conditionals/finding.js";
import { directKernels, inputBuffer, type MakeInstance } from "../conditionals/kernels.js";
import { type ConditionalRule, rules, scalarRules } from "../conditionals/rules.js";
import { loadState } from "../conditionals/states.js";
import { CutSite, type Truncated } from "../conditionals/truncated.js";
import type { KernelInstance } from "../contract.js";
import { expFamilies, type FamilyName, logDensity, type Params } from "../expfam/index.js";
import type { DirectJoint } from "../logjoint/direct.js";
import { type Candidate, fitUnit, paretoCandidate, type UnitFit } from "./fit.js";

/** One site's marginal posterior, unit by unit. */
export interface ExactSite {
  readonly name: string;
  readonly family: FamilyName;
  /** Of each unit, in the order of the site's scalars. */
  readonly params: readonly Params[];
}

export interface ExactPosterior {
  readonly kind: "exact";
  readonly logEvidence: number;
  readonly joint: DirectJoint;
  /** The sites that are not normal. */
  readonly sites: readonly ExactSite[];
  /** The names of the normal sites, which are one vector given `sites`. */
  readonly normal: readonly string[];
  /** One draw of every latent scalar, in the layout of the latents' offsets. */
  readonly draw: (rng: RandomStream) => Float64Array;
}

/** Why there is no closed form. */
export type NotExact =
  | { readonly kind: "discrete"; readonly name: string }
  /** The site's conditional is in no family. */
  | { readonly kind: "conditional"; readonly name: string }
  /** The normal sites are not jointly normal given the others. */
  | { readonly kind: "not_jointly_normal"; readonly names: readonly string[] }
  /** The site's posterior, the normal sites integrated out, is in no family. */
  | { readonly kind: "marginal"; readonly name: string }
  | { readonly kind: "too_large"; readonly length: number };

/** Normal sites of more scalars in all are refused: a dense factor of that side. */
const NORMAL_LIMIT = 600;
const TOLERANCE = 1e-7;
const SEED = 19_610_212;

export function exactPosterior(
  conditioned: Conditioned,
  make: MakeInstance,
  methodName = "exact",
): ExactPosterior | NotExact {
  const { joint, findings, draw, truncated } = findConditionals(conditioned, make, methodName, {
    truncated: true,
  });
  if (joint.discrete.length > 0) return { kind: "discrete", name: joint.discrete[0].name };
  const found: Conjugate[] = [];
  const cuts: Truncated[] = [];
  for (const f of findings) {
    const cut = truncated.get(f.site);
    if (f.kind === "conjugate") found.push(f);
    // The upper end of uniform data: a Pareto that begins where the data and the prior allow.
    else if (cut?.family === "Power" && cut.support.upper === Infinity) cuts.push(cut);
    else return { kind: "conditional", name: f.name };
  }
  const isNormal = (f: Conjugate) => f.rule.family === "Normal" || f.rule.family === "MvNormal";
  const normal = found.filter(isNormal).map((f) => f.site);
  const others = found.filter((f) => !isNormal(f));
  const instance = make(
    directKernels(joint, {
      lp: true,
      gradients: [...normal, ...cuts.map((c) => c.site)],
      densities: cuts.map((c) => c.site),
    }),
  );
  const block = new NormalBlock(joint, instance, normal);
  if (block.length > NORMAL_LIMIT) return { kind: "too_large", length: block.length };
  const cutSites = cuts.map((c) => new CutSite(joint, instance, c.site, c.support));
  const load = (rng: RandomStream): void => {
    loadState(joint, instance, draw(rng));
    for (const cut of cutSites) cut.enter();
  };

  for (let k = 0; k < 3; k++) {
    const rng = stream(SEED, 0, 0, k);
    load(rng);
    if (!block.holds(rng)) {
      const names = normal.map((s) => joint.sites[s].latent.name);
      return { kind: "not_jointly_normal", names };
    }
  }

  load(stream(SEED, 1, 0, 0));
  const sites = [
    ...others.map(
      (f): Fitted => ({
        name: f.name,
        site: f.site,
        unit: f.unit,
        count: f.classes.reduce((n, c) => n + c.length, 0),
        rounds: rulesFor(f).map((rule) => () => ({ rule, setting: { size: f.size } })),
      }),
    ),
    ...cuts.map((c, k): Fitted => {
      const begin = Array.from({ length: c.length }, (_, i) => cutSites[k].interval(i).lower);
      const rounds = begin.every((b) => b > 0) ? [(u: number) => paretoCandidate(begin[u])] : [];
      return { name: c.name, site: c.site, unit: 1, count: c.length, rounds };
    }),
  ];
  const fits: { site: Fitted; units: UnitFit[] }[] = [];
  for (const site of sites) {
    const units = fitSite(instance, block, site);
    if (units === undefined) return { kind: "marginal", name: site.name };
    fits.push({ site, units });
  }
  // Unit by unit the fits hold where the others stand; that they hold together is tested here.
  const evidenceAt = (rng: RandomStream): number => {
    let log = 0;
    for (const { site, units } of fits) {
      const values = instance.f64(inputBuffer(site.site));
      units.forEach(({ rule, setting, eta }, u) => {
        const point = rule.point(rng, setting.size);
        values.set(point, u * site.unit);
        log += logDensity(expFamilies[rule.family], eta, setting, point);
      });
    }
    return block.marginal() - log;
  };
  const logEvidence = evidenceAt(stream(SEED, 2, 0, 0));
  for (let k = 1; k < 4; k++) {
    const again = evidenceAt(stream(SEED, 2, 0, k));
    const limit = TOLERANCE * (1 + Math.abs(logEvidence));
    if (!(Math.abs(again - logEvidence) <= limit)) {
      return { kind: "marginal", name: fits[0]?.site.name ?? joint.sites[normal[0]].latent.name };
    }
  }
  return {
    kind: "exact",
    logEvidence,
    joint,
    sites: fits.map(({ site, units }) => ({
      name: site.name,
      family: units[0].rule.family,
      params: units.map(({ rule, setting, eta }) => {
        return expFamilies[rule.family].fromNatural(eta, setting);
      }),
    })),
    normal: normal.map((s) => joint.sites[s].latent.name),
    draw: (rng) => {
      for (const { site, units } of fits) {
        const values = instance.f64(inputBuffer(site.site));
        units.forEach(({ rule, setting, eta }, u) => {
          values.set(expFamilies[rule.family].sample(eta, setting, rng), u * site.unit);
        });
      }
      block.sample(rng);
      const width = joint.sites.reduce((n, s) => n + s.latent.length, 0);
      const out = new Float64Array(width);
      joint.sites.forEach(({ latent }, k) => {
        out.set(instance.f64(inputBuffer(k)).subarray(0, latent.length), latent.offset);
      });
      return out;
    },
  };
}

/** A site that is not normal: its units, and the families to try for all of them, in turn. */
interface Fitted {
  readonly name: string;
  readonly site: number;
  readonly unit: number;
  readonly count: number;
  readonly rounds: readonly ((u: number) => Candidate)[];
}

/** Integrating the normal sites out can change the family of a scale. */
function rulesFor({ rule }: Conjugate): readonly ConditionalRule[] {
  switch (rule.family) {
    case "Gamma":
    case "InverseGamma":
      return scalarRules.positive;
    case "Wishart":
    case "InverseWishart":
      return [rules.wishart, rules.inverseWishart];
    default:
      return [rule];
  }
}

/** The families of every unit of a site once the normal sites are integrated out. */
function fitSite(
  instance: KernelInstance,
  block: NormalBlock,
  { site, unit, count, rounds }: Fitted,
): UnitFit[] | undefined {
  const values = instance.f64(inputBuffer(site));
  for (const candidate of rounds) {
    const fits: UnitFit[] = [];
    for (let u = 0; u < count; u++) {
      const before = values.slice(u * unit, (u + 1) * unit);
      const at = (point: Float64Array): number => {
        values.set(point, u * unit);
        return block.marginal();
      };
      const rng = stream(SEED, 3, site, u);
      const fit = fitUnit(candidate(u), at, rng);
      values.set(before, u * unit);
      if (fit === undefined) break;
      fits.push(fit);
    }
    if (fits.length === count) return fits;
  }
  return undefined;
}

/** All normal sites as one vector; the rest of the state stands in the workspace. */
class NormalBlock {
  readonly length: number;
  readonly #parts: readonly {
    readonly values: Float64Array;
    readonly gradient: Float64Array;
    readonly run: () => number;
    readonly offset: number;
  }[];
  readonly #instance: KernelInstance;

  constructor(joint: DirectJoint, instance: KernelInstance, sites: readonly number[]) {
    let length = 0;
    this.#parts = sites.map((k) => {
      const own = joint.sites[k].latent.length;
      length += own;
      return {
        values: instance.f64(inputBuffer(k)).subarray(0, own),
        gradient: instance.f64(`grad_${k}`).subarray(0, own),
        run: instance.fn(`grad_${k}`),
        offset: length - own,
      };
    });
    this.length = length;
    this.#instance = instance;
  }

  #set(v: Float64Array): void {
    for (const { values, offset } of this.#parts) {
      values.set(v.subarray(offset, offset + values.length));
    }
  }

  #gradient(v: Float64Array): Float64Array {
    this.#set(v);
    const out = new Float64Array(this.length);
    for (const { gradient, run, offset } of this.#parts) {
      run();
      out.set(gradient, offset);
    }
    return out;
  }

  /** η of the vector given the rest. */
  #natural(): Float64Array {
    const { references, read } = rules.mvNormal;
    return read(
      references(this.length).map((v) => this.#gradient(v)),
      this.length,
    );
  }

  /** Whether the gradient of all normal sites is affine in all of them. */
  holds(rng: RandomStream): boolean {
    if (this.length === 0) return true;
    const eta = this.#natural();
    if (!expFamilies.MvNormal.isValid(eta, { size: this.length })) return false;
    const point = rules.mvNormal.point(rng, this.length);
    const { value, scale } = rules.mvNormal.gradient(eta, point, this.length);
    const largest = scale.reduce((m, s) => Math.max(m, s), 0);
    return this.#gradient(point).every((g, i) => {
      return Math.abs(g - value[i]) <= 1e-8 * scale[i] + 1e-13 * largest;
    });
  }

  /** log p(y, rest), the normal sites integrated out: at their conditional mean. */
  marginal(): number {
    if (this.length === 0) return this.#instance.call("lp");
    const eta = this.#natural();
    const n = this.length;
    const setting = { size: n };
    if (!expFamilies.MvNormal.isValid(eta, setting)) return Number.NaN;
    const precision = eta.slice(n).map((e) => -2 * e);
    const mean = solve(precision, eta.slice(0, n), n) ?? internalError("a singular precision");
    this.#set(mean);
    return this.#instance.call("lp") - logDensity(expFamilies.MvNormal, eta, setting, mean);
  }

  sample(rng: RandomStream): void {
    if (this.length === 0) return;
    this.#set(expFamilies.MvNormal.sample(this.#natural(), { size: this.length }, rng));
  }
}
