/** Guides that draw from `Transformed`: their densities, gradients, and posteriors that no normal fits. */
import { describe, expect, test } from "vitest";
import { check, compile, infer, svi } from "../../src/index.js";
import { stream } from "../../src/math/rng/index.js";
import { array, build, type Driver, drive, type Setup } from "../inference/objective/driver.js";

/** Parameters away from their start, where couplings do nothing. */
function scatter(d: Driver, seed: number): Driver {
  const rng = stream(seed, 0, 0, 0);
  for (let i = 0; i < d.theta.length; i++) d.theta[i] += 0.4 * rng.normal();
  return d;
}

/** Asserts that the gradient is that of the value at the same noise. */
function gradientHolds(d: Driver): void {
  d.evaluate();
  const slopes = d.gradient.slice();
  const h = 1e-5;
  slopes.forEach((slope, i) => {
    const at = d.theta[i];
    d.theta[i] = at + h;
    const up = d.evaluate();
    d.theta[i] = at - h;
    const down = d.evaluate();
    d.theta[i] = at;
    // Third derivatives of about 10 times h²/6, and rounding over h.
    expect(Math.abs((up - down) / (2 * h) - slope)).toBeLessThan(1e-7 * (1 + Math.abs(slope)));
  });
}

const layers: Readonly<Record<string, string>> = {
  "planar layers": "flows.planar_flow(3, 2)",
  "affine couplings": "flows.real_nvp(3, 1, 3, 4)",
  "one after the other": "nn.chain(flows.real_nvp(3, 2, 2, 4), flows.planar(3))",
};

describe.each(Object.entries(layers))("%s", (_, layer) => {
  const text = (value: string) => `import flows\nimport nn
model m(w: real[3]) { z ~ iid(Flat(), 3);  factor sum(w * z) }
guide q() for m {
  let f = ${layer}
  param s: positive[3] = 0.7
  z ~ Transformed(Normal(0.2, s), f)
}
objective o(p, q) { z ~ q;  return ${value} }`;
  const make = (value: string, w: readonly number[]): Driver => {
    const programs = { p: "m", q: "q" };
    const setup = { text: text(value), objective: "o", programs, data: { w: array([3], w) } };
    const d = scatter(drive(build(setup), 3), 5);
    d.draw(stream(1, 0, 0, 0));
    return d;
  };

  test("the log density of a draw is that of its base less the log of the volume", () => {
    // The draw as a function of the noise, number by number.
    const readers = [0, 1, 2].map((k) =>
      make(
        "log_joint(p, z)",
        [0, 1, 2].map((j) => +(j === k)),
      ),
    );
    const noise = (d: Driver): Float64Array => d.input("z.z.base~normal");
    const eps = [...noise(readers[0])];
    const columns = eps.map((e, j) => {
      const [up, down] = [1e-5, -1e-5].map((h) =>
        readers.map((d) => {
          noise(d)[j] = e + h;
          const value = d.evaluate();
          noise(d)[j] = e;
          return value;
        }),
      );
      return up.map((u, i) => (u - down[i]) / 2e-5);
    });
    const [a, b, c] = columns;
    const cross = [b[1] * c[2] - b[2] * c[1], b[2] * c[0] - b[0] * c[2], b[0] * c[1] - b[1] * c[0]];
    const det = a[0] * cross[0] + a[1] * cross[1] + a[2] * cross[2];
    const normal = eps.reduce((t, e) => t - 0.5 * e * e - 0.5 * Math.log(2 * Math.PI), 0);
    const found = make("log_prob(q, z)", [0, 0, 0]).evaluate();
    // The differences are wrong by third derivatives times h²/6, and rounding over h.
    expect(Math.abs(found - (normal - Math.log(Math.abs(det))))).toBeLessThan(1e-8);
  });

  test("gradients pass the draw and its density", () => {
    gradientHolds(make("log_joint(p, z) - log_prob(q, z) + square(log_joint(p, z))", [0.3, -1, 2]));
  });
});

test("real_nvp: the inverse undoes the layers and their running sum", () => {
  const made = build({
    text: `import flows\nimport objectives
model m(x: real[3]) {
  let f = flows.real_nvp(3, 2, 3, 4)
  let y = f(flows.start(x))
  let back = f.inverse(y)
  factor sum(square(back - flows.start(x))) + 1e-3 * sum(square(y - flows.start(x)))
}`,
    objective: "maximum_likelihood",
    programs: { p: "m" },
    data: { x: array([3], [0.4, -1.2, 0.7]) },
  });
  const d = scatter(drive(made, 2), 8);
  const apart = d.evaluate();
  expect(apart).toBeGreaterThan(1e-5);
  // Without the inverse's part, to rounding.
  const plain = drive(
    build({
      text: `import flows\nimport objectives
model m(x: real[3]) {
  let f = flows.real_nvp(3, 2, 3, 4)
  factor 1e-3 * sum(square(f(flows.start(x)) - flows.start(x)))
}`,
      objective: "maximum_likelihood",
      programs: { p: "m" },
      data: { x: array([3], [0.4, -1.2, 0.7]) },
    }),
    2,
  );
  expect(Math.abs(apart - scatter(plain, 8).evaluate())).toBeLessThan(1e-14);
});

