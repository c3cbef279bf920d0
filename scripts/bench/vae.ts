/**
 * A variational autoencoder 784–400–20 at batch 128: the time of a whole step of `svi` (rows, noise,
 * bound, gradient, Adam) against its own bare matrix products, done by the compiled kernels and,
 * where Python with NumPy is at hand, by its BLAS in the same run.
 */
import { compileKernels, createMemory, instantiate } from "../../src/device/cpu/compile.js";
import { buildObjective } from "../../src/inference/objective/index.js";
import { learningKernels } from "../../src/inference/svi/compile.js";
import { stream } from "../../src/math/rng/random.js";
import { checkSource, conditionRaw, selectModel } from "../../src/run/compile.js";
import { readObject } from "../../src/run/data/values.js";
import { svi } from "../../src/run/methods.js";
import { bindMethod, checkBatch, dataOf } from "../../src/run/svi/programs.js";
import { setOptimiser } from "./optimiser.js";

export interface VaeSizes {
  readonly pixels: number;
  readonly hidden: number;
  readonly code: number;
  readonly batch: number;
}
export const VAE: VaeSizes = { pixels: 784, hidden: 400, code: 20, batch: 128 };

const TEXT = `import nn
model vae(N: int, D: int, d: int, H: int) {
  let decode = nn.mlp([d, H, D], nn.relu)
  for i in 0..N {
    z[i] ~ iid(Normal(0, 1), d)
    x[i] ~ Bernoulli(logits: decode(z[i]))
  }
}
guide encoder(N: int, D: int, d: int, H: int, x: real[N, D]) for vae {
  let body = nn.mlp([D, H], nn.relu)
  let mean = nn.dense(H, d)
  let logsd = nn.dense(H, d)
  for i in 0..N {
    let h[i] = nn.relu(body(x[i]))
    z[i] ~ Normal(mean(h[i]), exp(logsd(h[i])))
  }
}
`;

/** The model on random pictures, as kernels with their optimiser. */
export function vaeKernels({ pixels, hidden, code, batch }: VaeSizes) {
  const source = { path: "vae.ppl", text: TEXT };
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
  return { made, kernels: learningKernels(made, sizes, "adam").kernels };
}

/** The compiled step: calls take `count` steps. */
export function vaeStep(sizes: VaeSizes = VAE) {
  const { made, kernels } = vaeKernels(sizes);
  const program = compileKernels(kernels);
  const instance = instantiate(program, createMemory(program, 1), 0);
  instance.f64("theta").set(made.initial(1, undefined));
  setOptimiser(instance, 0.001);
  const steps = instance.fn("opt_steps");
  let first = 0;
  return {
    instance,
    kernels,
    take(count: number): void {
      if (steps(first, count) < count) throw new Error("the autoencoder diverged");
      first += count;
    },
  };
}
