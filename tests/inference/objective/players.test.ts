/** Objectives that several players maximise in turn, values of sites, energies. */
import { describe, expect, test } from "vitest";
import { TildeError } from "../../../src/base/diagnostic.js";
import { compile, infer, type Posterior, svi } from "../../../src/index.js";
import { stream } from "../../../src/math/rng/index.js";
import { normalQuantile } from "../../../src/math/special/index.js";
import { evaluate } from "../../../src/tensor/evaluate.js";
import { array, build } from "./driver.js";

const pair = `import nn
model gen(N: int) {
  param m: real = 0.3
  param s: positive = 0.8
  for i in 0..N { x[i] ~ Normal(m, s) }
}
model spread(N: int) {
  param s: positive = 1
  for i in 0..N { x[i] ~ Normal(0, s) }
}
model fixed(N: int) { for i in 0..N { x[i] ~ Normal(0, 1) } }
model critic(N: int) {
  param w: real[3] = [0.1, 0.2, -0.3]
  for i in 0..N { x[i] ~ Energy(u => w[0] + w[1] * u + w[2] * u * u) }
}
model slope(N: int) {
  let a = nn.spectral_dense(1, 16)
  let b = nn.spectral_dense(16, 1)
  for i in 0..N { x[i] ~ Energy(u => b(nn.relu(a([u])))[0]) }
}
objective gan(p, critic, steps: int = 1) {
  y ~ p
  return mean(log_sigmoid(log_probs(critic, y))) for p
  return mean(log_sigmoid(log_probs(critic, data))) + mean(log_sigmoid(-log_probs(critic, y))) for critic(steps: steps)
}
objective told(p, critic) {
  y ~ p
  return mean(log_sigmoid(log_probs(critic, data))) + mean(log_sigmoid(-log_probs(critic, y))) for critic
}
model toy(N: int) {
  param m: real = 0
  for i in 0..N {
    z[i] ~ Normal(m, 1)
    x[i] ~ Normal(z[i], 1)
  }
}
guide rec(N: int, x: real[N]) for toy {
  param a: real = 0
  param b: real = 0
  param s: positive = 1
  for i in 0..N { z[i] ~ Normal(a + b * x[i], s) }
}
objective sited(p) {
  let d = nn.mlp([1, 4, 1], tanh)
  y ~ p
  let drawn: real[n] = y.x
  let given: real[n] = data.x
  return mean(for i in 0..n: d([drawn[i]])[0]) for p
  return mean(for i in 0..n: d([given[i]])[0] - d([drawn[i]])[0]) - mean(square(given)) for d
}
fn log_sigmoid(x) = -softplus(-x)
`;
const quantiles = (n: number, mean: number, sd: number): number[] =>
  Array.from({ length: n }, (_, i) => mean + sd * normalQuantile((i + 0.5) / n));

describe("players", () => {
  test.each([
    ["gan", { p: "gen", critic: "critic" }],
    ["sited", { p: "gen" }],
  ])("%s: each gradient is that of its own number in its own params", (objective, programs) => {
    const x = array([5], quantiles(5, 1, 0.5));
    const made = build({ text: pair, objective, programs, data: { N: 5, x } });
    expect(made.players?.map((p) => p.name)).toHaveLength(2);
    const theta = made.initial(1).map((t, k) => t + 0.05 * (k % 3));
    const rng = stream(3, 0, 0, 0);
    const noise = Object.fromEntries(
      made.noise.map((n) => [
        n.name,
        Float64Array.from({ length: n.dims.reduce((a, b) => a * b, 1) }, () => rng.normal()),
      ]),
    );
    const moved = new Set<number>();
    for (const { graph, spans } of made.players ?? []) {
      const nodes = ["value", "grad"].map((name) => {
        const output = graph.outputs.find((o) => o.name === name);
        if (output === undefined) throw new Error(`no ${name}`);
        return output.node;
      });
      const at = (t: Float64Array) => evaluate(nodes, { ...noise, theta: t });
      const [, grad] = at(theta);
      const isOwn = (k: number): boolean => spans.some(([from, to]) => k >= from && k < to);
      for (let k = 0; k < theta.length; k++) {
        if (!isOwn(k)) {
          expect(grad[k]).toBe(0);
          continue;
        }
        expect(moved.has(k)).toBe(false);
        moved.add(k);
        const h = 1e-5;
        const [up, down] = [h, -h].map((d) => at(theta.map((t, j) => (j === k ? t + d : t)))[0][0]);
        // Central differences: h² and rounding / h leave about 1e-9.
        expect(grad[k]).toBeCloseTo((up - down) / (2 * h), 7);
      }
    }
    expect(moved.size).toBe(made.dimension);
  });
});

