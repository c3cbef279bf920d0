import { describe, expect, test } from "vitest";
import {
  cholesky,
  choleskyInverse,
  choleskyLogDeterminant,
  choleskySolve,
  identity,
  inverse,
  leastSquares,
  logDeterminant,
  luFactor,
  matmul,
  matvec,
  qrR,
  qrReduce,
  solve,
  symmetricEigen,
  transpose,
  triangularSolve,
} from "../../../src/math/linalg/index.js";
import { stream } from "../../../src/math/rng/index.js";

/** A matrix of standard normals: condition numbers of a few hundred at these sizes. */
function randomMatrix(m: number, n: number, site: number): Float64Array {
  const random = stream(7, 0, site, m * 100 + n);
  return Float64Array.from({ length: m * n }, () => random.normal());
}

function positiveDefinite(n: number, site: number): Float64Array {
  const a = randomMatrix(n, n, site);
  const product = matmul(a, transpose(a, n, n), n, n, n);
  for (let i = 0; i < n; i++) product[i * n + i] += 0.5;
  return product;
}

/** Largest absolute difference; NaN (which would hide in a maximum) counts as infinite. */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const d = Math.abs(a[i] - b[i]);
    worst = d <= worst ? worst : Number.isNaN(d) ? Infinity : d;
  }
  return worst;
}

const f64 = (...values: number[]) => Float64Array.from(values);
const sizes = [0, 1, 2, 3, 5, 8, 20];
// Rounding: a few n·ε·‖A‖·cond, with n ≤ 20, ‖A‖ ≤ 100 and cond ≤ 1e3.
const LOOSE = 1e-9;
const TIGHT = 1e-12;

describe("products", () => {
  test("matmul of 2 × 3 by 3 × 2 by hand", () => {
    expect([...matmul(f64(1, 2, 3, 4, 5, 6), f64(7, 8, 9, 10, 11, 12), 2, 3, 2)]).toEqual([
      58, 64, 139, 154,
    ]);
  });
  test("matvec and transpose by hand", () => {
    expect([...matvec(f64(1, 2, 3, 4, 5, 6), f64(1, 0, -1), 2, 3)]).toEqual([-2, -2]);
    expect([...transpose(f64(1, 2, 3, 4, 5, 6), 2, 3)]).toEqual([1, 4, 2, 5, 3, 6]);
  });
});

describe("cholesky", () => {
  test("of a 2 × 2 by hand, reading only the lower triangle", () => {
    expect([...cholesky(f64(4, NaN, 2, 5), 2)!]).toEqual([2, 0, 1, 2]);
  });
  test.each(sizes)("L Lᵀ gives A back, n = %i", (n) => {
    const a = positiveDefinite(n, 1);
    const l = cholesky(a, n)!;
    expect(distance(matmul(l, transpose(l, n, n), n, n, n), a)).toBeLessThan(TIGHT);
    for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) expect(l[i * n + j]).toBe(0);
  });
  test.each(sizes)("solve, inverse and log determinant agree with LU, n = %i", (n) => {
    const a = positiveDefinite(n, 2);
    const l = cholesky(a, n)!;
    const b = randomMatrix(n, 3, 3);
    expect(distance(choleskySolve(l, b, n, 3), solve(a, b, n, 3)!)).toBeLessThan(LOOSE);
    expect(distance(matmul(choleskyInverse(l, n), a, n, n, n), identity(n))).toBeLessThan(LOOSE);
    expect(choleskyLogDeterminant(l, n)).toBeCloseTo(logDeterminant(a, n).logAbs, 10);
  });
  test("undefined where A is not positive definite", () => {
    expect(cholesky(f64(1, 2, 2, 1), 2)).toBeUndefined();
    expect(cholesky(f64(0), 1)).toBeUndefined();
    expect(cholesky(f64(-1), 1)).toBeUndefined();
    expect(cholesky(f64(NaN), 1)).toBeUndefined();
    expect(cholesky(f64(Infinity), 1)).toBeUndefined();
    expect(cholesky(f64(1, 0, NaN, 1), 2)).toBeUndefined();
  });
});

