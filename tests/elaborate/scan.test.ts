/** `scan`: the recurrence that it is short for, by function, lambda and in loops; wrong uses. */
import { expect, test } from "vitest";
import { check, compile, infer, prior } from "../../src/index.js";

const data = {
  T: 4,
  x: [0.5, -1, 2, 0.25],
  X: [
    [1, 2],
    [0.5, -1],
    [3, 1],
    [2, 2],
  ],
};

async function value(text: string, name: string): Promise<number[]> {
  const fit = await infer(compile(text), { data, method: prior({ draws: 1 }), seed: 1 });
  return [...fit.draws(name).data];
}
const inputs = "T: int, x: real[T], X: real[T, 2]";

test.each([
  ["a lambda", "scan((s, v) => 0.5 * s + v + u, 1, x)"],
  ["a function", "scan(step, 1, x, u)"],
  ["an int to begin with", "scan((s, v) => 0.5 * s + v + u, int(1 > 0), x)"],
  ["names that meet", "scan((v, s) => 0.5 * v + s + u, 1, x)"],
])("%s", async (_, call) => {
  const text = (define: string) => `fn step(s, v, b) = 0.5 * s + v + b
model m(${inputs}) { u ~ Normal(0, 1); ${define} }`;
  const recurrence = `let z[0] = 0.5 + x[0] + u
  for t in 1..T { let z[t] = 0.5 * z[t - 1] + x[t] + u }`;
  expect(await value(text(`let z = ${call}`), "z")).toEqual(await value(text(recurrence), "z"));
});

test("vectors as states, rows as inputs, in a loop", async () => {
  const text = `model m(${inputs}) {
  u ~ Normal(0, 1)
  for j in 0..2 { let z[j] = scan((s, v) => 0.5 * s + (j + 1) * v * u, zeros(2), X) }
}`;
  const found = await value(text, "z");
  const u = (await value(text, "u"))[0];
  for (let j = 0; j < 2; j++) {
    let s = [0, 0];
    data.X.forEach((row, t) => {
      s = s.map((v, k) => 0.5 * v + (j + 1) * row[k] * u);
      for (let k = 0; k < 2; k++) expect(found[(j * 4 + t) * 2 + k]).toBeCloseTo(s[k], 12);
    });
  }
});

test.each([
  ["let z = scan(step, 1)", "scan_usage"],
  ["let z = scan((s) => s, 1, x)", "scan_usage"],
  ["let z = scan(3, 1, x)", "scan_usage"],
  ["let z = 1 + scan((s, v) => s, 1, x)", "scan_place"],
  ["let z = scan((s, v) => sum(for s in 0..2: v), 1, x)", "transformed_shadow"],
])("%s is refused", (statement, code) => {
  const text = `fn step(s, v) = s + v
model m(${inputs}) { u ~ Normal(0, 1); ${statement} }`;
  expect(check(text).map((d) => d.code)).toContain(code);
});