describe("what players come to", () => {
  const N = 400;
  const fit = (model: string, settings: Parameters<typeof svi>[0], mean = 1, sd = 0.7) => {
    const x = quantiles(N, mean, sd);
    const method = svi({ schedule: "cosine", draws: 200, ...settings });
    return infer(compile(pair, { model }), { data: { N, x }, method, seed: 4 });
  };
  const tree = (p: Posterior) => p.params as unknown as Record<string, Record<string, number[]>>;

  test("the best critic of two Gaussians is the log of their ratio", async () => {
    const programs = { critic: "critic" };
    const fitted = await fit("fixed", { objective: "told", programs, steps: 6000, lr: 0.03 });
    const { w } = tree(fitted).critic;
    // log N(x; 1, 0.7) - log N(x; 0, 1) = -log 0.7 - (x - 1)² / 0.98 + x² / 2
    const exact = [-Math.log(0.7) - 1 / 0.98, 2 / 0.98, 0.5 - 1 / 0.98];
    // The curvature of the loss is small in these, and the draws are noisy.
    exact.forEach((e, k) => {
      expect(Math.abs(w[k] - e)).toBeLessThan(0.1);
    });
  });

  test("wasserstein of the library: the critic's number is |μ1 − μ2| of Gaussians of one sd", async () => {
    // The generator has no way to move its mean: its one param is the sd, which is right at the start.
    const programs = { critic: "slope" };
    const objective = "wasserstein(steps: 20)";
    for (const mean of [2, -1]) {
      const settings = { objective, programs, steps: 3000, lr: 0.01 };
      const { fit: made } = await fit("spread", settings, mean, 1);
      const players = made.figures.players as unknown as Record<
        string,
        { final: number; mcse: number }
      >;
      const { final, mcse } = players.critic;
      // W1(N(μ1, 1), N(μ2, 1)) = |μ1 − μ2|, by the map x + μ1 − μ2. No critic of slope 1 exceeds it,
      // power iteration falls short of σ by 1 % at most, and the sd moves by some hundredths.
      const distance = Math.abs(mean);
      expect(final).toBeLessThan(1.02 * distance + 4 * mcse + 0.03);
      expect(final).toBeGreaterThan(0.93 * distance);
    }
  });

  test("wake and sleep: the model has the data's mean, the guide the posterior", async () => {
    const objective = "wake_sleep";
    const fitted = await fit("toy", { objective, guide: "rec", steps: 20_000, lr: 0.01 }, 1, 1);
    const { m, rec } = fitted.params as unknown as { m: number; rec: Record<string, number> };
    // z | x ~ N((m + x) / 2, 1 / 2); the mean of the data is 1.
    expect(Math.abs(m - 1)).toBeLessThan(0.1);
    expect(Math.abs(rec.a - m / 2)).toBeLessThan(0.05);
    expect(Math.abs(rec.b - 0.5)).toBeLessThan(0.03);
    expect(Math.abs(rec.s - Math.SQRT1_2)).toBeLessThan(0.03);
  });
});

describe("mistakes", () => {
  const code = (objective: string, programs: Record<string, string>, text = pair): string => {
    try {
      const x = array([4], [1, 2, 3, 4]);
      build({ text, objective, programs, data: { N: 4, x } });
    } catch (error) {
      if (error instanceof TildeError) return error.diagnostics[0].code;
      throw error;
    }
    return "none";
  };
  const one = (body: string): string => `${pair}objective bad(p, critic) { y ~ p\n${body} }`;
  test("energies are not drawn from, nor maximised with their normaliser free", () => {
    expect(code("gan", { p: "critic", critic: "critic" })).toBe("energy_draw");
    const text = `${pair}objective ml(p) { return log_prob(p, data) }`;
    expect(code("ml", { p: "critic" }, text)).toBe("energy_normaliser");
  });
  test("every param is someone's", () => {
    const text = one("return mean(log_probs(critic, y)) for p");
    expect(code("bad", { p: "gen", critic: "critic" }, text)).toBe("player_unnamed");
    const both = one("return 1 for p\nreturn 2 for critic");
    expect(code("bad", { p: "gen", critic: "gen" }, both)).toBe("player_twice");
  });
  test("sites that are read are there, of the shape that is said", () => {
    const read = (text: string) => one(`let v: ${text}\nreturn sum(v) for p, critic`);
    const programs = { p: "gen", critic: "critic" };
    expect(code("bad", programs, read("real[n] = y.z"))).toBe("site_value_unknown");
    expect(code("bad", programs, read("real[n] = data.z"))).toBe("site_value_unknown");
    expect(code("bad", programs, read("real[n, d] = y.x"))).toBe("site_value_shape");
    expect(code("bad", programs, read("real[n] = y.x"))).toBe("none");
  });
});
