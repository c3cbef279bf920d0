/** What `explain` says of gradients through draws, and strategies given at a run. */
import { describe, expect, test } from "vitest";
import { compile, explain, infer, svi, TildeError } from "../../../src/index.js";
import { scratchFolder, tilde } from "../../helpers/cli.js";

const scratch = scratchFolder();

const text = `model m(N: int, y: real[N]) {
  g ~ Gamma(2, 1)
  a ~ Bernoulli(0.4)
  b ~ Normal(0, 1)
  n ~ Poisson(2)
  for i in 0..N { z[i] ~ Categorical([0.5, 0.5]);  y[i] ~ Normal([b, g][z[i]] + 0.1 * n + a, 1) }
}
guide q(N: int, y: real[N]) for m {
  param s: real[2] = [0.3, -0.2]
  g ~ Gamma(2, exp(s[0]))
  a ~ Bernoulli(logits: s[1])
  b ~ Normal(s[0] + a, 1)
  n ~ Poisson(exp(s[1]) + 1)
  for i in 0..N { z[i] ~ Categorical(logits: s) using rebar }
}`;
const data = { y: [0.5, 1.2, -0.3] };

test("each site has its strategy with the reason", async () => {
  const plan = await explain(compile(text), data, { method: svi() });
  expect(plan.estimators.map((e) => [e.site, e.strategy, e.chosen])).toEqual([
    ["g", "reparam", true],
    ["a", "enumerate", true],
    ["b", "reparam", true],
    ["n", "reinforce(baseline: moving_average)", true],
    ["z", "rebar", false],
  ]);
  expect(plan).toMatchObject({ method: "svi", objective: "elbo", guide: "q", dimension: 2 });
  const reasons = plan.estimators.map((e) => e.reason);
  expect(new Set(reasons).size).toBe(5);
});

describe("strategies given at a run", () => {
  test("stand over those of the text and over the compiler's choice", async () => {
    const estimators = { z: "enumerate", a: "reinforce(baseline: nvil)", b: "mvd", n: "mvd" };
    const method = svi({ estimators, steps: 50, draws: 10 });
    const plan = await explain(compile(text), data, { method });
    const found = Object.fromEntries(plan.estimators.map((e) => [e.site, e.strategy]));
    expect(found).toEqual({ ...estimators, g: "reparam" });
    const fit = await infer(compile(text), { data, method });
    expect(fit.fit.figures.strategies).toEqual({
      g: "reparam",
      a: "reinforce",
      b: "mvd",
      n: "mvd",
      z: "enumerate",
    });
  });

  const refused: readonly (readonly [Record<string, string>, string])[] = [
    [{ b: "rebar" }, "strategy_invalid"],
    [{ zz: "rebar" }, "estimator_site"],
    [{ z: "gumbel" }, "bad_option"],
    [{ z: "reinforce(baseline: none_such)" }, "bad_option"],
  ];
  test.each(refused)("%o is refused", async (estimators, code) => {
    let thrown: unknown;
    try {
      await explain(compile(text), data, { method: svi({ estimators }) });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(TildeError);
    const [first] = (thrown as TildeError).diagnostics;
    expect(first.code).toBe(code);
    if (code === "strategy_invalid") {
      const { start, end } = first.span ?? { start: 0, end: 0 };
      expect(text.slice(start, end)).toBe("Normal(s[0] + a, 1)");
    }
  });
});

test("tilde explain --method svi", async () => {
  const file = scratch.file("m.ppl", text);
  const values = scratch.file("data.json", JSON.stringify(data));
  const flags = ["--data", values, "--method", "svi", "--option", 'estimators={"n": "mvd"}'];
  const { out } = await tilde("explain", file, ...flags);
  expect(out).toContain("z[3] of q");
  expect(out).toMatch(/n of q +mvd, as written/);
  expect(out).toMatch(/g of q +reparam, chosen: draws have a derivative/);
});

test("what is carried from step to step rules other methods out", async () => {
  const program = compile("model m() { param a: real = 0 then a + 1;  x ~ Normal(0, 1) }");
  const { methods } = await explain(program);
  for (const m of methods) expect(m.works, m.method).toBe(false);
  const map = methods.find((m) => m.method === "map");
  expect(map?.reason).toContain("takes no steps");
});
