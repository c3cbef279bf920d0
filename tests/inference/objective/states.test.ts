/** States: params whose next values the text gives, carried from step to step. */
import { expect, test } from "vitest";
import { adamGraph, optimiserSettings } from "../../../src/device/optimise.js";
import { compile, em, infer, svi, TildeError } from "../../../src/index.js";
import { NEXT_THETA } from "../../../src/inference/objective/index.js";
import { symmetricEigen } from "../../../src/math/linalg/index.js";
import { stream } from "../../../src/math/rng/index.js";
import { gradient } from "../../../src/passes/grad/index.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { evaluateGraph } from "../../../src/tensor/evaluate.js";
import { array, build } from "./driver.js";

type Tree = Readonly<Record<string, unknown>>;

/** The largest singular value of w, n × m row by row, from the eigenvalues of wᵀ w. */
function largestOf(w: readonly number[], n: number, m: number): number {
  const square = Float64Array.from({ length: m * m }, (_, k) => {
    const [i, j] = [Math.floor(k / m), k % m];
    let s = 0;
    for (let r = 0; r < n; r++) s += w[r * m + i] * w[r * m + j];
    return s;
  });
  return Math.sqrt(Math.max(...symmetricEigen(square, m).values));
}

const network = `import nn
import objectives
model m(N: int, x: real[N, 4], y: real[N, 3]) {
  let f = nn.spectral_dense(4, 3)
  for i in 0..N { y[i] ~ Normal(f(x[i]), 0.5) }
}`;
const rng = stream(5, 0, 0, 0);
const normals = (n: number): number[] => Array.from({ length: n }, () => rng.normal());
const data = { x: array([6, 4], normals(24)), y: array([6, 3], normals(18)) };

test("power iterations go on from step to step: the norm of the SVD", () => {
  const made = build({
    text: network,
    objective: "maximum_likelihood",
    programs: { p: "m" },
    data,
  });
  const slot = (name: string) => {
    const found = made.params.find((p) => p.name === name);
    if (found === undefined) throw new Error(name);
    return found;
  };
  const [w, v] = [slot("f.w"), slot("f.v")];
  expect([w.isState, v.isState]).toEqual([undefined, true]);
  let theta = made.initial(3);
  const weights = [...theta.subarray(w.offset, w.offset + w.length)];
  const exact = largestOf(weights, 4, 3);
  const errors: number[] = [];
  for (let t = 0; t < 60; t++) {
    const out = evaluateGraph(made.graph, { theta });
    // Only the state moves here, and nothing pulls at it.
    out.grad.subarray(v.offset, v.offset + v.length).forEach((s) => {
      expect(s).toBe(0);
    });
    const next = out[NEXT_THETA];
    next.forEach((x, k) => {
      if (k < v.offset || k >= v.offset + v.length) expect(x).toBe(theta[k]);
    });
    theta = next;
    const at = theta.subarray(v.offset, v.offset + v.length);
    const image = [0, 1, 2, 3].map((i) =>
      [0, 1, 2].reduce((s, j) => s + weights[3 * i + j] * at[j], 0),
    );
    errors.push(Math.abs(Math.hypot(...image) - exact));
  }
  expect(errors[59]).toBeLessThan(1e-12);
  expect(errors[0]).toBeGreaterThan(1e-6);
});

test("weights that are learned: one iteration a step follows their norm", async () => {
  const fit = await infer(compile(network), {
    data: { x: [...rows(data.x.data, 4)], y: [...rows(data.y.data, 3)] },
    method: svi({ objective: "maximum_likelihood", steps: 400, schedule: "constant" }),
    seed: 2,
  });
  const { f } = fit.params as unknown as { f: { w: number[][]; v: number[] } };
  const exact = largestOf(f.w.flat(), 4, 3);
  // The weights move slowly: one iteration a step follows them.
  const image = f.w.map((row) => row.reduce((s, x, j) => s + x * f.v[j], 0));
  expect(Math.abs(Math.hypot(...image) / exact - 1)).toBeLessThan(1e-3);
});

function rows(data: Float64Array, width: number): number[][] {
  return Array.from({ length: data.length / width }, (_, i) => [
    ...data.subarray(i * width, (i + 1) * width),
  ]);
}

test("players: a critic's state moves in its own turns alone", () => {
  const made = build({
    text: `import nn
import objectives
model ring(N: int, x: real[N, 2]) {
  let g = nn.dense(2, 2)
  for i in 0..N { e[i] ~ MvNormal([0, 0], eye(2));  x[i] ~ MvNormal(g(e[i]), 0.01 * eye(2)) }
}
model judge(N: int, x: real[N, 2]) {
  let f = nn.spectral_dense(2, 1)
  for i in 0..N { factor f(x[i])[0] }
}`,
    objective: "wasserstein",
    programs: { p: "ring", critic: "judge" },
    data: { x: array([3, 2], [0.3, 1, -0.4, 2, 1.5, -0.7]) },
  });
  const { players = [], params } = made;
  const theta = made.initial(3);
  const v = params.find((p) => p.isState === true);
  expect(v?.name).toBe("judge.f.v");
  const moved = players.map(({ graph, noise }) => {
    const inputs: Record<string, Float64Array> = { theta };
    for (const n of noise) {
      inputs[n.name] = new Float64Array(n.dims.reduce((a, b) => a * b, 1)).fill(0.5);
    }
    const next = evaluateGraph(graph, inputs)[NEXT_THETA];
    return [...next].flatMap((x, k) => (x === theta[k] ? [] : [k]));
  });
  expect(players.map((p) => p.name)).toEqual(["p", "critic"]);
  expect(moved).toEqual([[], [v?.offset]]);
});

