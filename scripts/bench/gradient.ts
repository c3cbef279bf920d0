/**
 * Compiled log density with gradient, from program text by the whole pipeline, against the best
 * hand-written TypeScript f64 loop. Both are first compared: the gradients are equal, and the log
 * densities differ by the same constant at two points.
 */
import { type Figure, interleaved, ratioFigure } from "./figures.js";
import {
  eightSchools,
  gradientOf,
  logistic,
  type Program,
  schoolsSigma,
  schoolsY,
} from "./models.js";

interface Case {
  readonly name: string;
  readonly program: Program;
  /** Where it is evaluated: about the posterior's mean. */
  readonly at: readonly number[];
  /** Writes the gradient and returns the log density, up to a constant. */
  readonly hand: (q: Float64Array, dq: Float64Array) => number;
  /** Calls in a batch, for about 0.1 ms: shorter than a scheduler's slice. */
  readonly calls: number;
  readonly pairs: number;
  readonly target: number;
}

function eightSchoolsCase(): Case {
  const y = Float64Array.from(schoolsY);
  const weight = Float64Array.from(schoolsSigma, (s) => 1 / s);
  const hand = (at: Float64Array, dq: Float64Array): number => {
    const m = at[0];
    const t = Math.exp(at[1]);
    let sum = 0;
    let dMu = -m * 0.04;
    let dTau = 0;
    for (let i = 0; i < 8; i++) {
      const zi = at[i + 2];
      const w = weight[i];
      const e = (y[i] - m - t * zi) * w;
      const dTheta = e * w;
      sum += e * e + zi * zi;
      dMu += dTheta;
      dTau += dTheta * zi;
      dq[i + 2] = dTheta * t - zi;
    }
    const u = t * t * 0.04;
    dq[0] = dMu;
    dq[1] = dTau * t + 1 - (2 * u) / (1 + u);
    return -0.5 * sum - 0.02 * m * m - Math.log1p(u) + at[1];
  };
  const at = [4.4, 1.1, 0.4, 0.1, -0.1, 0.05, -0.2, -0.1, 0.4, 0.1];
  const program = eightSchools();
  return { name: "eight schools", program, at, hand, calls: 1000, pairs: 801, target: 1.3 };
}

function logisticCase(n: number, d: number, calls: number, pairs: number): Case {
  const { program, x, y } = logistic(n, d);
  const hand = (at: Float64Array, dq: Float64Array): number => {
    let sum = 0;
    for (let j = 0; j < d; j++) {
      sum -= 0.5 * at[j] * at[j];
      dq[j] = -at[j];
    }
    for (let i = 0, row = 0; i < n; i++, row += d) {
      let e = 0;
      for (let j = 0; j < d; j++) e += x[row + j] * at[j];
      const t = Math.exp(-Math.abs(e));
      // Faster than log1p, and as good in a sum: 1 + t is in (1, 2].
      sum += y[i] * e - Math.max(e, 0) - Math.log(1 + t);
      const r = y[i] - (e >= 0 ? 1 : t) / (1 + t);
      for (let j = 0; j < d; j++) dq[j] += x[row + j] * r;
    }
    return sum;
  };
  const at = Array.from({ length: d }, (_, k) => 0.3 * Math.sin(k + 1));
  return { name: `logistic ${n} x ${d}`, program, at, hand, calls, pairs, target: 1 };
}

/** @throws Error where the two disagree. */
function compare(
  { name, hand }: Case,
  compiled: ReturnType<typeof gradientOf>,
  points: readonly Float64Array[],
): void {
  const offsets = points.map((point) => {
    const expected = new Float64Array(point.length);
    compiled.q.set(point);
    const offset = compiled.call() - hand(point, expected);
    const scale = expected.reduce((max, v) => Math.max(max, Math.abs(v)), 1);
    const worst = expected.reduce((max, v, k) => Math.max(max, Math.abs(v - compiled.grad[k])), 0);
    if (!(worst < 1e-9 * scale)) throw new Error(`${name}: gradients differ by ${worst}`);
    return offset;
  });
  const [a, b] = offsets;
  const size = Math.abs(a) + Math.abs(hand(points[0], new Float64Array(points[0].length)));
  if (!(Math.abs(a - b) < 1e-9 * size)) throw new Error(`${name}: densities differ: ${offsets}`);
}

function measure(bench: Case): Figure {
  const compiled = gradientOf(bench.program);
  const at = Float64Array.from(bench.at);
  compare(bench, compiled, [at.map((v) => 0.7 * v + 0.1), at]);
  const out = new Float64Array(at.length);
  let sink = 0;
  const times = interleaved(
    () => {
      sink += compiled.call();
    },
    () => {
      sink += bench.hand(at, out);
    },
    { pairs: bench.pairs, calls: bench.calls, warmUpMs: 400 },
  );
  if (Number.isNaN(sink)) throw new Error(`${bench.name}: not a number`);
  return ratioFigure(`gradient / hand-written, ${bench.name}`, times, bench.target);
}

export function gradientFigures(): Figure[] {
  return [
    measure(eightSchoolsCase()),
    measure(logisticCase(1000, 10, 4, 801)),
    measure(logisticCase(100000, 10, 1, 101)),
  ];
}
