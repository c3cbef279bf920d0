/**
 * A hidden Markov model of 100 states over 1000 steps: the compiled density with its gradient
 * against a hand-written scaled forward–backward pass (Rabiner 1989, section V.A), states summed
 * out of the same text.
 */
import { readObject } from "../../src/run/data/values.js";
import { type Figure, interleaved, ratioFigure } from "./figures.js";
import { gradientOf, type Program } from "./models.js";

const TEXT = `model hmm(T: int, K: int) {
  for k in 0..K { A[k] ~ iid(Normal(0, 1), K) }
  for k in 0..K { let P[k] = softmax(A[k]) }
  mu ~ iid(Normal(0, 5), K)
  z[0] ~ Categorical(ones(K) / K)
  for t in 1..T { z[t] ~ Categorical(P[z[t - 1]]) }
  for t in 0..T { y[t] ~ Normal(mu[z[t]], 1) }
}
`;

export function hmmProgram(T: number, K: number): { program: Program; y: Float64Array } {
  const y = Float64Array.from({ length: T }, (_, t) => 6 * Math.sin(t / 9) + Math.cos(2.7 * t));
  return { program: { path: "hmm.ppl", text: TEXT, data: readObject({ T, K, y: [...y] }) }, y };
}

/** Position: `A` row by row, then `mu`. Writes the gradient, returns the log density up to a constant. */
export function handHmm(T: number, K: number, y: Float64Array) {
  const P = new Float64Array(K * K);
  const emission = new Float64Array(T * K);
  const alpha = new Float64Array(T * K);
  const scales = new Float64Array(T);
  const counts = new Float64Array(K * K);
  const beta = new Float64Array(K);
  const next = new Float64Array(K);
  return (q: Float64Array, dq: Float64Array): number => {
    let lp = 0;
    for (let i = 0; i < K; i++) {
      let top = Number.NEGATIVE_INFINITY;
      for (let j = 0; j < K; j++) top = Math.max(top, q[i * K + j]);
      let total = 0;
      for (let j = 0; j < K; j++) {
        const a = q[i * K + j];
        lp -= 0.5 * a * a;
        const e = Math.exp(a - top);
        P[i * K + j] = e;
        total += e;
      }
      for (let j = 0; j < K; j++) P[i * K + j] /= total;
    }
    for (let k = 0; k < K; k++) lp -= 0.02 * q[K * K + k] * q[K * K + k];
    for (let t = 0; t < T; t++) {
      for (let k = 0; k < K; k++) {
        const e = y[t] - q[K * K + k];
        emission[t * K + k] = Math.exp(-0.5 * e * e);
      }
    }
    for (let t = 0; t < T; t++) {
      if (t === 0) next.fill(1 / K);
      else {
        next.fill(0);
        const before = (t - 1) * K;
        for (let i = 0; i < K; i++) {
          const a = alpha[before + i];
          const row = i * K;
          for (let j = 0; j < K; j++) next[j] += a * P[row + j];
        }
      }
      let total = 0;
      for (let j = 0; j < K; j++) {
        const a = next[j] * emission[t * K + j];
        alpha[t * K + j] = a;
        total += a;
      }
      scales[t] = 1 / total;
      for (let j = 0; j < K; j++) alpha[t * K + j] *= scales[t];
      lp += Math.log(total);
    }
    counts.fill(0);
    beta.fill(1);
    dq.fill(0);
    for (let t = T - 1; t >= 0; t--) {
      for (let k = 0; k < K; k++) {
        dq[K * K + k] += alpha[t * K + k] * beta[k] * (y[t] - q[K * K + k]);
      }
      if (t === 0) break;
      for (let j = 0; j < K; j++) next[j] = beta[j] * emission[t * K + j] * scales[t];
      for (let i = 0; i < K; i++) {
        const a = alpha[(t - 1) * K + i];
        const row = i * K;
        let sum = 0;
        for (let j = 0; j < K; j++) {
          const w = next[j];
          sum += P[row + j] * w;
          counts[row + j] += a * w;
        }
        beta[i] = sum;
      }
    }
    for (let i = 0; i < K; i++) {
      let total = 0;
      for (let j = 0; j < K; j++) {
        counts[i * K + j] *= P[i * K + j];
        total += counts[i * K + j];
      }
      for (let j = 0; j < K; j++) {
        dq[i * K + j] = counts[i * K + j] - total * P[i * K + j] - q[i * K + j];
      }
    }
    for (let k = 0; k < K; k++) dq[K * K + k] -= 0.04 * q[K * K + k];
    return lp;
  };
}

/** @throws Error where the two disagree. */
function measure(T: number, K: number, pairs: number): Figure {
  const { program, y } = hmmProgram(T, K);
  const compiled = gradientOf(program);
  const hand = handHmm(T, K, y);
  const at = Float64Array.from({ length: K * K + K }, (_, i) =>
    i < K * K ? Math.sin(3.1 * i) : 8 * Math.cos(i),
  );
  const other = at.map((x) => 0.5 * x + 0.1);
  const expected = new Float64Array(at.length);
  const [a, b] = [other, at].map((point) => {
    compiled.q.set(point);
    const offset = compiled.call() - hand(point, expected);
    const scale = expected.reduce((m, v) => Math.max(m, Math.abs(v)), 1);
    const worst = expected.reduce((m, v, k) => Math.max(m, Math.abs(v - compiled.grad[k])), 0);
    if (!(worst < 1e-9 * scale)) throw new Error(`hmm: gradients differ by ${worst}`);
    return offset;
  });
  if (!(Math.abs(a - b) < 1e-7)) throw new Error(`hmm: densities differ: ${a} ${b}`);
  let sink = 0;
  const times = interleaved(
    () => {
      sink += compiled.call();
    },
    () => {
      sink += hand(at, expected);
    },
    { pairs, calls: 1, warmUpMs: 500 },
  );
  if (Number.isNaN(sink)) throw new Error("hmm: not a number");
  return ratioFigure(`gradient / hand-written, HMM of ${K} states, length ${T}`, times, 2);
}

export function hmmFigures(): Figure[] {
  return [measure(1000, 100, 41), measure(1000, 4, 201)];
}
