/**
 * Two ways for gradients through gamma draws, by the variance of ∂/∂α E[f(z)], z ~ Gamma(α, 1): implicit
 * reparameterisation, f'(z) · −(∂P/∂α)/(∂P/∂z) (Figurnov, Mohamed and Mnih 2018), and accepted noise
 * with a shape raised by 5 (Naesseth, Ruiz, Linderman and Blei 2017), as `objective/gamma.ts` has it:
 * `npx tsc -p tsconfig.bench.json && node dist/scripts/bench/implicit.js`.
 */
import { stream } from "../../src/math/rng/index.js";
import { digamma, gammaP, lgamma } from "../../src/math/special/index.js";

const raised = 5;
const draws = 20_000;

const functions: Readonly<Record<string, readonly [(z: number) => number, (z: number) => number]>> =
  {
    z: [(z) => z, () => 1],
    "z²": [(z) => z * z, (z) => 2 * z],
    "log z": [Math.log, (z) => 1 / z],
    "1/(1 + z)": [(z) => 1 / (1 + z), (z) => -1 / (1 + z) ** 2],
  };

/** ∂z/∂α at a constant distribution function, by central differences of it. */
function implicitSlope(a: number, z: number): number {
  const h = 1e-4 * Math.max(a, 0.1);
  const upper = z > a;
  // The smaller tail keeps its digits; 1 − P is exact enough in between.
  const tail = (s: number): number => (upper ? 1 - gammaP(s, z) : gammaP(s, z));
  const slope = (tail(a + h) - tail(a - h)) / (2 * h);
  const density = Math.exp((a - 1) * Math.log(z) - z - lgamma(a));
  return (upper ? slope : -slope) / density;
}

interface Accepted {
  readonly z: number;
  readonly slope: number;
  /** ∂ log π / ∂α of the accepted noise. */
  readonly score: number;
}

function acceptedDraw(a: number, rng: ReturnType<typeof stream>): Accepted {
  const shape = a + raised;
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  let n = 0;
  for (;;) {
    n = rng.normal();
    const v = 1 + c * n;
    if (v > 0 && Math.log(rng.uniform()) < 0.5 * n * n + d - d * v ** 3 + 3 * d * Math.log(v))
      break;
  }
  const us = Array.from({ length: raised }, () => rng.uniform());
  const logHigh = (s: number): number => {
    const m = s - 1 / 3;
    return Math.log(m) + 3 * Math.log(1 + n / Math.sqrt(9 * m));
  };
  const log = (s: number): number =>
    logHigh(s + raised) + us.reduce((t, u, i) => t + Math.log(u) / (s + i), 0);
  // log q(h(ε; α); α) + log |∂h/∂ε|
  const logNoise = (s: number): number => {
    const [r, m] = [s + raised, s + raised - 1 / 3];
    const k = 1 / Math.sqrt(9 * m);
    const high = logHigh(r);
    const root = 1 + k * n;
    const density = (r - 1) * high - Math.exp(high) - lgamma(r);
    return density + Math.log(3 * m * k) + 2 * Math.log(root);
  };
  const h = 1e-5;
  const z = Math.exp(log(a));
  return {
    z,
    slope: (z * (log(a + h) - log(a - h))) / (2 * h),
    score: (logNoise(a + h) - logNoise(a - h)) / (2 * h),
  };
}

function variance(xs: readonly number[]): { mean: number; variance: number } {
  const mean = xs.reduce((s, x) => s + x, 0) / xs.length;
  return { mean, variance: xs.reduce((s, x) => s + (x - mean) ** 2, 0) / (xs.length - 1) };
}

console.log("| f | α | implicit | accepted noise |\n|---|---|---|---|");
for (const [name, [f, slope]] of Object.entries(functions)) {
  for (const a of [0.3, 1, 3, 30]) {
    if (name === "log z" && Math.abs(digamma(a)) > 1e9) continue;
    const all = Array.from({ length: draws }, (_, t) => acceptedDraw(a, stream(5, 0, 0, t)));
    const baseline = all.reduce((s, x) => s + f(x.z), 0) / draws;
    const usable = all.filter((x) => x.z > 1e-12);
    const implicit = variance(usable.map((x) => slope(x.z) * implicitSlope(a, x.z)));
    const accepted = variance(
      usable.map((x) => slope(x.z) * x.slope + (f(x.z) - baseline) * x.score),
    );
    const show = (v: { variance: number }): string => v.variance.toPrecision(3);
    console.log(`| ${name} | ${a} | ${show(implicit)} | ${show(accepted)} |`);
  }
}
