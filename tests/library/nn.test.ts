/**
 * Layers of the library at the params and arguments of `scripts/reference/nn.py` (NumPy, SciPy), and
 * their gradients in params and arguments by central differences.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { array, build, type Driver, drive } from "../inference/objective/driver.js";

interface Case {
  readonly layer: string;
  readonly params: Readonly<Record<string, readonly number[]>>;
  readonly args: readonly { readonly dims: readonly number[]; readonly data: readonly number[] }[];
  readonly dims: readonly number[];
  readonly value: readonly number[];
}
const cases = JSON.parse(
  readFileSync(new URL("reference/nn.json", import.meta.url), "utf8"),
) as readonly Case[];

/** The layer's value weighted by data, with the arguments as params beside the layer's own. */
function weighted(c: Case): { readonly driver: Driver; read(weights: readonly number[]): number } {
  const inputs = c.args.map((a, k) => `param x${k}: real[${a.dims.join(", ")}] = 0`);
  const call = `f(${c.args.map((_, k) => `x${k}`).join(", ")})`;
  const text = `import nn\nimport objectives
model m(weights: real[${c.dims.join(", ")}]) {
  let f = ${c.layer}
  ${inputs.join("\n  ")}
  factor sum(weights * ${call})
}`;
  const make = (weights: readonly number[]): Driver => {
    const made = build({
      text,
      objective: "maximum_likelihood",
      programs: { p: "m" },
      data: { weights: array(c.dims, weights) },
    });
    const d = drive(made, 1);
    const known = new Map(Object.entries(c.params).map(([name, v]) => [`f.${name}`, v]));
    c.args.forEach((a, k) => {
      known.set(`x${k}`, a.data);
    });
    expect(new Set(made.params.map((p) => p.name))).toEqual(new Set(known.keys()));
    for (const p of made.params) d.theta.set(known.get(p.name) ?? [], p.offset);
    return d;
  };
  const driver = make(c.value.map((_, k) => Math.cos(k + 1)));
  return { driver, read: (weights) => make(weights).evaluate() };
}

describe.each(cases)("$layer", (c) => {
  test("its value", () => {
    const { read } = weighted(c);
    // Few elements alone, all of them in three mixtures: any wrong one shows in all three.
    const some = [0, c.value.length >> 1, c.value.length - 1];
    const units = some.map((at) => c.value.map((_, k) => (k === at ? 1 : 0)));
    const mixtures = [1, 2, 3].map((s) => c.value.map((_, k) => Math.sin(s * (k + 1))));
    for (const weights of [...units, ...mixtures]) {
      const expected = c.value.reduce((sum, v, k) => sum + v * weights[k], 0);
      // Sums of at most some hundred products of numbers about 1, each rounded to 2⁻⁵³.
      expect(Math.abs(read(weights) - expected)).toBeLessThan(1e-13 * c.value.length);
    }
  });

  test("its gradient", () => {
    const { driver: d } = weighted(c);
    d.evaluate();
    const slopes = d.gradient.slice();
    const h = 1e-5;
    slopes.forEach((slope, i) => {
      const at = d.theta[i];
      d.theta[i] = at + h;
      const up = d.evaluate();
      d.theta[i] = at - h;
      const down = d.evaluate();
      d.theta[i] = at;
      // The third derivative times h²/6, and rounding of 1e-16 · 100 over h.
      expect(Math.abs((up - down) / (2 * h) - slope)).toBeLessThan(1e-8 * (1 + Math.abs(slope)));
    });
    // None of the layers ignores an argument or a param altogether.
    expect(slopes.filter((s) => s !== 0).length).toBeGreaterThan(0.5 * slopes.length);
  });
});

test("convolutions of many pictures at once are those of each", () => {
  const [N, h, w] = [3, 5, 4];
  const x = Array.from({ length: N * h * w * 2 }, (_, i) => Math.sin(1.7 * i));
  const total = (rows: number, data: readonly number[]): number => {
    const made = build({
      text: `import nn\nimport objectives
model m(N: int, x: real[N, 5, 4, 2]) {
  let f = nn.conv2d(5, 4, 2, 3, stride: 2, padding: 1)
  for i in 0..N { factor sum(square(nn.relu(f(x[i])))) }
}`,
      objective: "maximum_likelihood",
      programs: { p: "m" },
      data: { x: array([rows, h, w, 2], data) },
    });
    return drive(made, 4).evaluate();
  };
  const each = [0, 1, 2].map((i) => total(1, x.slice(i * h * w * 2, (i + 1) * h * w * 2)));
  expect(total(N, x)).toBeCloseTo(
    each.reduce((a, b) => a + b),
    11,
  );
});
