/** What is wrong with a run of `svi` is a diagnostic. */
import { describe, expect, test } from "vitest";
import {
  compile,
  DivergedError,
  infer,
  nce,
  type SviOptions,
  svi,
  TildeError,
} from "../../../src/index.js";

const text = `model m(N: int) {
  mu ~ Normal(0, 1)
  for i in 0..N { y[i] ~ Normal(mu, 1) }
}
guide q() for m { param a: real = 0;  param s: positive = 1;  mu ~ Normal(a, s) }
guide wide() for m { param a: real = 0;  mu ~ Normal(a, 5) }
model other() { x ~ Normal(0, 1) }
guide of_other() for other { param a: real;  x ~ Normal(a, 1) }
model alone() { x ~ Normal(0, 1) }
model fixed() { x ~ Normal(0, 1) }
guide nothing() for fixed { x ~ Normal(0, 1) }`;
const y = [0.2, 0.7, 1.3];

async function thrownBy(work: Promise<unknown>): Promise<TildeError> {
  const error = await work.then(
    () => undefined,
    (e: unknown) => e,
  );
  if (!(error instanceof TildeError)) throw new Error(`no diagnostic but ${String(error)}`);
  return error;
}

describe("names, sizes and values", () => {
  const cases: [code: string, settings: Partial<SviOptions>, model?: string][] = [
    ["several_guides", {}],
    ["unknown_guide", { guide: "p" }],
    ["guide_of_other", { guide: "of_other" }],
    ["guide_needed", { objective: "elbo" }, "alone"],
    ["nothing_to_learn", {}, "fixed"],
    ["unknown_objective", { guide: "q", objective: "elbow" }],
    ["bad_option", { guide: "q", objective: "iwae(five)" }],
    ["bad_option", { guide: "q", objective: "elbo(5)" }],
    ["bad_option", { guide: "q", programs: { critic: "m" } }],
    ["batch_size_unknown", { guide: "q", batch: { M: 2 } }],
    ["batch_too_large", { guide: "q", batch: { N: 4 } }],
    ["init_unknown", { guide: "q", init: { q: { b: 1 } } }],
    ["init_unknown", { guide: "q", init: { q: 1 } }],
    ["init_shape", { guide: "q", init: { q: { a: [1, 2] } } }],
    ["param_start", { guide: "q", init: { q: { s: -1 } } }],
    ["file_unreadable", { guide: "q", init: "no/such/params.json" }],
  ];
  test.each(cases)("%s: %o", async (code, settings, model = "m") => {
    const program = compile(text, { model });
    const data = model === "m" ? { N: 3, y } : {};
    const error = await thrownBy(infer(program, { data, method: svi(settings) }));
    expect(error.diagnostics.map((d) => d.code)).toEqual([code]);
  });

  const options: readonly (readonly [() => unknown, string])[] = [
    [() => svi({ batch: { N: 0 } }), "whole numbers"],
    [() => svi({ optimizer: "adamw" as "adam" }), "one of adam, sgd"],
    [() => svi({ momentum: 1 }), "1 excluded"],
    [() => svi({ stepz: 1 } as object), "did you mean"],
    [() => nce({ ratio: 0 }), "whole number"],
  ];
  test.each(options)("option %#", (make, part) => {
    expect(make).toThrow(TildeError);
    try {
      make();
    } catch (error) {
      const [d] = (error as TildeError).diagnostics;
      expect(`${d.message} ${d.help}`).toContain(part);
    }
  });
});

test("a run that diverges keeps the last finite params", async () => {
  const program = compile(text, { model: "m" });
  const method = svi({ guide: "q", optimizer: "sgd", lr: 10, schedule: "constant" });
  const error = await thrownBy(infer(program, { data: { N: y.length, y }, method }));
  expect(error).toBeInstanceOf(DivergedError);
  const { why, params, diagnostics } = error as DivergedError;
  expect(diagnostics[0].code).toBe("learning_diverged");
  expect(diagnostics[0].message).toContain(`step ${why.step}`);
  expect(diagnostics[0].message).toContain("q.");
  const { a, s } = params.q as Record<string, number>;
  expect(Number.isFinite(a)).toBe(true);
  expect(Number.isFinite(s)).toBe(true);
  expect(s).toBeGreaterThan(0);
  // They can be begun from: one step with another step size is taken.
  const again = svi({ guide: "q", init: params, lr: 1e-12, steps: 1 });
  const next = await infer(program, { data: { N: 3, y }, method: again, seed: 1 });
  expect(next.params?.q).toEqual({ a: expect.closeTo(a, 6), s: expect.closeTo(s, 6) });
});
