/** Matrices filled triangle by triangle: loops whose bounds use the outer index, and diagonals. */
import { describe, expect, it } from "vitest";
import { check, compile, infer, nuts, prior } from "../../src/index.js";

async function values(text: string, data: object, names: readonly string[]): Promise<number[][]> {
  const method = prior({ draws: 1 });
  const fit = await infer(compile(text), { data: data as never, method, seed: 1 });
  return names.map((n) => [...fit.draws(n).data]);
}

describe("definitions that fill a rectangle together", () => {
  it("a lower triangle of loadings, its diagonal, zeros above", async () => {
    const text = `model m(P: int, D: int) {
  for d in 0..D { g[d] ~ HalfNormal(1) }
  for i in 0..P, j in 0..D { W[i, j] ~ Normal(0, 1) }
  for i in 0..P, j in 0..min(i, D) { let L[i, j] = W[i, j] }
  for d in 0..D { let L[d, d] = g[d] }
  for i in 0..D, j in i + 1..D { let L[i, j] = 0 }
  let S = L @ transpose(L)
}`;
    expect(check(text)).toEqual([]);
    const [L, W, g, S] = await values(text, { P: 4, D: 2 }, ["L", "W", "g", "S"]);
    const expected = W.map((w, k) => {
      const [i, j] = [Math.floor(k / 2), k % 2];
      return i === j ? g[i] : j < i ? w : 0;
    });
    expect(L).toEqual(expected);
    expect(S[5]).toBeCloseTo(L[2] * L[2] + L[3] * L[3], 12);
  });

  it("a symmetric matrix from one long vector", async () => {
    const text = `model m(K: int) {
  for k in 0..idiv(K * (K - 1), 2) { v[k] ~ Normal(0, 1) }
  for i in 0..K {
    for j in 0..i {
      let C[i, j] = v[idiv(i * (i - 1), 2) + j]
      let C[j, i] = v[idiv(i * (i - 1), 2) + j]
    }
    let C[i, i] = 10
  }
}`;
    expect(check(text)).toEqual([]);
    const [C, v] = await values(text, { K: 3 }, ["C", "v"]);
    expect(C).toEqual([10, v[0], v[1], v[0], 10, v[2], v[1], v[2], 10]);
  });

  it("the Cholesky factor of correlations from partial ones, under NUTS", async () => {
    const text = `model m(N: int, D: int) {
  for k in 0..idiv(D * (D - 1), 2) { u[k] ~ Uniform(-1, 1) }
  for i in 0..D {
    for j in 0..i { let z[i, j] = u[idiv(i * (i - 1), 2) + j] }
    for j in i..D { let z[i, j] = 0 }
    for j in 0..i { let L[i, j] = z[i, j] * sqrt(prod(for k in 0..j: 1 - z[i, k]^2)) }
    let L[i, i] = sqrt(prod(for k in 0..i: 1 - z[i, k]^2))
    for j in i + 1..D { let L[i, j] = 0 }
  }
  let R = L @ transpose(L)
  for n in 0..N { y[n] ~ MvNormal(zeros(D), cholesky: L) }
}`;
    const [R] = await values(text, { D: 3, N: 1 }, ["R"]);
    for (const k of [0, 4, 8]) expect(R[k]).toBeCloseTo(1, 12);
    const y = [
      [1, 1.1, 0],
      [-2, -1.9, 1],
      [0.5, 0.4, -1],
    ];
    const method = nuts({ chains: 2, warmup: 200, draws: 200 });
    const fit = await infer(compile(text), { data: { D: 3, y }, method, seed: 1 });
    const corr = fit.summary().rows.find((r) => r.name === "R[0,1]");
    expect(corr?.mean).toBeGreaterThan(0.6);
  });
});

describe("what is not filled", () => {
  const run = (body: string) =>
    values(`model m(K: int) { u ~ Normal(0, 1)\n ${body} }`, { K: 3 }, ["L"]);
  const sampled = (body: string) => {
    const text = `model m(K: int) { u ~ Normal(0, 1)\n ${body}\n observe 1 ~ Normal(sum(L), 1) }`;
    return infer(compile(text), { data: { K: 3 }, method: nuts({ chains: 1 }), seed: 1 });
  };
  it("an element left out is told of with the data", async () => {
    await expect(sampled("for i in 0..K, j in 0..i { let L[i, j] = u }")).rejects.toThrow(
      /`?L\[0,\s?0\]`? is/,
    );
  });
  it("so is one that is defined twice", async () => {
    const body =
      "for i in 0..K, j in 0..i + 1 { let L[i, j] = u }\n for i in 0..K, j in i..K { let L[i, j] = 0 }";
    await expect(sampled(body)).rejects.toThrow(/L\[0,\s?0\]/);
  });
  it("simulation refuses it too", async () => {
    await expect(run("for i in 0..K, j in 0..i { let L[i, j] = u }")).rejects.toThrow();
  });
  it.each(["i", "min(i, 2)"])("sites have full rows: up to %s", (to) => {
    const found = check(
      `model m(K: int) { for i in 0..K, j in 0..${to} { s[i, j] ~ Normal(0, 1) } }`,
    );
    expect(found.map((d) => d.code)).toEqual(["ragged"]);
    expect(found[0].help).toMatch(/one long vector/);
  });
});
