/**
 * Gamma draws by Marsaglia and Tsang (2000) from a fixed number of proposals, differentiated as in
 * Naesseth, Ruiz, Linderman and Blei (2017): with ε the accepted proposal, z = h(ε; α) is smooth, and
 * what the law of ε depends on α adds the score (R − b) ∇ log π(ε; α), for
 * log π(ε; α) = log q(h(ε; α); α) + log |∂h/∂ε| (their equations 6 and 8). The shape is first raised
 * by `raised` and brought back by z ∏ u_i^(1/(α + i − 1)) (their section 5), which takes nearly all
 * variance out of the score. At shapes above 5 at most 0.62 % of proposals are refused, so that the
 * last of `tries`, which is taken without a test, is reached in less than 2.4 draws of 10⁷: the law is
 * that of the distribution within that total variation.
 */
import type { DistExpr, Expr } from "../../model/ir.js";
import type { NoiseLaw } from "./contract.js";
import { elementwise as f } from "./expressions.js";

type Args = Extract<DistExpr, { kind: "named" }>["args"];

/** A draw whose noise is in part accepted or refused. */
export interface AcceptedRule {
  readonly laws: readonly NoiseLaw[];
  readonly draw: (args: Args, noise: readonly Expr[]) => Expr;
  /** The first proposal without a test: smooth in the arguments, of nearly the same law. */
  readonly smooth: (args: Args, noise: readonly Expr[]) => Expr;
  /** log π of the accepted noise, for the score. */
  readonly logNoise: (args: Args, noise: readonly Expr[]) => Expr;
}

const tries = 4;
const raised = 5;
/** Proposals, the uniforms that test all but the last, and those that bring the shape back. */
const gammaLaws: readonly NoiseLaw[] = [
  ...Array.from({ length: tries }, (): NoiseLaw => "normal"),
  ...Array.from({ length: tries - 1 + raised }, (): NoiseLaw => "uniform"),
];

interface GammaParts {
  /** log z of a Gamma(α, 1). */
  readonly log: Expr;
  readonly logNoise: Expr;
}

function gammaDraw(alpha: Expr, noise: readonly Expr[], isTested = true): GammaParts {
  const a = f("add", alpha, raised);
  const d = f("sub", a, 1 / 3);
  const c = f("div", 1, f("sqrt", f("mul", 9, d)));
  const root = (n: Expr): Expr => f("add", 1, f("mul", c, n));
  // Below 0 there is no cube to test: a tiny root is refused by log u < … + d log v.
  const safe = (n: Expr): Expr => f("maximum", root(n), 1e-10);
  let n = noise[tries - 1];
  for (let k = tries - 2; k >= 0; k--) {
    const x = noise[k];
    if (!isTested) {
      n = x;
      continue;
    }
    const r = safe(x);
    const cube = f("mul", r, f("square", r));
    const drift = f("sub", f("add", 1, f("mul", 3, f("log", r))), cube);
    const bound = f("add", f("mul", 0.5, f("square", x)), f("mul", d, drift));
    const isAccepted = f("stop_gradient", f("real", f("lt", f("log", noise[tries + k]), bound)));
    n = f("add", n, f("mul", isAccepted, f("sub", x, n)));
  }
  const logRoot = f("log", safe(n));
  const logHigh = f("add", f("log", d), f("mul", 3, logRoot));
  const density = f(
    "sub",
    f("sub", f("mul", f("sub", a, 1), logHigh), f("exp", logHigh)),
    f("lgamma", a),
  );
  const slope = f("add", f("log", f("mul", 3, f("mul", d, c))), f("mul", 2, logRoot));
  let log = logHigh;
  for (let i = 0; i < raised; i++) {
    log = f("add", log, f("div", f("log", noise[2 * tries - 1 + i]), f("add", alpha, i)));
  }
  return { log, logNoise: f("add", density, slope) };
}

/** log z for the noise of each gamma that the distribution is made of. */
type Draw = (args: Args, logs: readonly Expr[], noise: readonly Expr[]) => Expr;

const width = gammaLaws.length;

/** A rule over gammas of the given shapes; `more` noise follows theirs. */
function over(
  shapes: (a: Args) => readonly Expr[],
  count: number,
  draw: Draw,
  more: readonly NoiseLaw[] = [],
): AcceptedRule {
  const parts = (a: Args, noise: readonly Expr[], isTested: boolean): GammaParts[] =>
    shapes(a).map((s, k) => gammaDraw(s, noise.slice(k * width, (k + 1) * width), isTested));
  const drawn =
    (isTested: boolean) =>
    (a: Args, noise: readonly Expr[]): Expr => {
      const logs = parts(a, noise, isTested).map((p) => p.log);
      return draw(a, logs, noise.slice(count * width));
    };
  return {
    laws: [...Array.from({ length: count }, () => gammaLaws).flat(), ...more],
    draw: drawn(true),
    smooth: drawn(false),
    logNoise: (a, noise) =>
      parts(a, noise, true)
        .map((p) => p.logNoise)
        .reduce((x, y) => f("add", x, y)),
  };
}

const half = (x: Expr): Expr => f("mul", 0.5, x);

/** One rule a distribution that is a function of gamma draws. */
export const acceptedRules: Readonly<Record<string, AcceptedRule>> = {
  Gamma: over(
    (a) => [a.shape],
    1,
    (a, [log]) => f("div", f("exp", log), a.rate),
  ),
  InverseGamma: over(
    (a) => [a.shape],
    1,
    (a, [log]) => f("mul", a.scale, f("exp", f("neg", log))),
  ),
  ChiSquare: over(
    (a) => [half(a.nu)],
    1,
    (_, [log]) => f("mul", 2, f("exp", log)),
  ),
  /** x / (x + y) */
  Beta: over(
    (a) => [a.a, a.b],
    2,
    (_, [x, y]) => f("sigmoid", f("sub", x, y)),
  ),
  /** μ + σ n / √(g / (ν/2)) */
  StudentT: over(
    (a) => [half(a.nu)],
    1,
    (a, [log], [n]) => {
      const scale = f("exp", half(f("sub", f("log", half(a.nu)), log)));
      return f("add", a.mu, f("mul", a.sigma, f("mul", n, scale)));
    },
    ["normal"],
  ),
  /** x_k / Σ_j x_j */
  Dirichlet: over(
    (a) => [a.alpha],
    1,
    (_, [log]) => ({ kind: "call", fn: "softmax", args: [log], span: log.span, type: log.type }),
  ),
};
