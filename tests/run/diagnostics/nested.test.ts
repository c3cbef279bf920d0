/** Nested R-hat of many short chains. */
import { describe, expect, test } from "vitest";
import { stream } from "../../../src/math/rng/index.js";
import { energyBfmi } from "../../../src/run/diagnostics/energy.js";
import { nestedLimit, nestedRhat, pooledBfmi } from "../../../src/run/diagnostics/nested.js";

function normals(count: number, seed: number): Float64Array {
  const random = stream(seed, 0, 0, 0);
  return Float64Array.from({ length: count }, () => random.normal());
}

describe("nested R-hat", () => {
  test("by its definition on a small case", () => {
    // Two superchains of two chains of two draws.
    const x = Float64Array.of(1, 3, 2, 6, 10, 12, 14, 8);
    // Chain means 2, 4 | 11, 11; superchain means 3, 11; between them 32.
    // Inside: var(2, 4) + (2 + 8)/2 = 7; var(11, 11) + (2 + 18)/2 = 10.
    expect(nestedRhat(x, 4, 2, 2)).toBeCloseTo(Math.sqrt(1 + 32 / 8.5), 12);
  });

  test("independent draws stay within the limit, also with one draw a chain", () => {
    for (const draws of [1, 4]) {
      const x = normals(1024 * draws, 3);
      expect(nestedRhat(x, 1024, draws, 16)).toBeLessThan(nestedLimit(1024, 16, 1.01));
    }
  });

  test("superchains that have not left their starts exceed it", () => {
    const x = normals(4096, 5).map((v, k) => v + 0.5 * (Math.floor(k / 256) % 4));
    expect(nestedRhat(x, 1024, 4, 16)).toBeGreaterThan(nestedLimit(1024, 16, 1.01));
  });

  test("pooled missing information of one chain is that of the chain", () => {
    const energy = normals(50, 9);
    expect(pooledBfmi([energy], 1)[0]).toBeCloseTo(energyBfmi(energy), 12);
  });
});
