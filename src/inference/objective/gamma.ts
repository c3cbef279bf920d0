/**
 * Gamma draws by Marsaglia and Tsang (2000) from a fixed number of proposals, with the derivative of
 * implicit reparameterisation (Figurnov, Mohamed and Mnih 2018, equation 5): at a constant value of
 * the distribution function P(α, z), ∂z/∂α = −(∂P/∂α) / (∂P/∂z). The shape is raised by `raised` and
 * brought back by z ∏ u_i^(1/(α + i − 1)): at shapes above 5 at most 0.62 % of proposals are refused, so
 * that the last of `tries`, which is taken without a test, is reached in less than 2.4 draws of 10⁷: the
 * law is that of the distribution within that total variation.
 */
import type { DistExpr, Expr, Type } from "../../model/ir.js";
import type { NoiseLaw } from "./contract.js";
import { elementwise as f } from "./expressions.js";

type Args = Extract<DistExpr, { kind: "named" }>["args"];

/** A draw whose noise is in part accepted or refused; gradients go through its value. */
export interface AcceptedRule {
  readonly laws: readonly NoiseLaw[];
  readonly draw: (args: Args, noise: readonly Expr[]) => Expr;
}

const tries = 4;
const raised = 5;
/** Proposals, the uniforms that test all but the last, and those that bring the shape back. */
const gammaLaws: readonly NoiseLaw[] = [
  ...Array.from({ length: tries }, (): NoiseLaw => "normal"),
  ...Array.from({ length: tries - 1 + raised }, (): NoiseLaw => "uniform"),
];

/** log z of a Gamma(α, 1). */
function gammaDraw(alpha: Expr, noise: readonly Expr[]): Expr {
  const a = f("add", alpha, raised);
  const d = f("sub", a, 1 / 3);
  const c = f("div", 1, f("sqrt", f("mul", 9, d)));
  const root = (n: Expr): Expr => f("add", 1, f("mul", c, n));
  // Below 0 there is no cube to test: a tiny root is refused by log u < … + d log v.
  const safe = (n: Expr): Expr => f("maximum", root(n), 1e-10);
  let n = noise[tries - 1];
  for (let k = tries - 2; k >= 0; k--) {
    const x = noise[k];
    const r = safe(x);
    const cube = f("mul", r, f("square", r));
    const drift = f("sub", f("add", 1, f("mul", 3, f("log", r))), cube);
    const bound = f("add", f("mul", 0.5, f("square", x)), f("mul", d, drift));
    const isAccepted = f("real", f("lt", f("log", noise[tries + k]), bound));
    n = f("add", n, f("mul", isAccepted, f("sub", x, n)));
  }
  let log = f("add", f("log", d), f("mul", 3, f("log", safe(n))));
  for (let i = 0; i < raised; i++) {
    log = f("add", log, f("div", f("log", noise[2 * tries - 1 + i]), f("add", alpha, i)));
  }
  return f("add", held(log), implicit(alpha, held(log)));
}

const held = (e: Expr): Expr => f("stop_gradient", e);

/** log z below which P(α, z) is z^α / Γ(α + 1) to rounding. */
const tiny = -37;

/** 0, with the derivative of log z in α at a constant P(α, z). */
function implicit(alpha: Expr, log: Expr): Expr {
  const change = (e: Expr): Expr => f("sub", e, held(e));
  // log P = α log z − log Γ(α + 1), and ∂ log P/∂ log z = α.
  const power = f("sub", f("mul", alpha, log), f("lgamma", f("add", alpha, 1)));
  const small = f("neg", f("div", change(power), held(alpha)));
  const inside = f("maximum", log, tiny);
  const z = f("exp", inside);
  const density = f("exp", f("sub", f("sub", f("mul", alpha, inside), z), f("lgamma", alpha)));
  const regular = f("neg", f("div", change(cdf(alpha, z)), held(density)));
  const isSmall = f("mul", f("lt", log, tiny), 1);
  return f("add", f("mul", isSmall, small), f("mul", f("sub", 1, isSmall), regular));
}

/** P(α, z) */
function cdf(alpha: Expr, z: Expr): Expr {
  const { span } = z;
  const { dims } = z.type;
  const event: Type = { scalar: "real", dims };
  const rate = f("add", f("mul", z, 0), 1);
  const shape = alpha.type.dims.length === dims.length ? alpha : f("add", alpha, f("mul", z, 0));
  const support = { kind: "positive" as const };
  const dist: DistExpr = {
    kind: "named",
    name: "Gamma",
    args: { shape, rate },
    event,
    support,
    span,
  };
  return { kind: "dist_method", dist, method: "cdf", args: [z], span, type: event };
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
  return {
    laws: [...Array.from({ length: count }, () => gammaLaws).flat(), ...more],
    draw: (a, noise) => {
      const logs = shapes(a).map((s, k) => gammaDraw(s, noise.slice(k * width, (k + 1) * width)));
      return draw(a, logs, noise.slice(count * width));
    },
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
