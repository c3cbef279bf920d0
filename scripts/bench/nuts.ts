/**
 * Effective draws per second of NUTS on non-centred eight schools, one core: the smallest bulk
 * effective sample size over (mu, tau, theta) for each second of sampling, with a log density
 * hand-written in kernel IR. For each seed two figures: over the sampling phase of one chain as the
 * clock saw it, and with the time of a draw taken from short batches (about 0.1 ms, which other
 * processes rarely disturb; medians and fastest). Prints JSON lines; figures with a unit in their
 * name. Arguments: draws per chain, number of seeds.
 *
 *   npx rolldown scripts/bench/nuts.ts --platform node --format esm -o DIR/nuts.mjs
 *   node DIR/nuts.mjs 20000 7
 */
import { compileKernels, createMemory, instantiate } from "../../src/device/cpu/compile.js";
import { NUTS_DEFAULTS } from "../../src/inference/contract.js";
import { finishChain } from "../../src/inference/hamiltonian/chain.js";
import { withNuts } from "../../src/inference/nuts/assemble.js";
import { VariableDiagnostics } from "../../src/run/diagnostics/index.js";
import { eightSchoolsModel } from "../../tests/inference/nuts/models.js";

const draws = Number(process.argv[2] ?? 20_000);
const seeds = Number(process.argv[3] ?? 7);
const PARAMETERS = 10;
const BATCH = 64;
const BATCHES = 2000;

/** Times of `BATCHES` calls of `batch`, ascending, in microseconds. */
function batches(batch: (k: number) => void): Float64Array {
  const times = new Float64Array(BATCHES);
  for (let k = 0; k < BATCHES; k++) {
    const begun = performance.now();
    batch(k);
    times[k] = 1000 * (performance.now() - begun);
  }
  return times.sort();
}
const median = (sorted: ArrayLike<number>): number => sorted[sorted.length >> 1];
const digits = (x: number, n = 3): number => Number(x.toPrecision(n));
const print = (line: object): void => console.log(JSON.stringify(line));

const program = compileKernels(withNuts(eightSchoolsModel(), "diag", NUTS_DEFAULTS.maxTreeDepth));
const byClock: number[] = [];
const byBatch: number[] = [];
for (let seed = 0; seed < seeds; seed++) {
  const instance = instantiate(program, createMemory(program, 1), 0);
  const outcome = finishChain(instance, { ...NUTS_DEFAULTS, draws }, { seed, chain: 0 });
  if (outcome.kind !== "finished") throw new Error(outcome.kind);
  const { constrained } = outcome.storage;
  const diagnostics = new VariableDiagnostics(1, draws);
  const ess = Array.from({ length: PARAMETERS }, (_, i) =>
    diagnostics.essBulk(Float64Array.from({ length: draws }, (_, t) => constrained[t * 10 + i])),
  );
  const efficiency = Math.min(...ess) / draws;
  const block = instance.fn("nuts_block");
  const before = instance.f64("mc_gradients")[0];
  const times = batches((k) => block(k * BATCH, BATCH, 1));
  const gradients = (instance.f64("mc_gradients")[0] - before) / (BATCH * BATCHES);
  byClock.push(Math.min(...ess) / outcome.seconds.sampling);
  byBatch.push((1e6 * efficiency) / (median(times) / BATCH));
  print({
    seed,
    effective_per_draw: digits(efficiency),
    gradients_per_draw: digits(gradients),
    step_size: digits(outcome.stepSize),
    draw_us: digits((1e6 * outcome.seconds.sampling) / draws),
    draw_us_batch_median: digits(median(times) / BATCH),
    draw_us_batch_fastest: digits(times[0] / BATCH),
    warmup_ms: digits(1000 * outcome.seconds.warmup),
    effective_per_s: Math.round(byClock[seed]),
    effective_per_s_batch: Math.round(byBatch[seed]),
  });
  if (seed === seeds - 1) {
    const refresh = instance.fn("mc_refresh");
    const sorted = batches(() => {
      for (let i = 0; i < 1000; i++) refresh();
    });
    print({ gradient_ns_median: digits(median(sorted)), gradient_ns_fastest: digits(sorted[0]) });
  }
}
print({
  effective_per_s_median: Math.round(median(byClock.sort((a, b) => a - b))),
  effective_per_s_batch_median: Math.round(median(byBatch.sort((a, b) => a - b))),
});
