/**
 * Effective draws per second of NUTS on non-centred eight schools, one core, from program text by
 * the whole pipeline: the smallest bulk effective sample size over (mu, tau, eta, theta) for each
 * second of sampling of one chain. The median is over seeds.
 */
import { compileKernels, createMemory, instantiate } from "../../src/device/cpu/compile.js";
import { NUTS_DEFAULTS } from "../../src/inference/contract.js";
import { finishChain } from "../../src/inference/hamiltonian/chain.js";
import { withNuts } from "../../src/inference/nuts/assemble.js";
import { VariableDiagnostics } from "../../src/run/diagnostics/index.js";
import { type Figure, median } from "./figures.js";
import { densityOf, eightSchools } from "./models.js";

const TARGET = 200_000;
const SCHOOLS = 8;
const BATCH = 64;
const BATCHES = 1500;

export function nutsFigures(draws = 20_000, seeds = 7): Figure[] {
  const { joint, kernels } = densityOf(eightSchools());
  const width = joint.constrained.shape[0];
  const module = withNuts(kernels, "diag", NUTS_DEFAULTS.maxTreeDepth);
  const program = compileKernels(module, { sharedMemory: false });
  const rates: number[] = [];
  const batchRates: number[] = [];
  const drawTimes: number[] = [];
  const efficiencies: number[] = [];
  for (let seed = 0; seed < seeds; seed++) {
    const instance = instantiate(program, createMemory(program, 1), 0);
    const outcome = finishChain(instance, { ...NUTS_DEFAULTS, draws }, { seed, chain: 0 });
    if (outcome.kind !== "finished") throw new Error(outcome.kind);
    const { constrained } = outcome.storage;
    const column = (of: (row: number) => number): Float64Array =>
      Float64Array.from({ length: draws }, (_, t) => of(t * width));
    const columns = Array.from({ length: width }, (_, i) => column((row) => constrained[row + i]));
    for (let j = 0; j < SCHOOLS; j++) {
      const theta = (r: number): number =>
        constrained[r] + constrained[r + 1] * constrained[r + 2 + j];
      columns.push(column(theta));
    }
    const diagnostics = new VariableDiagnostics(1, draws);
    const efficiency = Math.min(...columns.map((c) => diagnostics.essBulk(c))) / draws;
    efficiencies.push(efficiency);
    rates.push((efficiency * draws) / outcome.seconds.sampling);
    drawTimes.push((1e6 * outcome.seconds.sampling) / draws);
    // Batches of about 0.1 ms, which other processes rarely disturb.
    const block = instance.fn("nuts_block");
    const times = Array.from({ length: BATCHES }, (_, k) => {
      const begun = performance.now();
      block(k * BATCH, BATCH, 1);
      return (performance.now() - begun) / 1000;
    });
    batchRates.push((efficiency * BATCH) / median(times));
  }
  return [
    {
      figure: "NUTS effective draws, eight schools, one core",
      unit: "1/s",
      median: Math.round(median(rates)),
      min: Math.round(Math.min(...rates)),
      target: TARGET,
      bound: "at least",
      parts: {
        by_short_batches: Math.round(median(batchRates)),
        draw_us: median(drawTimes),
        effective_per_draw: median(efficiencies),
      },
    },
  ];
}
