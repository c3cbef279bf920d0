/** ∂P(a, x)/∂a against mpmath at 60 digits (scripts/reference/incomplete-gamma-shape.py). */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { gammaPShape } from "../../../src/math/special/index.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { compileGraph, graphOf } from "../../passes/lower/harness.js";

const path = new URL("../reference/incomplete-gamma-shape.json", import.meta.url);
const points = JSON.parse(readFileSync(path, "utf8")) as readonly (readonly number[])[];

test("on the host", () => {
  // Logarithms and digamma cancel to a part of the shape's square root: hundreds of units.
  for (const [a, x, exact] of points) {
    expect(Math.abs(gammaPShape(a, x) / exact - 1), `at ${a}, ${x}`).toBeLessThan(1e-12);
  }
  expect(gammaPShape(0, 1)).toBeNaN();
  expect(gammaPShape(2, -1)).toBeNaN();
  expect([gammaPShape(2, 0), gammaPShape(2, Infinity)]).toEqual([0, 0]);
});

test("in compiled code", () => {
  const g = new GraphBuilder();
  const [a, x] = ["a", "x"].map((name) => g.input(name, [points.length]));
  const { 0: got } = compileGraph(graphOf([g.gammaPShape(a, x)])).run({
    a: Float64Array.from(points, (p) => p[0]),
    x: Float64Array.from(points, (p) => p[1]),
  });
  points.forEach(([at, , exact], k) => {
    expect(Math.abs(got[k] / exact - 1), `at ${at}`).toBeLessThan(1e-12);
  });
});
