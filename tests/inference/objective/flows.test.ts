/** Flows of the library: the running sum beside the Jacobian of the map, by central differences. */
import { describe, expect, test } from "vitest";
import { array, build, drive } from "./driver.js";

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
});
