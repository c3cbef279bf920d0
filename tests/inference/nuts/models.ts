/** Hand-written models as kernels: `lp_grad` and `constrain` over buffers q, grad, constrained. */
import {
  add,
  call,
  div,
  f64,
  get,
  giveBack,
  i32,
  index,
  load,
  loop,
  mul,
  neg,
  set,
  store,
  sub,
} from "../../../src/kernel/build.js";
import type { Buffer, Expr, KernelModule, Local, Stmt } from "../../../src/kernel/ir.js";

const q = (i: Expr | number): Expr => load("q", typeof i === "number" ? i32(i) : i);
const grad = (i: Expr | number, value: Expr): Stmt =>
  store("grad", typeof i === "number" ? i32(i) : i, value);
const lp: Local = { name: "lp", type: "f64" };
const real = (name: string): Local => ({ name, type: "f64" });

function model(
  d: number,
  lpGrad: readonly Stmt[],
  constants: readonly Buffer[] = [],
  constrain: readonly Stmt[] = [
    loop("i", i32(0), i32(d), [store("constrained", index("i"), q(index("i")))], {
      reductions: [],
    }),
  ],
): KernelModule {
  const workspace = ["q", "grad", "constrained"].map(
    (name): Buffer => ({ name, element: "f64", length: d, region: "workspace" }),
  );
  return {
    buffers: [...workspace, ...constants],
    functions: [
      { name: "lp_grad", params: [], result: "f64", body: lpGrad, exported: true },
      { name: "constrain", params: [], body: constrain, exported: true },
    ],
  };
}

const i = index("i");
const sumLp = { reductions: [{ local: "lp", fn: "add" as const }] };

/** Independent standard normals. */
export function normalModel(d: number): KernelModule {
  return model(d, [
    set(lp, f64(0)),
    loop(
      "i",
      i32(0),
      i32(d),
      [grad(i, neg(q(i))), set(lp, add(get(lp), mul(mul(f64(-0.5), q(i)), q(i))))],
      sumLp,
    ),
    giveBack(get(lp)),
  ]);
}

/** A constant buffer. */
function constant(name: string, data: Float64Array): Buffer {
  return { name, element: "f64", length: data.length, region: "constant", data };
}

/** A multivariate normal of mean `mean` and row-major precision matrix `precision`. */
export function gaussianModel(mean: Float64Array, precision: Float64Array): KernelModule {
  const d = mean.length;
  const sum = real("sum");
  const j = index("j");
  return model(
    d,
    [
      set(lp, f64(0)),
      loop("i", i32(0), i32(d), [
        set(sum, f64(0)),
        loop("j", i32(0), i32(d), [
          set(
            sum,
            add(
              get(sum),
              mul(load("precision", add(mul(i, i32(d)), j)), sub(q(j), load("mean", j))),
            ),
          ),
        ]),
        grad(i, neg(get(sum))),
        set(lp, sub(get(lp), mul(mul(f64(0.5), get(sum)), sub(q(i), load("mean", i))))),
      ]),
      giveBack(get(lp)),
    ],
    [constant("mean", mean), constant("precision", precision)],
  );
}

/** Neal's (2003) funnel: v ~ N(0, 3), x_i ~ N(0, exp(v / 2)), i = 1 .. d - 1. q = (v, x). */
export function funnelModel(d: number): KernelModule {
  const [v, scale, sum] = ["v", "scale", "sum"].map(real);
  return model(d, [
    set(v, q(0)),
    set(scale, call("exp", [neg(get(v))])),
    set(sum, f64(0)),
    loop(
      "i",
      i32(1),
      i32(d),
      [grad(i, neg(mul(q(i), get(scale)))), set(sum, add(get(sum), mul(q(i), q(i))))],
      { reductions: [{ local: "sum", fn: "add" }] },
    ),
    set(sum, mul(mul(f64(0.5), get(scale)), get(sum))),
    grad(0, sub(sub(get(sum), f64((d - 1) / 2)), div(get(v), f64(9)))),
    giveBack(sub(sub(div(mul(get(v), get(v)), f64(-18)), mul(f64((d - 1) / 2), get(v))), get(sum))),
  ]);
}