describe("functions of one number", () => {
  const model = "tau ~ LogNormal(0.3, 1);  let w = 1 / (1 + tau);  observe 0.4 ~ Normal(w, 0.2)";
  const programs = { p: "m", q: "q" };
  const both = (guides: readonly [string, string], others: Partial<Setup> = {}) =>
    guides.map((guide) => {
      const text = `import objectives
model m() { ${model} }
guide q() for m { param a: real = 0.2;  param s: positive = 0.6;  ${guide} }`;
      const d = drive(build({ text, objective: "elbo", programs, analytic: false, ...others }));
      d.draw(stream(3, 0, 0, 0));
      return { value: d.evaluate(), slopes: [...d.gradient] };
    });

  test.each([
    ["elbo", {}],
    ["iwae", { K: 3 }],
    ["renyi", { K: 3, alpha: 0.5 }],
  ])("exp of a normal is a LogNormal: %s", (objective, args) => {
    const [a, b] = both(["tau ~ LogNormal(a, s)", "tau ~ Transformed(Normal(a, s), exp)"], {
      objective,
      args: args as Readonly<Record<string, number>>,
    });
    expect(b.value).toBeCloseTo(a.value, 12);
    for (const [k, slope] of b.slopes.entries()) expect(slope).toBeCloseTo(a.slopes[k], 12);
  });

  test("densities are normalised", () => {
    // E_q[1/q] over an interval of the image is its length; here by the rule of midpoints in u.
    const images: Readonly<Record<string, (u: number) => number>> = {
      exp: Math.exp,
      softplus: (u) => Math.log1p(Math.exp(u)),
      sigmoid: (u) => 1 / (1 + Math.exp(-u)),
    };
    for (const [name, f] of Object.entries(images)) {
      const support = name === "sigmoid" ? "Uniform(0, 1)" : "HalfNormal(1)";
      const d = drive(
        build({
          text: `model m() { x ~ ${support} }
guide q() for m { param a: real = 0;  x ~ Transformed(Normal(a, 1), ${name}) }
objective o(p, q) { z ~ q;  return log_prob(q, z) }`,
          objective: "o",
          programs,
        }),
      );
      const eps = d.input("z.x.base~normal");
      const steps = 400;
      let total = 0;
      for (let k = 0; k < steps; k++) {
        const u = -1 + (2 * (k + 0.5)) / steps;
        eps[0] = u;
        const density = Math.exp(-0.5 * u * u) / Math.sqrt(2 * Math.PI);
        total += (density / Math.exp(d.evaluate())) * (2 / steps);
      }
      // The rule's error is f‴ h² / 12, below 1e-5.
      expect(Math.abs(total - (f(1) - f(-1)))).toBeLessThan(2e-5);
    }
  });

  test("beside discrete sites, whatever their strategy", () => {
    for (const strategy of ["enumerate", "rebar", "reinforce(baseline: muprop)", "mvd"]) {
      const made = ["LogNormal(c, 0.5)", "Transformed(Normal(c, 0.5), exp)"].map((dist) => {
        const text = `import objectives
model m() { k ~ Bernoulli(0.4);  t ~ LogNormal(if k then 1 else 0, 1);  observe 2 ~ Normal(t, 1) }
guide q() for m {
  param p: unit = 0.3;  param a: real = 0.2;  param b: real = 0.9
  k ~ Bernoulli(p) using ${strategy}
  let c = if k then b else a
  t ~ ${dist}
}`;
        const d = drive(build({ text, objective: "elbo", programs, analytic: false }));
        d.draw(stream(7, 0, 0, 0));
        return [d.evaluate(), ...d.gradient];
      });
      for (const [i, x] of made[1].entries()) expect(x, strategy).toBeCloseTo(made[0][i], 10);
    }
  });
});

