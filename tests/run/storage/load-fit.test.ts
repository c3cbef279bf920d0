/** Fits written to folders and read back: nothing is lost, whatever the method. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import * as tilde from "../../../src/index.js";
import { summaryJson } from "../../../src/run/results/summary.js";
import { scratchFolder } from "../../helpers/cli.js";

const scratch = scratchFolder();

const schools = tilde.compile(`
model schools(J: int, sigma: positive[J]) {
  mu ~ Normal(0, 5)
  tau ~ HalfCauchy(5)
  for j in 0..J { theta[j] ~ Normal(mu, tau) }
  for j in 0..J { y[j] ~ Normal(theta[j], sigma[j]) }
  let spread = tau ^ 2
}`);
const schoolsData = {
  J: 8,
  sigma: [15, 10, 16, 11, 9, 11, 10, 18],
  y: [28, 8, null, 7, -1, 1, 18, 12],
};

const mixture = tilde.compile(`
model mixture(N: int) {
  w ~ Dirichlet([1, 1])
  for k in 0..2 { mu[k] ~ Normal(0, 5) }
  for i in 0..N { z[i] ~ Categorical(w); y[i] ~ Normal(mu[z[i]], 1) }
  let first = mu[0]
}`);
const mixtureData = { N: 6, y: [-2, -2.2, -1.8, 2.1, 1.9, 2.4] };

const coin = tilde.compile(`
model coin(N: int) { p ~ Beta(1, 1); for i in 0..N { y[i] ~ Bernoulli(p) } }`);
const coinData = { N: 4, y: [1, 1, 0, 1] };

const clusters = tilde.compile(`
model clusters(N: int) {
  alpha ~ Gamma(1, 1)
  for k in 0.. { mu[k] ~ Normal(0, 5) }
  for i in 0..N { z[i] ~ CRP(alpha); y[i] ~ Normal(mu[z[i]], 1) }
}`);

const short = { chains: 2, warmup: 60, draws: 40 };
const cases: readonly [string, tilde.Program, Record<string, unknown>, tilde.Method][] = [
  ["nuts", schools, schoolsData, tilde.nuts(short)],
  ["hmc", schools, schoolsData, tilde.hmc(short)],
  ["nuts, summed out", mixture, mixtureData, tilde.nuts(short)],
  ["gibbs", mixture, mixtureData, tilde.gibbs(short)],
  ["gibbs, unbounded", clusters, mixtureData, tilde.gibbs(short)],
  ["cavi, unbounded", clusters, mixtureData, tilde.cavi({ draws: 30 })],
  ["exact", coin, coinData, tilde.exact({ draws: 50 })],
  ["map", coin, coinData, tilde.map()],
  ["laplace", coin, coinData, tilde.laplace({ draws: 50 })],
  ["vi", coin, coinData, tilde.vi({ draws: 50, steps: 200 })],
  ["prior", coin, coinData, tilde.prior({ draws: 50 })],
];

describe("a fit read back is the fit that was written", () => {
  test.each(cases)("%s", async (name, model, data, method) => {
    const fit = await tilde.infer(model, { data, method, seed: 3 });
    const folder = join(scratch.path, name.replace(/\W+/g, "-"));
    await fit.save(folder);
    const read = await tilde.loadFit(folder);
    expect(summaryJson(read.fit, read.summary())).toEqual(summaryJson(fit.fit, fit.summary()));
    expect(read.names).toEqual(fit.names);
    for (const variable of fit.names) {
      expect(read.draws(variable), variable).toEqual(fit.draws(variable));
    }
    expect(read.warnings.map((w) => w.code)).toEqual(fit.warnings.map((w) => w.code));
    if (name !== "prior" && !name.includes("unbounded")) {
      expect(read.predict()).toEqual(fit.predict());
    }
    if (name.includes("unbounded")) {
      expect(read.clusters().count).toEqual(fit.clusters().count);
    }
    // The same place again, which is where the draws are read from, and another one.
    await read.save(folder);
    const again = `${folder}-again`;
    await read.save(again);
    expect(readFileSync(join(again, "draws.csv"), "utf8")).toBe(
      readFileSync(join(folder, "draws.csv"), "utf8"),
    );
  });
});
