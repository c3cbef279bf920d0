/**
 * A variational autoencoder 784–400–20 at batch 128: the time of a whole step of `svi` (rows, noise,
 * bound, gradient, Adam) against its own bare matrix products, done by the compiled kernels and,
 * where Python with NumPy is at hand, by its BLAS in the same run.
 */

import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import { buildObjective } from "../../src/inference/objective/index.js";
import { learningKernels } from "../../src/inference/svi/compile.js";
import { stream } from "../../src/math/rng/random.js";
import type { ProductPrecision } from "../../src/passes/lower/index.js";
import { checkSource, conditionRaw, selectModel } from "../../src/run/compile.js";
import { readObject } from "../../src/run/data/values.js";
import { Helpers, place } from "../../src/run/helpers.js";
import { svi } from "../../src/run/methods.js";
import { bindMethod, checkBatch, dataOf } from "../../src/run/svi/programs.js";
import { vae as text } from "../bench-gpu/texts.js";
import { type Figure, least, median, milliseconds } from "./figures.js";
import { setOptimiser } from "./optimiser.js";

export interface VaeSizes {
  readonly pixels: number;
  readonly hidden: number;
  readonly code: number;
  readonly batch: number;
}
export const VAE: VaeSizes = { pixels: 784, hidden: 400, code: 20, batch: 128 };

/** The model on random pictures, as kernels with their optimiser. */
export function vaeKernels(
  { pixels, hidden, code, batch }: VaeSizes,
  products: ProductPrecision = "f64",
) {
  const source = { path: "vae.ppl", text };
  const checked = checkSource(source);
  const model = selectModel(checked, source);
  const rng = stream(1, 2, 3, 4);
  const N = 8 * batch;
  const x = Array.from({ length: N }, () =>
    Array.from({ length: pixels }, () => (rng.uniform() < 0.2 ? 1 : 0)),
  );
  const raw = readObject({ N, D: pixels, d: code, H: hidden, x });
  const conditioned = conditionRaw(model, raw);
  const method = svi({ batch: { N: batch } });
  const bound = bindMethod(conditioned.model, checked, method);
  const sizes = checkBatch(method.batch, conditioned.sizes);
  const { objective, args, programs } = bound;
  const made = buildObjective(objective, {
    programs,
    data: dataOf(bound, raw),
    args,
    batch: sizes,
  });
  return { made, kernels: learningKernels(made, sizes, "adam", products).kernels };
}

/** The compiled step, one at a call. */
export function vaeStep(sizes: VaeSizes = VAE, products: ProductPrecision = "f64") {
  const { made, kernels } = vaeKernels(sizes, products);
  const placed = place(kernels);
  const { instance } = placed;
  instance.f64("theta").set(made.initial(1, undefined));
  setOptimiser(instance, 0.001);
  const steps = instance.fn("opt_steps");
  let first = 0;
  const take = (): void => {
    if (steps(first, 1) < 1) throw new Error("the autoencoder diverged");
    first += 1;
  };
  return { placed, take };
}

/** Products of a step: rows, inner length, columns, and which factor is read transposed. */
type Product = readonly [m: number, inner: number, n: number, turned: "" | "x" | "y"];

export function vaeProducts({ pixels, hidden, code, batch }: VaeSizes): readonly Product[] {
  return [
    // Encoder and decoder; then their gradients, of weights and of activations.
    [batch, pixels, hidden, ""],
    [batch, hidden, code, ""],
    [batch, hidden, code, ""],
    [batch, code, hidden, ""],
    [batch, hidden, pixels, ""],
    [hidden, batch, pixels, "x"],
    [batch, pixels, hidden, "y"],
    [code, batch, hidden, "x"],
    [batch, hidden, code, "y"],
    [hidden, batch, code, "x"],
    [hidden, batch, code, "x"],
    [batch, code, hidden, "y"],
    [batch, code, hidden, "y"],
    [pixels, batch, hidden, "x"],
  ];
}

