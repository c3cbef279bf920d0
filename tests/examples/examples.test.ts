/**
 * Every example against numbers from elsewhere: reference draws of posteriordb (10 chains × 1000),
 * ordinary least squares worked out here, and published fits.
 *
 * A mean agrees within 4 standard errors of both sides, a bound that one comparison in 16 000
 * breaks by chance; a standard deviation of n effective draws has a relative error of about
 * 1/√(2n), under 2.5 % for the 1000 and more draws here, so 10 % is 4 of them.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { check, laplace, type Posterior } from "../../src/index.js";
import { column, exampleData, row, runExample } from "./data.js";

interface Expected {
  readonly mean: number;
  readonly sd: number;
  /** Of the expected mean; 0 where it is exact. */
  readonly mcse?: number;
}

function agrees(posterior: Posterior, name: string, expected: Expected): void {
  const r = row(posterior, name);
  const error = Math.hypot(r.mcseMean, expected.mcse ?? 0);
  expect(Math.abs(r.mean - expected.mean), `${name}: ${r.mean}`).toBeLessThan(4 * error);
  expect(Math.abs(r.sd / expected.sd - 1), `sd of ${name}: ${r.sd}`).toBeLessThan(0.1);
}

function isHealthy(posterior: Posterior): void {
  expect(posterior.diagnostics?.maxRhat).toBeLessThan(1.02);
  expect(posterior.diagnostics?.divergent).toBe(0);
}

/** Least squares of y on x: intercept, slope, residual standard deviation, error of the slope. */
function leastSquares(x: readonly number[], y: readonly number[]) {
  const average = (v: readonly number[]) => v.reduce((a, b) => a + b, 0) / v.length;
  const [mx, my] = [average(x), average(y)];
  const sxx = x.reduce((s, v) => s + (v - mx) ** 2, 0);
  const slope = x.reduce((s, v, i) => s + (v - mx) * (y[i] - my), 0) / sxx;
  const rest = y.reduce((s, v, i) => s + (v - my - slope * (x[i] - mx)) ** 2, 0);
  const sigma = Math.sqrt(rest / (x.length - 2));
  return {
    level: my,
    intercept: my - slope * mx,
    slope,
    sigma,
    slopeError: sigma / Math.sqrt(sxx),
  };
}

