/** Flows of the library: the running sum beside the Jacobian of the map, by central differences. */
import { describe, expect, test } from "vitest";
import { stream } from "../../../src/math/rng/index.js";
import { adam, array, build, drive } from "./driver.js";

const layers: Readonly<Record<string, string>> = {
  planar: "flows.planar(2)",
  coupling: "flows.coupling(2, 1, 4)",
  "several layers":
    "nn.chain(flows.coupling(2, 1, 4), nn.chain(flows.planar(2), flows.coupling(2, 1, 4)))",
};

/** What a layer makes of x, read as objectives of their own. */
function reader(layer: string): (x: readonly number[]) => readonly number[] {
  const outputs = [0, 1, 2].map((k) => {
    const setup = (x: readonly number[]) => ({
      text: `import flows\nimport nn\nimport objectives
model m(x: real[2]) { let f = ${layer};  let y = f(flows.start(x));  factor y[${k}] }`,
      objective: "maximum_likelihood",
      programs: { p: "m" },
      data: { x: array([2], x) },
    });
    return (x: readonly number[]) => drive(build(setup(x)), 3).evaluate();
  });
  return (x) => outputs.map((f) => f(x));
}

describe("flows", () => {
  test.each(Object.entries(layers))("%s", (_, layer) => {
    const read = reader(layer);
    const x = [0.4, -0.9];
    const h = 1e-5;
    const columns = [0, 1].map((j) => {
      const [up, down] = [h, -h].map((e) => read(x.map((v, i) => (i === j ? v + e : v))));
      return [0, 1].map((i) => (up[i] - down[i]) / (2 * h));
    });
    const det = columns[0][0] * columns[1][1] - columns[1][0] * columns[0][1];
    expect(Math.abs(det - 1)).toBeGreaterThan(1e-3);
    expect(Math.abs(read(x)[2] - Math.log(Math.abs(det)))).toBeLessThan(1e-8);
  });

  test("the gradient of a density made of layers", () => {
    const made = build({
      text: `import flows\nimport nn\nimport objectives
model m(N: int, x: real[N, 2]) {
  let f = nn.chain(flows.coupling(2, 1), flows.coupling(2, 1))
  for i in 0..N { factor flows.log_density(f(flows.start(x[i]))) }
}`,
      objective: "maximum_likelihood",
      programs: { p: "m" },
      data: { x: array([2, 2], [0.3, -0.5, 1.2, 0.4]) },
    });
    const d = drive(made, 2);
    d.evaluate();
    const slopes = [...d.gradient];
    slopes.forEach((slope, i) => {
      const at = d.theta[i];
      d.theta[i] = at + 1e-5;
      const up = d.evaluate();
      d.theta[i] = at - 1e-5;
      const down = d.evaluate();
      d.theta[i] = at;
      expect(Math.abs((up - down) / 2e-5 - slope)).toBeLessThan(
        1e-8 * (1 + Math.abs(slope)) + 1e-8,
      );
    });
  });

  test("a flow learns what no normal has", () => {
    // Two points of mass: x = ±2 with a spread of 0.3, y = x²/4 with a spread of 0.3.
    const rng = stream(9, 0, 0, 0);
    const rows = Array.from({ length: 200 }, (_, i) => {
      const x = (i % 2 === 0 ? 2 : -2) + 0.3 * rng.normal();
      return [x, x * x * 0.25 + 0.3 * rng.normal()];
    });
    const made = build({
      text: `import flows\nimport nn\nimport objectives
model m(N: int) {
  let f = nn.chain(flows.coupling(2, 1), nn.chain(flows.coupling(2, 1), nn.chain(flows.coupling(2, 1), flows.coupling(2, 1))))
  for i in 0..N { x[i] ~ iid(Flat(), 2);  factor flows.log_density(f(flows.start(x[i]))) }
}`,
      objective: "maximum_likelihood",
      programs: { p: "m" },
      data: { x: array([200, 2], rows.flat()) },
    });
    const d = drive(made, 2);
    adam(d, { steps: 1500, rate: 0.02, seed: 1 });
    const fitted = d.evaluate() / 200;
    // The best normal has −½ log det(2πe Σ), for Σ the covariance of the data.
    const mean = [0, 1].map((k) => rows.reduce((t, r) => t + r[k], 0) / 200);
    const cov = (a: number, b: number): number =>
      rows.reduce((t, r) => t + (r[a] - mean[a]) * (r[b] - mean[b]), 0) / 200;
    const det = cov(0, 0) * cov(1, 1) - cov(0, 1) ** 2;
    const normal = -Math.log(2 * Math.PI * Math.E) - 0.5 * Math.log(det);
    expect(fitted).toBeGreaterThan(normal + 0.5);
    // Near the mean log density of the law that the data were drawn from.
    const law = rows.reduce((t, [x, y]) => {
      const at = (z: number): number =>
        -0.5 * (z / 0.3) ** 2 - Math.log(0.3 * Math.sqrt(2 * Math.PI));
      const [a, b] = [at(x - 2), at(x + 2)];
      const top = Math.max(a, b);
      return (
        t + top + Math.log(0.5 * (Math.exp(a - top) + Math.exp(b - top))) + at(y - x * x * 0.25)
      );
    }, 0);
    expect(fitted).toBeGreaterThan(law / 200 - 0.35);
  }, 20_000);
});