/** NumPy's server of this bench: one step's products for each line that it reads. */
const SERVER = `
import json, sys, time
import numpy as np
products = json.loads(sys.argv[1])
rng = np.random.default_rng(1)
factors = []
for m, inner, n, turned in products:
    x = rng.normal(size=(inner, m)).T if turned == "x" else rng.normal(size=(m, inner))
    y = rng.normal(size=(n, inner)).T if turned == "y" else rng.normal(size=(inner, n))
    factors.append((x, y))
for line in sys.stdin:
    begun, used = time.perf_counter(), time.process_time()
    for x, y in factors:
        x @ y
    print(1000 * (time.perf_counter() - begun), 1000 * (time.process_time() - used), flush=True)
`;

/** Milliseconds of the products in NumPy, by the clock and of processor time; none without it. */
async function numpy(sizes: VaeSizes, threads: number) {
  const python = spawn("python3", ["-c", SERVER, JSON.stringify(vaeProducts(sizes))], {
    stdio: ["pipe", "pipe", "ignore"],
    env: { ...process.env, OPENBLAS_NUM_THREADS: `${threads}`, MKL_NUM_THREADS: `${threads}` },
  });
  python.on("error", () => undefined);
  python.stdin.on("error", () => undefined);
  const lines = createInterface({ input: python.stdout })[Symbol.asyncIterator]();
  const ask = async (): Promise<readonly [number, number] | undefined> => {
    python.stdin.write("\n");
    const { value, done } = await lines.next();
    if (done === true) return undefined;
    const [wall, used] = value.split(" ").map(Number);
    return [wall, used];
  };
  return { ask, close: () => void python.stdin.end() };
}

/** Rounds of steps and products in turns. */
const ROUNDS = 31;

/**
 * A step with this many threads against the products in NumPy, with one thread or with as many,
 * whichever is faster: on a busy machine a library's threads wait for each other by spinning, and
 * many are then far slower than one.
 */
async function ratio(threads: number, products: ProductPrecision): Promise<Figure[]> {
  const { placed, take } = vaeStep(VAE, products);
  const helpers = new Helpers(placed, threads);
  helpers.start();
  const rivals = await Promise.all([...new Set([1, threads])].map((n) => numpy(VAE, n)));
  const own = { wall: [] as number[], used: [] as number[] };
  const bare = rivals.map(() => ({ wall: [] as number[], used: [] as number[] }));
  let reachable = true;
  for (let round = -5; round < ROUNDS && reachable; round++) {
    const before = process.cpuUsage();
    const wall = milliseconds(take);
    const { user, system } = process.cpuUsage(before);
    if (round >= 0) {
      own.wall.push(wall);
      own.used.push((user + system) / 1000);
    }
    for (const [k, rival] of rivals.entries()) {
      const products = await rival.ask();
      reachable &&= products !== undefined;
      if (products === undefined || round < 0) continue;
      bare[k].wall.push(products[0]);
      bare[k].used.push(products[1]);
    }
  }
  for (const rival of rivals) rival.close();
  await helpers.close();
  if (!reachable) return [];
  const best = bare.reduce((a, b) => (median(b.wall) < median(a.wall) ? b : a));
  const figure = (name: string, mine: number[], other: number[]): Figure => ({
    figure: `step of a VAE 784–400–20, batch 128, products in ${products}, against NumPy's in f64, ${name}`,
    unit: "ratio",
    median: median(mine.map((t, k) => t / other[k])),
    min: least(mine) / least(other),
    target: 1.5,
    bound: "at most",
    parts: { step_ms: median(mine), products_ms: median(other) },
  });
  const of = threads === 1 ? "1 thread" : `${threads} threads`;
  const wall = figure(of, own.wall, best.wall);
  // The clock of a busy machine says little; of one thread each, processor time says more.
  return threads === 1 ? [wall, figure(`${of}, processor time`, own.used, best.used)] : [wall];
}

export async function vaeFigures(): Promise<Figure[]> {
  const all = availableParallelism();
  const figures: Figure[] = [];
  for (const products of ["f64", "f32"] as const) {
    for (const threads of new Set([1, all])) figures.push(...(await ratio(threads, products)));
  }
  return figures;
}
