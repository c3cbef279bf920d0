/**
 * A pass of EM over the data on the CPU, all items' tables at once against blocks of items: processor
 * time of mixtures of several sizes, interleaved, the least of five.
 *
 *     npx tsc -p tsconfig.bench.json && node dist/scripts/bench/em-blocks.js
 */
import { type EmPlan, planEm, planStagedEm } from "../../src/inference/em/index.js";
import { MStep } from "../../src/inference/em/m-step.js";
import type { DataSet } from "../../src/model/data.js";
import { checkSource, conditionRaw, selectModel } from "../../src/run/compile.js";
import { openCpuGraphs } from "../../src/run/device/cpu-graphs.js";
import { StagedInstance } from "../../src/run/device/staged.js";
import { makeInstance } from "../../src/run/gibbs-chain.js";

const full = `model m(N: int, K: int, D: int) {
  param pi: simplex[K]
  for k in 0..K { param mu[k]: real[D]; param S[k]: cov[D] }
  for i in 0..N { z[i] ~ Categorical(pi); x[i] ~ MvNormal(mu[z[i]], S[z[i]]) }
}`;
const diagonal = `model m(N: int, K: int, D: int) {
  param pi: simplex[K]
  for k in 0..K { for d in 0..D { param mu[k, d]: real; param S[k, d]: positive } }
  for i in 0..N {
    z[i] ~ Categorical(pi)
    for d in 0..D { x[i, d] ~ Normal(mu[z[i], d], S[z[i], d]) }
  }
}`;

const sizes: readonly (readonly [string, number, number, number])[] = [
  ["full", 1000, 3, 2],
  ["full", 1000, 64, 16],
  ["full", 3000, 64, 16],
  ["full", 30_000, 64, 16],
  ["full", 30_000, 8, 8],
  ["full", 100_000, 3, 2],
  ["diagonal", 3000, 8, 4],
  ["diagonal", 30_000, 20, 5],
  ["diagonal", 100_000, 3, 2],
  ["diagonal", 300_000, 2, 1],
];
const REPEATS = 5;

const used = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
const number = (v: number) => ({ dims: [], data: Float64Array.of(v) });

/** Groups in boxes around points of no particular kind. */
function boxes(n: number, k: number, d: number): Float64Array {
  const x = new Float64Array(n * d);
  let state = 12_345;
  for (let i = 0; i < x.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    const group = Math.floor(i / d) % k;
    x[i] = 5 * Math.sin(7 * group + (i % d)) + (state >>> 0) / 2 ** 31;
  }
  return x;
}

for (const [name, n, k, d] of sizes) {
  const isFull = name === "full";
  const source = { path: "model.ppl", text: isFull ? full : diagonal };
  const values: DataSet = new Map([
    ["N", number(n)],
    ["K", number(k)],
    ["D", number(d)],
    ["x", { dims: [n, d], data: boxes(n, k, d) }],
  ]);
  const model = selectModel(checkSource(source), source);
  const conditioned = conditionRaw(model, { values: new Map(values), problems: new Map() });
  const place = (plan: EmPlan): void => {
    const mStep = new MStep(plan.expected, plan.parameters);
    plan.parameters.forEach((p, i) => {
      const { length } = p.coordinates.latent;
      mStep.set(
        i,
        Float64Array.from({ length }, (_, at) => {
          if (p.name === "pi") return 1 / k;
          if (p.name === "mu") return 5 * Math.sin(7 * Math.floor(at / d) + (at % d)) + 1;
          return isFull && Math.floor(at / d) % d !== at % d ? 0 : 1;
        }),
      );
    });
  };
  const pass = async (plan: EmPlan, instance?: StagedInstance): Promise<void> => {
    await instance?.answer({ kind: "discrete" });
    plan.eStep.update();
    for (const p of plan.parameters) plan.expected.natural(p.site);
  };
  const whole = planEm(conditioned, makeInstance, {});
  const made: StagedInstance[] = [];
  const stage = (kernels: ConstructorParameters<typeof StagedInstance>[1]) => {
    made.push(new StagedInstance(openCpuGraphs(), kernels));
    return made[0];
  };
  const blocks = planStagedEm(conditioned, makeInstance, {}, false, stage, false);
  if (whole.kind !== "plan" || blocks.kind !== "plan") throw new Error("no plan");
  place(whole);
  place(blocks);
  const calls = Math.max(1, Math.ceil(20 / (n * k * d * 1e-5 + 0.2)));
  const least = [Infinity, Infinity];
  for (let r = 0; r <= REPEATS; r++) {
    for (const [at, plan] of [whole, blocks].entries()) {
      const start = used();
      for (let c = 0; c < calls; c++) await pass(plan, at === 0 ? undefined : made[0]);
      // The first is with what is set up on the way.
      if (r > 0) least[at] = Math.min(least[at], (used() - start) / calls);
    }
  }
  const [a, b] = least;
  console.log(
    `${name} N = ${n}, K = ${k}, D = ${d}: at once ${a.toFixed(2)} ms, ` +
      `in blocks ${b.toFixed(2)} ms, ${(b / a).toFixed(2)}`,
  );
}
process.exit(0);