/** x ~ N(0, 10), y ~ N(0.03 (x² - 100), 1): Haario's banana. */
export function bananaModel(): KernelModule {
  const [x, r] = ["x", "r"].map(real);
  return model(2, [
    set(x, q(0)),
    set(r, sub(q(1), mul(f64(0.03), sub(mul(get(x), get(x)), f64(100))))),
    grad(0, add(div(get(x), f64(-100)), mul(mul(f64(0.06), get(x)), get(r)))),
    grad(1, neg(get(r))),
    giveBack(sub(div(mul(get(x), get(x)), f64(-200)), mul(mul(f64(0.5), get(r)), get(r)))),
  ]);
}

/** Rubin's (1981) eight schools: effects and standard errors. */
const SCHOOLS = {
  y: Float64Array.of(28, 8, -3, 7, -1, 1, 18, 12),
  inverse_sigma: Float64Array.of(15, 10, 16, 11, 9, 11, 10, 18).map((s) => 1 / s),
};

/**
 * Non-centred eight schools. q = (mu, log tau, z_1 .. z_8), mu ~ N(0, 5), tau ~ HalfCauchy(5),
 * z ~ N(0, 1), y ~ N(mu + tau z, sigma); constrained = (mu, tau, theta).
 */
export function eightSchoolsModel(): KernelModule {
  const [mu, logTau, tau, r, dMu, dTau, square] = [
    "mu",
    "log_tau",
    "tau",
    "r",
    "d_mu",
    "d_tau",
    "square",
  ].map(real);
  const z = q(add(i, i32(2)));
  const sums = [lp, dMu, dTau].map(({ name }) => ({ local: name, fn: "add" as const }));
  return model(
    10,
    [
      set(mu, q(0)),
      set(logTau, q(1)),
      set(tau, call("exp", [get(logTau)])),
      set(lp, f64(0)),
      set(dMu, f64(0)),
      set(dTau, f64(0)),
      loop(
        "i",
        i32(0),
        i32(8),
        [
          set(r, mul(sub(sub(load("y", i), get(mu)), mul(get(tau), z)), load("inverse_sigma", i))),
          set(lp, add(get(lp), mul(f64(-0.5), add(mul(get(r), get(r)), mul(z, z))))),
          set(r, mul(get(r), load("inverse_sigma", i))),
          set(dMu, add(get(dMu), get(r))),
          set(dTau, add(get(dTau), mul(get(r), z))),
          grad(add(i, i32(2)), sub(mul(get(r), get(tau)), z)),
        ],
        { reductions: sums },
      ),
      // HalfCauchy(5) of tau and log tau's Jacobian: -log(1 + tau²/25) + log tau.
      set(square, mul(mul(get(tau), get(tau)), f64(1 / 25))),
      grad(0, sub(get(dMu), mul(get(mu), f64(1 / 25)))),
      grad(
        1,
        add(
          mul(get(tau), get(dTau)),
          sub(f64(1), div(mul(f64(2), get(square)), add(f64(1), get(square)))),
        ),
      ),
      giveBack(
        add(
          sub(get(lp), mul(f64(0.02), mul(get(mu), get(mu)))),
          sub(get(logTau), call("log", [add(f64(1), get(square))])),
        ),
      ),
    ],
    Object.entries(SCHOOLS).map(([name, data]) => constant(name, data)),
    [
      set(mu, q(0)),
      set(tau, call("exp", [q(1)])),
      store("constrained", i32(0), get(mu)),
      store("constrained", i32(1), get(tau)),
      loop(
        "i",
        i32(0),
        i32(8),
        [store("constrained", add(i, i32(2)), add(get(mu), mul(get(tau), z)))],
        { reductions: [] },
      ),
    ],
  );
}