describe("examples", () => {
  const root = new URL("../../examples/", import.meta.url);
  const names = readdirSync(root).sort();

  test.each(names)("%s has a model, data and a page, and checks without a word", (name) => {
    const at = (file: string) => new URL(`${name}/${file}`, root);
    expect(existsSync(at("README.md"))).toBe(true);
    // Data of its own, or those of another example that its command names.
    const [borrowed] =
      readFileSync(at("README.md"), "utf8").match(/examples\/\w+\/data\.\w+/) ?? [];
    const data = ["data.json", "data.csv"].map(at);
    if (borrowed !== undefined) data.push(new URL(`../${borrowed}`, root));
    expect(data.some((f) => existsSync(f))).toBe(true);
    const path = at("model.ppl").pathname;
    expect(check(readFileSync(path, "utf8"), path)).toEqual([]);
  });

  test("linear regression: least squares", async () => {
    const data = exampleData("linear_regression", "data.csv");
    const ols = leastSquares(column(data, "speed"), column(data, "distance"));
    // R's lm(dist ~ speed, cars): a mistake in the copied data would show here.
    expect(ols.intercept).toBeCloseTo(-17.5791, 4);
    expect(ols.slope).toBeCloseTo(3.9324, 4);
    expect(ols.sigma).toBeCloseTo(15.38, 2);
    const posterior = await runExample("linear_regression", { data });
    isHealthy(posterior);
    // With flat priors the posterior is a Student t of 48 degrees of freedom about least squares;
    // Normal(0, 10) on the slope and Normal(0, 100) on the level shrink both by under 0.2 %, and
    // HalfNormal(50) on sigma, whose likelihood alone has mean 15.75, lowers it by less than 1 %.
    const spread = Math.sqrt(48 / 46);
    const slope = row(posterior, "slope");
    expect(Math.abs(slope.mean - ols.slope)).toBeLessThan(4 * slope.mcseMean + 0.002 * ols.slope);
    expect(Math.abs(slope.sd / (ols.slopeError * spread) - 1)).toBeLessThan(0.1);
    const level = row(posterior, "level");
    expect(Math.abs(level.mean - ols.level)).toBeLessThan(4 * level.mcseMean + 0.002 * ols.level);
    const sigma = row(posterior, "sigma");
    expect(Math.abs(sigma.mean - 15.75)).toBeLessThan(4 * sigma.mcseMean + 0.01 * 15.75);
    const intercept = row(posterior, "intercept");
    const average = data.speed as number[];
    const centre = average.reduce((a, b) => a + b, 0) / average.length;
    expect(intercept.mean).toBeCloseTo(level.mean - slope.mean * centre, 9);
  });

  test("logistic regression: the modes of both likelihoods", async () => {
    const data = exampleData("logistic_regression");
    const published = [
      // R's glm(distress > 0 ~ temperature, binomial); widely quoted for these launches.
      { model: "any_ring", slope: -0.2322, intercept: 15.0429, error: 0.1082 },
      // Dalal, Fowlkes and Hoadley (1989), section 3: 5.085 - 0.1156 t.
      { model: "rings", slope: -0.1156, intercept: 5.085, error: 0.047 },
    ];
    const mid = column(data, "temperature").reduce((a, b) => a + b, 0) / 23;
    for (const p of published) {
      const approximate = await runExample("logistic_regression", {
        data,
        model: p.model,
        method: laplace({ draws: 20_000 }),
      });
      // The Laplace approximation stands at the mode, with the curvature's width. Weak priors move
      // the mode by a tenth of the standard error at most.
      const slope = row(approximate, "slope");
      expect(Math.abs(slope.mean - p.slope), p.model).toBeLessThan(0.1 * p.error);
      expect(Math.abs(slope.sd / p.error - 1), p.model).toBeLessThan(0.05);
      const level = row(approximate, "level");
      expect(Math.abs(level.mean - slope.mean * mid - p.intercept)).toBeLessThan(
        0.1 * p.error * mid,
      );
      const posterior = await runExample("logistic_regression", { data, model: p.model });
      isHealthy(posterior);
      expect(row(posterior, "slope").q95).toBeLessThan(0);
      expect(row(posterior, "at_31_degrees").q50).toBeGreaterThan(0.7);
    }
  });

  test("kidiq: reference draws", async () => {
    const posterior = await runExample("kidiq", { data: exampleData("kidiq") });
    isHealthy(posterior);
    agrees(posterior, "beta[0]", { mean: -11.35865, sd: 13.68793, mcse: 0.1399184 });
    agrees(posterior, "beta[1]", { mean: 51.03276, sd: 15.24825, mcse: 0.1612298 });
    agrees(posterior, "beta[2]", { mean: 0.9674126, sd: 0.1476116, mcse: 0.001533477 });
    agrees(posterior, "beta[3]", { mean: -0.4815862, sd: 0.1612771, mcse: 0.001714674 });
    agrees(posterior, "sigma", { mean: 17.98109, sd: 0.6140361, mcse: 0.006197876 });
  });

  test("radon: the published fit by restricted maximum likelihood", async () => {
    const data = exampleData("radon", "data.csv");
    // Complete pooling, Gelman and Hill (2007), section 12.3: 1.33 - 0.61 x.
    const activity = column(data, "activity").map(Math.log);
    const pooled = leastSquares(column(data, "first_floor"), activity);
    expect(pooled.intercept).toBeCloseTo(1.3267, 4);
    expect(pooled.slope).toBeCloseTo(-0.6134, 4);
    const posterior = await runExample("radon", { data });
    isHealthy(posterior);
    // lmer(log_radon ~ x + (1 | county)): estimates 1.46160 (0.0516) and -0.69299 (0.0704), standard
    // deviations 0.3282 and 0.7556. With 919 houses the posterior means of the coefficients are
    // these to a tenth of their errors; that of `spread` is above its mode by about a quarter of
    // its standard deviation, since its posterior is skewed.
    const near = (name: string, value: number, slack: number) => {
      const r = row(posterior, name);
      expect(Math.abs(r.mean - value), name).toBeLessThan(4 * r.mcseMean + slack);
    };
    near("level", 1.4616, 0.005);
    near("slope", -0.69299, 0.007);
    near("spread", 0.3282, 0.012);
    near("sigma", 0.7556, 0.002);
    expect(Math.abs(row(posterior, "level").sd / 0.0516 - 1)).toBeLessThan(0.1);
    expect(Math.abs(row(posterior, "slope").sd / 0.0704 - 1)).toBeLessThan(0.1);
    // Partial pooling: a county of two houses is pulled to the level, one of 116 is not.
    const raw = (county: number) => row(posterior, `alpha[${county}]`);
    expect(raw(84).sd).toBeGreaterThan(3 * raw(69).sd);
  });

  test("autoregression: reference draws", async () => {
    const posterior = await runExample("ar", { data: exampleData("ar") });
    isHealthy(posterior);
    agrees(posterior, "alpha", { mean: -0.0007186503, sd: 0.01070822, mcse: 0.0001063286 });
    agrees(posterior, "beta[0]", { mean: 0.6921633, sd: 0.07055092, mcse: 0.0007268141 });
    agrees(posterior, "beta[1]", { mean: 0.4390431, sd: 0.08730976, mcse: 0.0009122147 });
    agrees(posterior, "beta[2]", { mean: 0.105816, sd: 0.09308256, mcse: 0.0009236108 });
    agrees(posterior, "beta[3]", { mean: -0.03543504, sd: 0.08604181, mcse: 0.0008544238 });
    agrees(posterior, "beta[4]", { mean: -0.3015121, sd: 0.06988314, mcse: 0.000705842 });
    agrees(posterior, "sigma", { mean: 0.1505667, sd: 0.007774716, mcse: 7.992819e-5 });
  });

  test("Gaussian process: reference draws", async () => {
    const posterior = await runExample("gaussian_process", {
      data: exampleData("gaussian_process"),
    });
    isHealthy(posterior);
    agrees(posterior, "rho", { mean: 6.874348, sd: 1.265756, mcse: 0.01271764 });
    agrees(posterior, "alpha", { mean: 2.4424, sd: 0.7818327, mcse: 0.007764475 });
    agrees(posterior, "sigma", { mean: 1.828731, sd: 0.5050161, mcse: 0.005033019 });
  });

  test("eight schools: reference draws", async () => {
    const posterior = await runExample("eight_schools", { data: exampleData("eight_schools") });
    expect(posterior.diagnostics?.maxRhat).toBeLessThan(1.02);
    agrees(posterior, "mu", { mean: 4.410518, sd: 3.309296, mcse: 0.03305519 });
    agrees(posterior, "tau", { mean: 3.60206, sd: 3.198478, mcse: 0.0318907 });
    agrees(posterior, "theta[0]", { mean: 6.150502, sd: 5.615863, mcse: 0.05581027 });
    agrees(posterior, "theta[7]", { mean: 4.883997, sd: 5.317692, mcse: 0.05428646 });
  });
});
