/** The benchmarks' programs, as text with data, and the way from text to a callable gradient. */
import { readFileSync } from "node:fs";
import { compileKernels, createMemory, instantiate } from "../../src/device/cpu/compile.js";
import {
  type CompiledModel,
  checkSource,
  compileDensity,
  conditionRaw,
  type DensityOptions,
  selectModel,
} from "../../src/run/compile.js";
import { type RawData, readObject } from "../../src/run/data/values.js";

export interface Program {
  readonly path: string;
  readonly text: string;
  readonly data: RawData;
}

/** The folder of the checkout: `npm run bench` runs there. */
export const EIGHT_SCHOOLS = {
  model: "examples/eight_schools/model.ppl",
  data: "examples/eight_schools/data.json",
};

export const schoolsY = [28, 8, -3, 7, -1, 1, 18, 12];
export const schoolsSigma = [15, 10, 16, 11, 9, 11, 10, 18];

/** Non-centred eight schools: the example of the README, position (mu, log tau, eta[8]). */
export function eightSchools(): Program {
  const path = EIGHT_SCHOOLS.model;
  const data = { J: 8, y: schoolsY, sigma: schoolsSigma };
  return { path, text: readFileSync(path, "utf8"), data: readObject(data) };
}

const LOGISTIC = `model logistic(N: int, D: int, X: real[N, D]) {
  beta ~ iid(Normal(0, 1), D)
  let eta = X @ beta
  for i in 0..N { y[i] ~ Bernoulli(logits: eta[i]) }
}
`;

/** Logistic regression on a fixed low-discrepancy design: values in (−1, 1). */
export function logistic(n: number, d: number) {
  const x = Float64Array.from({ length: n * d }, (_, k) => (((k + 1) * 0.6180339887) % 1) * 2 - 1);
  const y = Float64Array.from({ length: n }, (_, k) =>
    ((k + 1) * 0.7548776662) % 1 < 0.5 ? 1 : 0,
  );
  const rows = Array.from({ length: n }, (_, i) => [...x.subarray(i * d, (i + 1) * d)]);
  const data = readObject({ N: n, D: d, X: rows, y: [...y] });
  return { program: { path: "logistic.ppl", text: LOGISTIC, data }, x, y };
}

/** Text to kernels by the stages that `tilde run` goes through. */
export function densityOf(
  program: Program,
  options: Pick<DensityOptions, "record"> = {},
): CompiledModel {
  const model = selectModel(checkSource(program), program);
  return compileDensity(conditionRaw(model, program.data), { ...options, methodName: "nuts" });
}

/** Text to a gradient that can be called; `q` and `grad` are views of its memory. */
export function gradientOf(program: Program) {
  const { kernels } = densityOf(program);
  const compiled = compileKernels(kernels);
  const instance = instantiate(compiled, createMemory(compiled, 1), 0);
  return {
    call: instance.fn("lp_grad"),
    q: instance.f64("q"),
    grad: instance.f64("grad"),
  };
}