test("a running mean beside plain gradient steps, and on from a saved fit", async () => {
  const text = `model m(c: real) {
  param w: real = 3
  param mean: real = 1 then 0.9 * mean + 0.1 * w
  factor -(w - c)^2 / 2 + 0 * mean
}`;
  const method = (steps: number, init?: Tree) =>
    svi({
      objective: "maximum_likelihood",
      optimizer: "sgd",
      momentum: 0,
      lr: 0.05,
      schedule: "constant",
      steps,
      ...(init && { init: init as never }),
    });
  let [w, mean] = [3, 1];
  for (let t = 0; t < 40; t++) [w, mean] = [w + 0.05 * (0.5 - w), 0.9 * mean + 0.1 * w];
  const program = compile(text);
  const fit = await infer(program, { data: { c: 0.5 }, method: method(40) });
  const found = fit.params as unknown as { w: number; mean: number };
  expect(Math.abs(found.w - w)).toBeLessThan(1e-12);
  expect(Math.abs(found.mean - mean)).toBeLessThan(1e-12);
  const first = await infer(program, { data: { c: 0.5 }, method: method(15) });
  const rest = await infer(program, {
    data: { c: 0.5 },
    method: method(25, first.params as unknown as Tree),
  });
  expect(rest.params).toEqual(fit.params);
});

test("a state of an objective follows its evaluations", async () => {
  const text = `model m(y: real) { param a: real = 2;  y ~ Normal(a, 1) }
objective centred(p) {
  param seen: real = 0 then 0.5 * seen + 0.5 * value
  let value = log_prob(p, data)
  return value - seen
}`;
  const fit = await infer(compile(text), {
    data: { y: 0 },
    method: svi({
      objective: "centred",
      optimizer: "sgd",
      lr: 1e-14,
      steps: 3,
      schedule: "constant",
    }),
  });
  const { centred } = fit.params as unknown as { centred: { seen: number } };
  const value = -2 - 0.5 * Math.log(2 * Math.PI);
  expect(Math.abs(centred.seen - 0.875 * value)).toBeLessThan(1e-12);
});

async function codeOf(text: string, data: Readonly<Record<string, number>> = {}): Promise<string> {
  try {
    await infer(compile(text), {
      data,
      method: svi({ objective: "maximum_likelihood", steps: 10 }),
    });
    return "none";
  } catch (e) {
    return e instanceof TildeError ? e.diagnostics[0].code : String(e);
  }
}

test("what cannot be carried is refused at its place", async () => {
  const inLoop =
    "model m() { for i in 0..3 { param a[i]: real = 0 then a[i] + 1 }  factor sum(a) }";
  expect(await codeOf(inLoop)).toBe("state_place");
  expect(await codeOf("model m() { param a: positive = 1 then a + 1;  factor -a }")).toBe(
    "state_support",
  );
  const drawn = "model m() { param b: real;  param a: real = 0 then x;  x ~ Normal(a + b, 1) }";
  const guided = `${drawn}\nguide q() for m { x ~ Normal(0, 1) }`;
  const run = infer(compile(guided), { data: {}, method: svi({ steps: 10 }) });
  const error = await run.catch((e: unknown) => e);
  expect((error as TildeError).diagnostics[0].code).toBe("state_draw");
  const other = infer(compile("model m() { param a: real = 0 then a;  x ~ Normal(a, 1) }"), {
    data: { x: 1 },
    method: em(),
  });
  const refused = await other.catch((e: unknown) => e);
  expect((refused as TildeError).diagnostics[0].code).toBe("state_method");
});

test("steps on devices: states move where a step is taken, and not with estimates", () => {
  const g = new GraphBuilder();
  const theta = g.input("theta", [2]);
  const value = g.neg(g.sum(g.square(theta)));
  const [grad] = gradient(g, value, [theta]);
  const next = g.add(theta, 5);
  const outputs = Object.entries({ value, grad, next }).map(([name, node]) => ({ name, node }));
  const { graph } = adamGraph(
    { inputs: [theta], outputs },
    {
      ...{ value: "value", gradient: "grad", params: "theta", rule: "sgd" },
      written: { output: "next", mask: Float64Array.of(0, 1) },
    },
  );
  const after = (rate: number): number[] => {
    const zeros = new Float64Array(2);
    const settings = optimiserSettings({ rate, clip: 0, averaging: false, beta1: 0, beta2: 0.999 });
    const out = evaluateGraph(graph, {
      ...{ theta: Float64Array.of(1, 3), opt_settings: settings, opt_counts: new Float64Array(4) },
      ...{
        opt_first: zeros,
        opt_second: zeros,
        opt_average: zeros,
        opt_before: zeros,
      },
    });
    return [...out.next_params];
  };
  expect(after(0.25)).toEqual([0.5, 8]);
  expect(after(0)).toEqual([1, 3]);
});
