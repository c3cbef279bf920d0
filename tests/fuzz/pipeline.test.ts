/**
 * A few models of the generator through the pipeline; `npm run fuzz` does the same for as long as one
 * likes. A failure here names the model: `npm run fuzz -- --seed 1 --from NUMBER --seconds 5` makes it
 * small.
 */
import { describe, expect, test } from "vitest";
import { caseOf, nested } from "../../scripts/fuzz/case.js";
import { mutated, wrongData } from "../../scripts/fuzz/check-language.js";
import { attempt, casesOf, type Outcome } from "../../scripts/fuzz/checks.js";
import { Choices } from "../../scripts/fuzz/choices.js";
import { generate } from "../../scripts/fuzz/models.js";
import { shrink } from "../../scripts/fuzz/shrink.js";

const SEED = 1;

/** What came of the checks of some models, of those that are asked for. */
async function outcomes(
  numbers: readonly number[],
  wanted: (check: string) => boolean,
): Promise<Outcome[]> {
  const found: Outcome[] = [];
  for (const number of numbers) {
    for await (const { check, c } of casesOf(SEED, number, { methods: true, devices: [] })) {
      if (!wanted(check)) continue;
      const outcome = await attempt(check, c);
      // With the model's number, for whoever reads the failure.
      expect({ number, data: c.data, ...outcome, seconds: 0 }).not.toMatchObject({
        kind: "failed",
      });
      found.push(outcome);
    }
  }
  return found;
}

const first = (n: number, from = 0): number[] => Array.from({ length: n }, (_, k) => from + k);
const share = (found: readonly Outcome[], kind: Outcome["kind"]): number =>
  found.filter((o) => o.kind === kind).length / found.length;

describe("random models", () => {
  test("texts: round trips, and diagnostics for what was broken", async () => {
    const found = await outcomes(first(120), (check) => check.endsWith("text"));
    expect(found.length).toBe(480);
    expect(share(found, "fine")).toBe(1);
  });

  test("densities: interpreter, graph, kernel and slope", async () => {
    const found = await outcomes(first(14, 1000), (check) => check === "density");
    // Most are models that gradient methods take, or the check would be empty.
    expect(share(found, "fine")).toBeGreaterThan(0.8);
  });

  test("data that do not fit: refused or taken", async () => {
    const found = await outcomes(first(20, 2000), (check) => check === "wrong data");
    expect(share(found, "refused")).toBeGreaterThan(0.5);
  });

  test("finitely many values: probabilities sum to 1 and are those of draws", async () => {
    const found = await outcomes(
      first(4).map((k) => 3 + 7 * k),
      (check) => check === "finite",
    );
    // The others have more assignments than are listed.
    expect(share(found, "fine")).toBeGreaterThan(0.5);
  });

  test("methods: a fit or a diagnostic", async () => {
    const found = await outcomes(first(1, 2998), (check) =>
      /^(method|storage|explain)/.test(check),
    );
    expect(share(found, "fine")).toBeGreaterThan(0.2);
  });
});

test("the same seed and number make the same model", () => {
  expect(generate(5, 17)).toEqual(generate(5, 17));
  expect(generate(5, 17).text).not.toBe(generate(5, 18).text);
});

test("failures are made small", async () => {
  const text = `fn f(a: real) -> real = a + 1
model m(N: int, x: real[N]) {
  a ~ Normal(0, 1)
  for i in 0..N { y[i] ~ Normal(x[i] * f(a), exp(a)) }
  b ~ Gamma(2, lgamma(3.5) + a * a)
}`;
  const c = { text, data: { N: 3, x: [1, 2, 3] }, seed: 1 };
  const small = await shrink(c, async (s) => /lgamma/.test(s.text) && /model/.test(s.text));
  expect(small.text).toBe("model m() {\n  b ~ lgamma\n}\n");
  expect(small.data).toEqual({});
});

test("mutations and wrong data are those of the seed", () => {
  const made = generate(1, 4);
  expect(mutated(made.text, new Choices(1, 1))).toBe(mutated(made.text, new Choices(1, 1)));
  const c = caseOf({ ...made, observed: [] }, new Choices(1, 2), 0);
  expect(wrongData(c, new Choices(1, 3))).toEqual(wrongData(c, new Choices(1, 3)));
  expect(
    nested({ dims: [2, 1], data: Float64Array.of(1, 2), missing: Uint8Array.of(0, 1) }),
  ).toEqual([[1], [null]]);
});
