/** Runs that diverge: the step, the param, and a last state that a run can begin from. */
import { expect, test } from "vitest";
import { compile, DivergedError, infer, type Method, nce, svi, vi } from "../../../src/index.js";

async function diverged(
  text: string,
  data: Readonly<Record<string, unknown>>,
  method: Method,
): Promise<DivergedError> {
  const error = await infer(compile(text, { model: "m" }), { data, method }).catch(
    (e: unknown) => e,
  );
  if (!(error instanceof DivergedError)) throw error;
  return error;
}

test("the params are those before the step that failed", async () => {
  const text =
    "model m() { param w: real = 1;  param v: real[2] = 0.5;  factor -w^2 - 2 * sum(square(v)) }";
  const method = svi({
    objective: "maximum_likelihood",
    optimizer: "sgd",
    momentum: 0,
    schedule: "constant",
    lr: 1.05,
    steps: 5000,
  });
  const error = await diverged(text, {}, method);
  // θ ← (1 − 2 c ρ) θ, until the square of the gradient is no number any more.
  const { step } = error.why;
  let [w, v] = [1, 0.5];
  for (let t = 1; t < step; t++) [w, v] = [w + 1.05 * (-2 * w), v + 1.05 * (-4 * v)];
  expect(error.params).toEqual({ w, v: [v, v] });
  expect((4 * v) ** 2).toBeLessThan(Number.POSITIVE_INFINITY);
  expect(error.message).toContain("has grown too long");
  const gentle = svi({ objective: "maximum_likelihood", optimizer: "sgd", lr: 0.1, steps: 10 });
  const again = { ...gentle, init: error.params };
  const fit = await infer(compile(text), { data: {}, method: again });
  expect((fit.params as unknown as { w: number }).w).toBeLessThan(w);
});

const y = [0.5, 1.8, -0.3, 2.2, 1.1];
const normal = `model m(N: int, y: real[N]) {
  mu ~ Normal(0, 2)
  for i in 0..N { y[i] ~ Normal(mu, 1) }
}
guide q() for m { param a: real = -3;  param s: positive = 3;  mu ~ Normal(a, s) }`;

test.each(["mean_field", "full_rank", "low_rank", "flow"] as const)("vi with %s", async (guide) => {
  const error = await diverged(normal, { y }, vi({ guide, lr: 1e200, steps: 1000 }));
  expect(error.diagnostics[0].code).toBe("ascent_diverged");
  expect(error.message).toContain("phi[");
  const method = vi({ guide, steps: 4000, init: error.params as never });
  const fit = await infer(compile(normal, { model: "m" }), { data: { y }, method });
  // Precision 1/4 + 5, and the mean has an error of about sd / √4000.
  const row = fit.summary().rows.find((r) => r.name === "mu");
  expect(Math.abs((row?.mean ?? Number.NaN) - 5.3 / 5.25)).toBeLessThan(0.05);
});

test("nce and players", async () => {
  const energy = `model m(N: int, y: real[N]) {
  param c: real = 0
  param s: positive = 1
  for i in 0..N { y[i] ~ Energy(u => -u^2 / (2 * s^2) - c * u) }
}
model noise(N: int, y: real[N]) { for i in 0..N { y[i] ~ Normal(0, 3) } }
model fake(N: int) {
  param a: real = 0
  for i in 0..N { y[i] ~ Normal(a, 1) }
}
objective duel(p, fake) {
  z ~ fake
  let on = log_probs(p, z)
  let d = log_probs(p, data)
  return mean(on) for fake
  return mean(d) - mean(on) for p
}`;
  const first = await diverged(energy, { y }, nce({ noise: "noise", lr: 1e200, steps: 500 }));
  expect(["c", "s"]).toContain(first.why.param);
  const second = svi({ objective: "duel", programs: { fake: "fake" }, lr: 1e200, steps: 500 });
  const error = await diverged(energy, { y }, second);
  for (const { params } of [first, error]) {
    const init = { c: (params as { c: number }).c, s: (params as { s: number }).s };
    const method = nce({ noise: "noise", steps: 50, init });
    const fit = await infer(compile(energy, { model: "m" }), { data: { y }, method });
    expect(Object.keys(fit.params ?? {})).toEqual(["c", "s"]);
  }
  expect(Object.keys(error.params).sort()).toEqual(["c", "fake", "s"]);
});
