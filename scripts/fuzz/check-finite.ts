/** Models of finitely many values: probabilities sum to 1, and simulation draws in their proportion. */
import { TildeError } from "../../src/base/diagnostic.js";
import { buildLogJoint } from "../../src/inference/logjoint/index.js";
import { samplePriorOf } from "../../src/inference/prior/index.js";
import { elementCount } from "../../src/model/data.js";
import { logJointTerms } from "../../src/passes/interpret/log-joint.js";
import { infer } from "../../src/run/infer.js";
import { enumerate, gibbs } from "../../src/run/methods.js";
import { evaluate } from "../../src/tensor/evaluate.js";
import { type Case, conditionedOf, Finding, programOf } from "./case.js";

const MOST = 300;
const DRAWS = 2000;

/**
 * Assignments of every site by the interpreter: their probabilities sum to 1, so does the graph's sum;
 * draws of the prior (and of Gibbs, where it works) have the marginals that the list has.
 */
export async function checkFinite(c: Case): Promise<boolean> {
  const conditioned = conditionedOf(c);
  const joint = buildLogJoint(conditioned, "enumerate");
  const sites = joint.sum?.sites ?? [];
  if (joint.dimension > 0 || sites.length === 0) return false;
  const elements = sites.flatMap((s) => Array.from({ length: elementCount(s.dims) }, () => s));
  if (elements.reduce((n, s) => n * s.count, 1) > MOST) return false;
  const state = elements.map(() => 0);
  /** Probabilities of each element's values. */
  const marginals = elements.map((s) => new Float64Array(s.count));
  let total = 0;
  for (;;) {
    let at = 0;
    const values = new Map(
      sites.map((s) => [
        s.name,
        {
          dims: s.dims,
          data: Float64Array.from({ length: elementCount(s.dims) }, () => s.low + state[at++]),
        },
      ]),
    );
    const p = Math.exp(logJointTerms(conditioned, values).reduce((a, t) => a + t.value, 0));
    total += p;
    state.forEach((v, i) => {
      marginals[i][v] += p;
    });
    let next = elements.length - 1;
    while (next >= 0 && state[next] === elements[next].count - 1) state[next--] = 0;
    if (next < 0) break;
    state[next]++;
  }
  if (!(Math.abs(total - 1) < 1e-9))
    throw new Finding(`the probabilities of all assignments sum to ${total}`);
  const summed = evaluate([joint.logJoint], { q: new Float64Array(0) })[0][0];
  if (!(Math.abs(summed) < 1e-9))
    throw new Finding(`the graph's sum over all assignments is exp(${summed})`);
  const names = sites.map((s) => s.name);
  const prior = samplePriorOf(conditioned, { draws: DRAWS, seed: c.seed, only: names });
  compareDraws(
    "the prior",
    marginals,
    (i) => drawsOf(i, sites, (name) => prior.draws.get(name)?.data),
    DRAWS,
    sites,
  );
  const program = programOf(c);
  const closed = await tried(() =>
    infer(program, { data: c.data, method: enumerate({ draws: DRAWS }), seed: c.seed, threads: 1 }),
  );
  if (closed !== undefined) {
    if (!(Math.abs(closed.fit.figures.log_evidence as number) < 1e-9)) {
      throw new Finding(`enumerate has the log evidence ${closed.fit.figures.log_evidence}, not 0`);
    }
    let at = 0;
    for (const s of sites) {
      const { data } = closed.marginals(s.name);
      for (let k = 0; k < elementCount(s.dims); k++, at++) {
        marginals[at].forEach((p, v) => {
          if (!(Math.abs(data[k * s.count + v] - p) < 1e-9)) {
            throw new Finding(
              `enumerate: P(${s.name}[${k}] = ${s.low + v}) is ${data[k * s.count + v]}, not ${p}`,
            );
          }
        });
      }
    }
    compareDraws(
      "enumerate",
      marginals,
      (i) => drawsOf(i, sites, (name) => closed.draws(name).data),
      DRAWS,
      sites,
    );
  }
  const chain = await tried(() =>
    infer(program, {
      data: c.data,
      method: gibbs({ chains: 1, warmup: 200, draws: DRAWS, thin: 5 }),
      seed: c.seed,
      threads: 1,
      relabel: false,
    }),
  );
  // Draws of a chain hang together; a tenth of them counts.
  if (chain !== undefined) {
    compareDraws(
      "gibbs",
      marginals,
      (i) => drawsOf(i, sites, (name) => chain.draws(name).data),
      DRAWS / 10,
      sites,
    );
  }
  return true;
}

async function tried<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TildeError) return undefined;
    throw error;
  }
}

type Sites = readonly {
  readonly name: string;
  readonly dims: readonly number[];
  readonly low: number;
}[];

/** All draws of the element of that number over all sites. */
function drawsOf(
  i: number,
  sites: Sites,
  data: (name: string) => Float64Array | undefined,
): number[] {
  let at = i;
  for (const s of sites) {
    const size = elementCount(s.dims);
    if (at >= size) {
      at -= size;
      continue;
    }
    const all = data(s.name);
    if (all === undefined) return [];
    return Array.from({ length: all.length / size }, (_, d) => all[d * size + at]);
  }
  return [];
}

/** Frequencies against probabilities, six standard errors of `effective` draws. */
function compareDraws(
  what: string,
  marginals: readonly Float64Array[],
  draws: (i: number) => number[],
  effective: number,
  sites: Sites,
): void {
  const lows = sites.flatMap((s) => Array.from({ length: elementCount(s.dims) }, () => s));
  marginals.forEach((probabilities, i) => {
    const all = draws(i);
    if (all.length === 0) return;
    probabilities.forEach((p, v) => {
      const share = all.filter((x) => x === lows[i].low + v).length / all.length;
      const error = Math.sqrt((Math.max(p * (1 - p), 0) + 1e-3) / effective);
      if (!(Math.abs(share - p) < 6 * error)) {
        throw new Finding(
          `${what} draws ${lows[i].name} (element ${i}) = ${lows[i].low + v} with frequency ${share}, not ${p}`,
        );
      }
    });
  });
}
