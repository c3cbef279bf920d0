/** `explain`: the plan of sites, sums, memory and work. */
import { describe, expect, it } from "vitest";
import { renderPlan } from "../../src/cli/explain.js";
import { compile, explain } from "../../src/index.js";

const hmm = compile(`model hmm(T: int) {
  p ~ Beta(8, 2)
  q ~ Beta(8, 2)
  mu: ordered[2] ~ Normal(0, 2)
  z[0] ~ Bernoulli(0.5)
  for t in 1..T { z[t] ~ Bernoulli(if z[t - 1] then p else 1 - q) }
  for t in 0..T {
    c[t] ~ Categorical([0.2, 0.3, 0.5])
    y[t] ~ Normal(mu[int(z[t])], 0.5)
    u[t] ~ Normal(c[t], 1)
  }
}`);
const y = [1, 2, 0, 1, 2];

describe("explain", () => {
  it("tells how each site is treated", async () => {
    const plan = await explain(hmm, { T: 5, y, u: y });
    expect(plan.sites.map((s) => [s.name, s.treatment, s.latent, s.values])).toEqual([
      ["p", "sampled", 1, undefined],
      ["q", "sampled", 1, undefined],
      ["mu", "sampled", 2, undefined],
      ["z", "summed out", 5, 2],
      ["c", "summed out", 5, 3],
      ["y", "observed", 0, undefined],
      ["u", "observed", 0, undefined],
    ]);
    expect(plan.dimension).toBe(4);
    expect(plan.sums).toEqual([
      {
        sites: ["c"],
        how: "independent",
        count: 5,
        length: 1,
        assignments: "3",
        largest: 3,
        cost: 15,
      },
      {
        sites: ["z"],
        how: "chains",
        count: 1,
        length: 5,
        assignments: "2^5",
        largest: 4,
        cost: 20,
      },
    ]);
    expect(plan.density?.gradientOperations).toBeGreaterThan(plan.density?.operations ?? 0);
  });

  it("tells it in words", async () => {
    const text = renderPlan(await explain(hmm, { T: 5, y, u: y }));
    expect(text).toContain("  p: unit            latent, 1 number by logistic\n");
    expect(text).toContain("  z[5]: bool         summed out, 2 values each\n");
    expect(text).toContain(
      "  z: forward pass over 1 × 5 steps, 4 terms a step, 20 in all (of 2^5 assignments)\n",
    );
    expect(text).toContain("  c: 5 independent groups of 3 assignments, 15 terms\n");
    expect(text).toMatch(/about \d+ operations for the density, \d+ with its gradient\nmemory: /);
  });

  it("sees data that fold into a few numbers", async () => {
    const plan = await explain(
      compile("model m(N: int) { mu ~ Normal(0, 1)\n for n in 0..N { y[n] ~ Normal(mu, 2) } }"),
      { N: 1000, y: Array.from({ length: 1000 }, (_, i) => i % 7) },
    );
    expect(plan.density?.dataBefore).toBeGreaterThanOrEqual(1000);
    expect(plan.density?.dataAfter).toBeLessThan(10);
    expect(plan.density?.constantBytes).toBeLessThan(1000);
  });

  it("counts the tables of loose groups", async () => {
    const ising = compile(`model ising(L: int) {
      h ~ Normal(0, 1)
      for i in 0..L { for j in 0..L { z[i, j] ~ Bernoulli(logits: h) } }
      for i in 0..L { for j in 0..L - 1 { factor int(z[i, j]) * int(z[i, j + 1]) } }
      for i in 0..L - 1 { for j in 0..L { factor int(z[i, j]) * int(z[i + 1, j]) } }
    }`);
    const [sum] = (await explain(ising, { L: 4 })).sums;
    expect(sum).toMatchObject({ how: "elimination", length: 16, assignments: "2^16" });
    // A grid of side L has treewidth L.
    expect(sum.largest).toBe(2 ** 5);
  });

  it("points models without continuous sites to enumerate", async () => {
    const plan = await explain(
      compile("model m() { z ~ Bernoulli(0.3)\n y ~ Normal(int(z), 1) }"),
      {
        y: 0.2,
      },
    );
    expect(plan.dimension).toBe(0);
    expect(renderPlan(plan)).toContain("--method enumerate");
  });

  it("names the site and the cost where a sum is too large", async () => {
    const dense = compile(`model m(N: int) {
      a ~ Normal(0, 1)
      for i in 0..N { z[i] ~ Bernoulli(0.5) }
      for i in 0..N { for j in 0..i { factor a * int(z[i]) * int(z[j]) } }
    }`);
    await expect(explain(dense, { N: 40 })).rejects.toThrow(
      /summing out `z` would take tables of 1.1e\+12/,
    );
  });
});