test("a flow with something to read, in a plate cut into minibatches", () => {
  const text = `import nn\nimport objectives
module shifted(width: int) {
  let net = nn.dense(1, 2)
  fn call(v: real[3], h: real[1]) {
    let s = tanh(net(h))
    return concat(v[0..2] * exp(s), [v[2] + sum(s)])
  }
}
model m(N: int) {
  for i in 0..N { z[i] ~ iid(Normal(0, 1), 2);  x[i] ~ Normal(z[i, 0] + z[i, 1], 0.5) }
}
guide q(N: int, x: real[N]) for m {
  let f = shifted(2)
  for i in 0..N { z[i] ~ Transformed(iid(Normal(0, 1), 2), v => f(v, [x[i]])) }
}`;
  const d = scatter(
    drive(
      build({
        text,
        objective: "elbo",
        programs: { p: "m", q: "q" },
        data: { x: array([6], [0.1, 1.2, -0.4, 0.8, 2.1, -1]) },
        batch: { N: 4 },
      }),
    ),
    4,
  );
  d.draw(stream(2, 0, 0, 0));
  gradientHolds(d);
});

describe("posteriors that no normal fits", () => {
  // Normalised densities: the bound of a guide that is the posterior is 0. Affine couplings hold the
  // funnel itself; the banana they approach.
  const models: readonly (readonly [string, string, string, number])[] = [
    ["banana", "Normal(z[0]^2, 0.5)", "real_nvp(2, 1, 6)", -0.12],
    ["banana", "Normal(z[0]^2, 0.5)", "planar_flow(2, 16)", -0.12],
    ["funnel", "Normal(0, exp(z[0]))", "real_nvp(2, 1, 4)", -0.02],
  ];
  test.each(models)("%s, %s by %s", { timeout: 60_000 }, async (_, second, layers, least) => {
    const program = compile(`import flows
model m() {
  z ~ iid(Flat(), 2)
  factor Normal(0, 1).log_prob(z[0]) + ${second}.log_prob(z[1])
}
guide normal() for m {
  param mean: real[2] = 0
  param L: cholesky_cov[2] = eye(2)
  z ~ MvNormal(mean, cholesky: L)
}
guide flow() for m {
  let f = flows.${layers}
  z ~ Transformed(iid(Normal(0, 1), 2), f)
}
objective many(p, q, K: int = 10) {
  for k in 0..K { z[k] ~ q;  let w[k] = log_joint(p, z[k]) - log_prob(q, z[k]) }
  return mean(w)
}`);
    const fit = async (guide: string) => {
      const objective = "many";
      const schedule = "cosine";
      const method = svi({ guide, objective, steps: 3000, lr: 0.01, schedule, draws: 2000 });
      const posterior = await infer(program, { data: {}, method, seed: 1 });
      const { figures } = posterior.fit;
      return figures.elbo as unknown as { final: number; mcse: number };
    };
    const [normal, flow] = [await fit("normal"), await fit("flow")];
    expect(flow.final).toBeLessThan(4 * flow.mcse);
    expect(flow.final).toBeGreaterThan(least);
    expect(flow.final - normal.final).toBeGreaterThan(0.35);
  });
});

describe("diagnostics", () => {
  const codes = (text: string): string[] =>
    check(text).flatMap((d) => (d.severity === "error" ? [d.code] : []));
  const model = "model m() { z ~ iid(Normal(0, 1), 2) }";
  test.each([
    ["model m() { z ~ Transformed(Normal(0, 1), sin) }", "transformed_inverse"],
    [`${model}\nguide q() for m { z ~ Transformed(iid(Normal(0, 1), 2)) }`, "transformed_usage"],
    [`${model}\nguide q() for m { z ~ Transformed(iid(Normal(0, 1), 3), exp) }`, "guide_shape"],
    [
      `${model}\nguide q() for m { z ~ Transformed(iid(Normal(0, 1), 2), v => [for v in 0..3: v]) }`,
      "transformed_shadow",
    ],
    [
      "model m() { z ~ Beta(1, 1) }\nguide q() for m { z ~ Transformed(Normal(0, 1), exp) }",
      "guide_support",
    ],
    [`${model}\nguide q() for m { y ~ Transformed(Normal(0, 1), exp) }`, "guide_adds_site"],
  ])("%s", (text, code) => {
    expect(codes(text)).toEqual([code]);
  });

  test("objectives that want the density elsewhere", async () => {
    const program = compile(
      `${model}\nguide q() for m { z ~ Transformed(iid(Normal(0, 1), 2), exp) }
`.replace("iid(Normal(0, 1), 2) }\n", "iid(LogNormal(0, 1), 2) }\n"),
    );
    for (const objective of ["path_elbo", "reweighted_wake_sleep"]) {
      const fit = infer(program, { data: {}, method: svi({ guide: "q", objective, steps: 10 }) });
      await expect(fit).rejects.toThrow(/draws `z` from `Transformed`/);
    }
  });
});
