/**
 * Posteriors with one or two unconstrained numbers against quadrature: evidence, means and standard
 * deviations by every method that claims them. The trapezoidal rule on a fine grid over the whole
 * plane is exact to rounding for smooth densities of light tails; others are passed by.
 */
import { TildeError } from "../../src/base/diagnostic.js";
import { compileKernels, createMemory, instantiate } from "../../src/device/cpu/compile.js";
import { compileDensity } from "../../src/run/compile.js";
import { infer } from "../../src/run/infer.js";
import { cavi, exact, gibbs, type Method, nuts } from "../../src/run/methods.js";
import { type Case, conditionedOf, Finding, programOf } from "./case.js";

/** Half the side of the square that is integrated over. */
const REACH = 14;

interface Moments {
  readonly evidence: number;
  /** Of each latent scalar. */
  readonly means: readonly number[];
  readonly sds: readonly number[];
  readonly names: readonly string[];
}

/** Sums over a grid of n points a side; undefined where too much lies at its edge. */
function integrate(
  dimension: number,
  n: number,
  at: (q: readonly number[]) => { readonly lp: number; readonly values: Float64Array },
): { evidence: number; means: number[]; seconds: number[] } | undefined {
  const step = (2 * REACH) / n;
  const grid = Array.from({ length: n + 1 }, (_, i) => -REACH + i * step);
  const points =
    dimension === 1 ? grid.map((x) => [x]) : grid.flatMap((x) => grid.map((y) => [x, y]));
  let top = Number.NEGATIVE_INFINITY;
  const found = points.map((q) => {
    const { lp, values } = at(q);
    if (lp > top) top = lp;
    return { lp, values: values.slice(), isEdge: q.some((x) => Math.abs(x) > REACH - 1.5) };
  });
  if (!Number.isFinite(top)) return undefined;
  let [total, edge] = [0, 0];
  const size = found[0].values.length;
  const means = new Array<number>(size).fill(0);
  const seconds = new Array<number>(size).fill(0);
  for (const { lp, values, isEdge } of found) {
    if (Number.isNaN(lp)) return undefined;
    const w = Math.exp(lp - top);
    total += w;
    if (w === 0) continue;
    let most = 1;
    values.forEach((x, k) => {
      means[k] += w * x;
      seconds[k] += w * x * x;
      most = Math.max(most, x * x);
    });
    if (isEdge) edge = Math.max(edge, w * most);
  }
  if (edge > 1e-7 * total) return undefined;
  return {
    evidence: top + Math.log(total) + dimension * Math.log(step),
    means: means.map((m) => m / total),
    seconds: seconds.map((m) => m / total),
  };
}

/** Undefined where the model has no or more than two numbers, or the rule cannot be trusted. */
export function quadrature(c: Case): Moments | undefined {
  const conditioned = conditionedOf(c);
  const { joint, kernels } = compileDensity(conditioned, { methodName: "nuts" });
  if (joint.dimension < 1 || joint.dimension > 2) return undefined;
  const code = compileKernels(kernels);
  const instance = instantiate(code, createMemory(code, 1), 0);
  const [lp, constrain, q, values] = [
    instance.fn("lp_grad"),
    instance.fn("constrain"),
    instance.f64("q"),
    instance.f64("constrained"),
  ];
  const at = (point: readonly number[]) => {
    q.set(point);
    constrain();
    return { lp: lp(), values };
  };
  const fine = joint.dimension === 1 ? 4000 : 240;
  const [wide, narrow] = [
    integrate(joint.dimension, fine / 2, at),
    integrate(joint.dimension, fine, at),
  ];
  if (wide === undefined || narrow === undefined) return undefined;
  const sds = narrow.seconds.map((s, k) => Math.sqrt(Math.max(0, s - narrow.means[k] ** 2)));
  const isSmooth =
    Math.abs(wide.evidence - narrow.evidence) < 1e-6 &&
    narrow.means.every((m, k) => Math.abs(m - wide.means[k]) < 1e-5 * (sds[k] + 1e-3));
  if (!isSmooth) return undefined;
  const names = joint.latents.flatMap((v) => {
    const places = v.elements ?? Float64Array.from({ length: v.length }, (_, i) => i);
    return Array.from(places, (flat) => elementOf(v.name, flat, v.dims));
  });
  return { evidence: narrow.evidence, means: narrow.means, sds, names };
}

