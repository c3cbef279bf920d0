/**
 * Time of one iteration of EM for a Gaussian mixture with full covariances, N = 100 000, D = 10,
 * K = 10, and its log likelihood after 10 iterations from a given start. The same by scikit-learn:
 * `em_mixture.py`, which reads the data that this script writes.
 *
 *     npx tsc -p tsconfig.bench.json && node dist/scripts/bench/em-mixture.js [directory of the data]
 */

import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { compileKernels, createMemory, instantiate } from "../../src/device/cpu/compile.js";
import { planEm, runEm } from "../../src/inference/em/index.js";
import { stream } from "../../src/math/rng/random.js";
import { condition } from "../../src/passes/condition/index.js";
import { modelOf } from "../../tests/inference/logjoint/models.js";
import { mixture as text } from "../bench-gpu/texts.js";

const [N, D, K, ITERATIONS] = [100_000, 10, 10, 10];

const rng = stream(1, 0, 0, 0);
const centres = Float64Array.from({ length: K * D }, () => 2 * rng.normal());
const x = new Float64Array(N * D);
for (let i = 0; i < N; i++) {
  const k = rng.int(K);
  let before = 0;
  for (let j = 0; j < D; j++) {
    // Neighbouring coordinates are correlated.
    const noise = rng.normal();
    x[i * D + j] = centres[k * D + j] + noise + 0.5 * before;
    before = noise;
  }
}
const means = centres.map((c) => c + 0.5 * rng.normal());
const identity = Float64Array.from({ length: K * D * D }, (_, i) => {
  return Math.floor(i / D) % D === i % D ? 1 : 0;
});

const at = process.argv[2] ?? tmpdir();
writeFileSync(join(at, "em_x.f64"), Buffer.from(x.buffer));
writeFileSync(join(at, "em_means.f64"), Buffer.from(means.buffer));

const data = new Map([
  ["N", { dims: [], data: Float64Array.of(N) }],
  ["K", { dims: [], data: Float64Array.of(K) }],
  ["D", { dims: [], data: Float64Array.of(D) }],
  ["x", { dims: [N, D], data: x }],
]);
const begin = performance.now();
const plan = planEm(
  condition(modelOf(text), data),
  (module) => {
    const program = compileKernels(module);
    return instantiate(program, createMemory(program, 1), 0);
  },
  {
    start: new Map([
      ["pi", new Float64Array(K).fill(1 / K)],
      ["mu", means],
      ["Sigma", identity],
    ]),
    tolerance: 0,
    maxIterations: ITERATIONS,
  },
);
if (plan.kind !== "plan") throw new Error(plan.reason);
const planned = performance.now();
let last = performance.now();
const times: number[] = [];
const result = runEm(plan, 1, {
  onProgress: ({ phase }) => {
    if (phase !== "run") return;
    const now = performance.now();
    times.push(now - last);
    last = now;
  },
});
if (result.kind !== "fitted") throw new Error(JSON.stringify(result.failure));
times.sort((a, b) => a - b);
const median = times[Math.floor(times.length / 2)];
console.log(`plan ${((planned - begin) / 1000).toFixed(2)} s`);
console.log(`iteration ${median.toFixed(1)} ms (median of ${times.length})`);
console.log(`log likelihood after ${result.iterations}: ${result.logLikelihood}`);
console.log(`resident ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`);