describe("triangularSolve", () => {
  test.each(["lower", "lower-transposed", "upper", "upper-transposed"] as const)(
    "%s: op(T) X gives B back and the other triangle is not read",
    (triangle) => {
      const n = 6;
      const t = randomMatrix(n, n, 4);
      const lower = triangle.startsWith("lower");
      const used = Float64Array.from(t, (v, at) => {
        const [i, j] = [Math.floor(at / n), at % n];
        return i === j ? 3 + v : lower === i > j ? v : 0;
      });
      const poisoned = Float64Array.from(used, (v, at) => {
        const [i, j] = [Math.floor(at / n), at % n];
        return i === j || lower === i > j ? v : NaN;
      });
      const b = randomMatrix(n, 2, 5);
      const x = triangularSolve(poisoned, b, n, 2, triangle);
      const op = triangle.endsWith("transposed") ? transpose(used, n, n) : used;
      expect(distance(matmul(op, x, n, n, 2), b)).toBeLessThan(TIGHT);
    },
  );
});

describe("lu", () => {
  test.each(sizes)("P A = L U and A⁻¹ A = I, n = %i", (n) => {
    const a = randomMatrix(n, n, 6);
    const { factors, rows } = luFactor(a, n);
    const l = Float64Array.from(factors, (v, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      return i === j ? 1 : i > j ? v : 0;
    });
    const u = Float64Array.from(factors, (v, at) => (at % n >= Math.floor(at / n) ? v : 0));
    const pa = Float64Array.from(a, (_, at) => a[rows[Math.floor(at / n)] * n + (at % n)]);
    expect(distance(matmul(l, u, n, n, n), pa)).toBeLessThan(TIGHT);
    expect(distance(matmul(inverse(a, n)!, a, n, n, n), identity(n))).toBeLessThan(LOOSE);
  });
  test("needs pivoting where the first pivot is zero", () => {
    expect([...solve(f64(0, 1, 1, 0), f64(3, 4), 2)!]).toEqual([4, 3]);
  });
  test("determinants by hand", () => {
    expect(logDeterminant(f64(0, 2, 3, 0), 2)).toEqual({ sign: -1, logAbs: Math.log(6) });
    expect(logDeterminant(f64(), 0)).toEqual({ sign: 1, logAbs: 0 });
    expect(logDeterminant(f64(1, 2, 2, 4), 2)).toEqual({ sign: 0, logAbs: -Infinity });
    expect(logDeterminant(f64(-5), 1)).toEqual({ sign: -1, logAbs: Math.log(5) });
  });
  test("undefined where A is singular", () => {
    expect(solve(f64(1, 2, 2, 4), f64(1, 1), 2)).toBeUndefined();
    expect(inverse(f64(NaN), 1)).toBeUndefined();
  });
});