function elementOf(name: string, flat: number, dims: readonly number[]): string {
  const at: number[] = [];
  let rest = flat;
  for (let k = dims.length - 1; k >= 0; k--) {
    at.unshift(rest % dims[k]);
    rest = Math.floor(rest / dims[k]);
  }
  return at.length === 0 ? name : `${name}[${at.join(",")}]`;
}

const samplers: Readonly<Record<string, Method>> = {
  nuts: nuts({ chains: 2, warmup: 500, draws: 1500 }),
  gibbs: gibbs({ chains: 2, warmup: 300, draws: 1500 }),
};

/** @returns which methods were compared */
export async function checkPosterior(c: Case): Promise<readonly string[]> {
  const truth = quadrature(c);
  if (truth === undefined) return [];
  const program = programOf(c);
  const done: string[] = [];
  const run = async (name: string, method: Method) => {
    try {
      const fit = await infer(program, {
        data: c.data,
        method,
        seed: c.seed + 1,
        threads: 1,
        relabel: false,
      });
      done.push(name);
      return fit;
    } catch (error) {
      if (error instanceof TildeError) return undefined;
      throw error;
    }
  };
  const closed = await run("exact", exact({ draws: 10 }));
  if (closed !== undefined) {
    const evidence = closed.fit.figures.log_evidence as number;
    if (Math.abs(evidence - truth.evidence) > 1e-5 * (1 + Math.abs(truth.evidence))) {
      throw new Finding(`exact has the log evidence ${evidence}, quadrature ${truth.evidence}`);
    }
    const rows = new Map(closed.summary().rows.map((r) => [r.name, r]));
    truth.names.forEach((name, k) => {
      const row = closed.fit.exact?.has(name) === true ? rows.get(name) : undefined;
      if (row === undefined) return;
      if (Math.abs(row.mean - truth.means[k]) > 1e-4 * (truth.sds[k] + Math.abs(truth.means[k]))) {
        throw new Finding(
          `exact has the mean ${row.mean} of ${name}, quadrature ${truth.means[k]}`,
        );
      }
    });
  }
  const bound = await run("cavi", cavi({ restarts: 2, draws: 10 }));
  const elbo = bound?.fit.figures.elbo;
  if (typeof elbo === "number" && elbo > truth.evidence + 1e-4 * (1 + Math.abs(truth.evidence))) {
    throw new Finding(`cavi has the bound ${elbo}, the log evidence is ${truth.evidence}`);
  }
  for (const [name, method] of Object.entries(samplers)) {
    const fit = await run(name, method);
    if (fit === undefined) continue;
    const rows = new Map(fit.summary().rows.map((r) => [r.name, r]));
    const { sampler } = fit.summary();
    if ((sampler?.divergent ?? 0) > 0) continue;
    truth.names.forEach((element, k) => {
      const row = rows.get(element);
      const [ess, rhat] = [row?.essBulk, row?.rhat];
      if (
        row === undefined ||
        ess === undefined ||
        rhat === undefined ||
        !(ess > 100 && rhat < 1.05)
      )
        return;
      const error = truth.sds[k] / Math.sqrt(ess);
      // Six standard errors, and the rounding of a chain that hardly moves.
      if (Math.abs(row.mean - truth.means[k]) > 6 * error + 1e-9 * (1 + Math.abs(row.mean))) {
        throw new Finding(
          `${name} has the mean ${row.mean} of ${element}, quadrature ${truth.means[k]} (sd ${truth.sds[k]}, ess ${ess})`,
        );
      }
    });
  }
  return done;
}
