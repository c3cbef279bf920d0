/**
 * Variance of gradients with expectations in closed form and without: an autoencoder of pictures, a
 * logistic regression, a gamma by its score; at the first params and after Adam has climbed.
 *
 *     npx tsc -p tsconfig.bench.json && node dist/scripts/bench/exact.js
 */
import { readFileSync } from "node:fs";
import { stream } from "../../src/math/rng/index.js";
import type { DataValue } from "../../src/model/data.js";
import { adam, array, build, drive, type Setup } from "../../tests/inference/objective/driver.js";
import { chain, labelChain } from "../../tests/inference/objective/structures.js";

const vae = readFileSync("examples/vae/model.ppl", "utf8");
const pictures = JSON.parse(readFileSync("examples/vae/data.json", "utf8")) as Record<
  string,
  number | number[] | number[][]
>;
const value = (x: number | number[] | number[][]): DataValue | number => {
  if (typeof x === "number") return x;
  const rows = x.map((r) => (typeof r === "number" ? [r] : r));
  const dims = typeof x[0] === "number" ? [x.length] : [x.length, rows[0].length];
  return array(dims, rows.flat());
};

/** Four coefficients, sixty bits whose log odds are linear in standard normal columns. */
function regression(guide: string): Setup {
  const n = 60;
  const rng = stream(3, 0, 0, 0);
  const x = Array.from({ length: 4 * n }, () => rng.normal());
  const y = Array.from({ length: n }, (_, i) => {
    const eta = x[4 * i] - 0.5 * x[4 * i + 1] + 0.3;
    return rng.uniform() < 1 / (1 + Math.exp(-eta)) ? 1 : 0;
  });
  return {
    text: `import objectives
model m(N: int, x: real[N, 4]) {
  b ~ iid(Normal(0, 1), 4)
  a ~ Normal(0, 2)
  for i in 0..N { y[i] ~ Bernoulli(logits: a + x[i] @ b) }
}
${guide}`,
    objective: "elbo",
    programs: { p: "m", q: "q" },
    data: { x: array([n, 4], x), y: array([n], y) },
  };
}

const cases: Readonly<Record<string, { setup: Setup; steps: number; draws: number }>> = {
  "autoencoder of digits, 100 of 600": {
    setup: {
      text: `import objectives\n${vae}`,
      objective: "elbo",
      programs: { p: "vae", q: "encoder" },
      data: Object.fromEntries(Object.entries(pictures).map(([k, v]) => [k, value(v)])),
      batch: { N: 100 },
    },
    steps: 1500,
    draws: 100,
  },
  "logistic regression, independent Normals": {
    setup: regression(`guide q() for m {
  param mu: real[4] = 0;  param s: positive[4] = 0.5;  param c: real = 0;  param t: positive = 0.5
  b ~ Normal(mu, s);  a ~ Normal(c, t)
}`),
    steps: 3000,
    draws: 4000,
  },
  "logistic regression, MvNormal": {
    setup: regression(`guide q() for m {
  param mu: real[4] = 0;  param L: cholesky_cov[4] = 0.5 * eye(4)
  param c: real = 0;  param t: positive = 0.5
  b ~ MvNormal(mu, cholesky: L);  a ~ Normal(c, t)
}`),
    steps: 3000,
    draws: 4000,
  },
  ...Object.fromEntries(
    ["reparam", "reinforce(baseline: moving_average)"].map((using) => [
      `a rate with a conjugate prior, Gamma using ${using}`,
      {
        setup: {
          text: `import objectives
model m(y: real[N]) { r ~ Gamma(2, 1);  for i in 0..N { y[i] ~ Exponential(r) } }
guide q() for m { param a: positive = 2;  param b: positive = 2;  r ~ Gamma(a, b) using ${using} }`,
          objective: "elbo",
          programs: { p: "m", q: "q" },
          data: { y: array([5], [0.3, 1.2, 0.8, 2.1, 0.4]) },
        },
        steps: 3000,
        draws: 4000,
      },
    ]),
  ),
};

/** Sites that others depend on, at their first params. */
const structures: readonly (readonly [string, Setup])[] = [
  ["bits of a chain, rebar", chain("using rebar")],
  ["labels of a chain, enumerate", labelChain("using enumerate")],
];

function variance(setup: Setup, theta: Float64Array | undefined, draws: number): number {
  const d = drive(build(setup));
  if (theta !== undefined) d.theta.set(theta);
  const sum = new Float64Array(d.theta.length);
  const squares = new Float64Array(d.theta.length);
  for (let t = -draws / 4; t < draws; t++) {
    d.draw(stream(11, 0, t < 0 ? 1 : 0, Math.abs(t)));
    d.evaluate();
    if (t < 0) continue;
    d.gradient.forEach((g, i) => {
      sum[i] += g;
      squares[i] += g * g;
    });
  }
  return sum.reduce((v, s, i) => v + squares[i] / draws - (s / draws) ** 2, 0);
}

for (const [name, { setup, steps, draws }] of Object.entries(cases)) {
  const climbed = drive(build(setup));
  adam(climbed, { steps, rate: 0.01, seed: 1 });
  const row = [undefined, climbed.theta].flatMap((theta) =>
    [false, true].map((analytic) => variance({ ...setup, analytic }, theta, draws).toPrecision(3)),
  );
  console.log(`| ${[name, ...row].join(" | ")} |`);
}
for (const [name, setup] of structures) {
  const row = [false, true].map((analytic) =>
    variance({ ...setup, analytic }, undefined, 4000).toPrecision(3),
  );
  console.log(`| ${[name, ...row].join(" | ")} | | |`);
}