describe("qr", () => {
  test.each([
    [0, 0],
    [1, 1],
    [3, 3],
    [7, 3],
    [20, 6],
    [3, 5],
    [4, 0],
  ])("RᵀR = AᵀA with a non-negative diagonal, %i × %i", (m, n) => {
    const a = randomMatrix(m, n, 8);
    const rank = Math.min(m, n);
    const r = qrR(a, m, n);
    const ata = matmul(transpose(a, m, n), a, n, m, n);
    expect(distance(matmul(transpose(r, rank, n), r, n, rank, n), ata)).toBeLessThan(TIGHT);
    for (let i = 0; i < rank; i++) {
      expect(r[i * n + i]).toBeGreaterThanOrEqual(0);
      for (let j = 0; j < i; j++) expect(r[i * n + j]).toBe(0);
    }
  });
  test("QᵀB keeps inner products: ‖QᵀB‖ = ‖B‖ and RᵀQᵀB = AᵀB", () => {
    const [m, n] = [9, 4];
    const a = randomMatrix(m, n, 9);
    const b = randomMatrix(m, 1, 10);
    const { r, qtb } = qrReduce(a, b, m, n, 1);
    const norm2 = (x: Float64Array) => x.reduce((sum, v) => sum + v * v, 0);
    expect(norm2(qtb)).toBeCloseTo(norm2(b), 12);
    const left = matmul(transpose(r, n, n), qtb.slice(0, n), n, n, 1);
    expect(distance(left, matmul(transpose(a, m, n), b, n, m, 1))).toBeLessThan(TIGHT);
  });
  test("least squares: the normal equations hold, the residual is the stated one", () => {
    const [m, n] = [30, 5];
    const a = randomMatrix(m, n, 11);
    const b = randomMatrix(m, 2, 12);
    const { solution, residualSumOfSquares } = leastSquares(a, b, m, n, 2)!;
    const residual = matmul(a, solution, m, n, 2).map((v, i) => b[i] - v);
    const at = transpose(a, m, n);
    expect(distance(matmul(at, residual, n, m, 2), new Float64Array(n * 2))).toBeLessThan(TIGHT);
    for (const c of [0, 1]) {
      const sum = residual.reduce((total, v, i) => total + (i % 2 === c ? v * v : 0), 0);
      expect(residualSumOfSquares[c]).toBeCloseTo(sum, 11);
    }
  });
  test("a line through three points by hand", () => {
    // y = 1, 2, 2 at x = 0, 1, 2: intercept 7/6, slope 1/2, residual 1/6.
    const fit = leastSquares(f64(1, 0, 1, 1, 1, 2), f64(1, 2, 2), 3, 2)!;
    expect(fit.solution[0]).toBeCloseTo(7 / 6, 14);
    expect(fit.solution[1]).toBeCloseTo(1 / 2, 14);
    expect(fit.residualSumOfSquares[0]).toBeCloseTo(1 / 6, 14);
  });
  test("columns of very different scale do not overflow or underflow", () => {
    const fit = leastSquares(f64(1e200, 0, 0, 1e-200), f64(2e200, 3e-200), 2, 2);
    // The ratio of the columns is far below ε: rank deficient, and said so.
    expect(fit).toBeUndefined();
    expect(qrR(f64(3e200, 4e200), 2, 1)[0]).toBeCloseTo(5e200, -187);
  });
  test("undefined where A is rank deficient or wide", () => {
    expect(leastSquares(f64(1, 2, 2, 4, 3, 6), f64(1, 1, 1), 3, 2)).toBeUndefined();
    expect(leastSquares(f64(1, 2), f64(1), 1, 2)).toBeUndefined();
  });
});

describe("symmetricEigen", () => {
  test.each(sizes)("V Λ Vᵀ gives A back, V orthogonal, values ascending, n = %i", (n) => {
    const b = randomMatrix(n, n, 13);
    const bt = transpose(b, n, n);
    const a = b.map((v, i) => v + bt[i]);
    const { values, vectors } = symmetricEigen(a, n);
    const vt = transpose(vectors, n, n);
    expect(distance(matmul(vt, vectors, n, n, n), identity(n))).toBeLessThan(TIGHT);
    const scaled = vectors.map((v, at) => v * values[at % n]);
    expect(distance(matmul(scaled, vt, n, n, n), a)).toBeLessThan(TIGHT);
    for (let i = 1; i < n; i++) expect(values[i]).toBeGreaterThanOrEqual(values[i - 1]);
  });
  test("2 × 2 by hand: [[2, 1], [1, 2]] has 1 and 3", () => {
    const { values, vectors } = symmetricEigen(f64(2, 1, 1, 2), 2);
    expect(values[0]).toBeCloseTo(1, 15);
    expect(values[1]).toBeCloseTo(3, 15);
    expect(Math.abs(vectors[1])).toBeCloseTo(Math.SQRT1_2, 15);
  });
  test("zero diagonal, repeated values and rank one", () => {
    expect(distance(symmetricEigen(f64(0, 1, 1, 0), 2).values, [-1, 1])).toBeLessThan(1e-15);
    expect([...symmetricEigen(identity(4), 4).values]).toEqual([1, 1, 1, 1]);
    const ones = symmetricEigen(new Float64Array(16).fill(1), 4).values;
    expect(distance(ones, [0, 0, 0, 4])).toBeLessThan(1e-15);
    expect([...symmetricEigen(new Float64Array(9), 3).values]).toEqual([0, 0, 0]);
  });
  test("badly scaled: the Hilbert matrix of order 6 keeps its smallest value", () => {
    const n = 6;
    const a = Float64Array.from({ length: 36 }, (_, at) => 1 / (Math.floor(at / n) + (at % n) + 1));
    // mpmath.eigsy(mpmath.hilbert(6)) at 50 digits: 1.08279948456554977e-7.
    expect(symmetricEigen(a, n).values[0] / 1.08279948456555e-7).toBeCloseTo(1, 8);
  });
  test("a non-finite entry is our bug", () => {
    expect(() => symmetricEigen(f64(1, 0, NaN, 1), 2)).toThrow(/internal error/);
  });
});
