/** Estimates of plates element by element, minibatches, continuous sites, and what is refused. */
import { describe, expect, test } from "vitest";
import { TildeError } from "../../../src/base/diagnostic.js";
import { elaborate } from "../../../src/elaborate/index.js";
import { stream } from "../../../src/math/rng/index.js";
import { parseSource } from "../../../src/syntax/parse.js";
import { averages, expectMean, slopes } from "./averages.js";
import { array, build, drive, type Setup } from "./driver.js";

const text = `
model m(N: int) {
  for i in 0..N {
    z[i] ~ Normal(0, 1)
    x[i] ~ Normal(z[i], 1)
  }
}
guide r(N: int, x: real[N]) for m { for i in 0..N { z[i] ~ Normal(0.3 * x[i], 1) } }
guide posterior(N: int, x: real[N]) for m { for i in 0..N { z[i] ~ Normal(x[i] / 2, sqrt(0.5)) } }
model shared(N: int) {
  v ~ Normal(0, 1)
  for i in 0..N { x[i] ~ Normal(v, 1) }
}
objective element(p, r, i: int, M: int) {
  let all = log_probs(marginal(p, keep: [x], proposal: r, particles: M), data)
  return exp(all[i])
}
objective whole(p, r, M: int) {
  return exp(log_prob(marginal(p, keep: [x], proposal: r, particles: M), data))
}
objective bound(p, r, M: int) { return log_prob(marginal(p, keep: [x], proposal: r, particles: M), data) }
objective prior(p, M: int) { return exp(log_prob(marginal(p, keep: [x], particles: M), data)) }
objective evidence(p, M: int) { return log_prob(marginal(p, keep: [x], particles: M), data) }`;
const x = [0.4, -1.1, 2, 0.7];
const data = { N: 4, x: array([4], x) };
/** log N(v | 0, 2) */
const logMarginal = (v: number): number => -0.5 * Math.log(4 * Math.PI) - (v * v) / 4;

describe("plates", () => {
  test("each element has an estimate of its own, unbiased by itself and in the product", () => {
    const programs = { p: "m", r: "r" };
    for (const i of [1, 2]) {
      const setup: Setup = { text, objective: "element", programs, data, args: { i, M: 2 } };
      const [found] = averages(drive(build(setup)), 20000, 1);
      expectMean(found, Math.exp(logMarginal(x[i])));
    }
    const product = Math.exp(x.reduce((s, v) => s + logMarginal(v), 0));
    const whole: Setup = { text, objective: "whole", programs, data, args: { M: 2 } };
    expectMean(averages(drive(build(whole)), 40000, 2)[0], product);
    const prior: Setup = { text, objective: "prior", programs: { p: "m" }, data, args: { M: 4 } };
    expectMean(averages(drive(build(prior)), 40000, 3)[0], product);
  });

  test("a proposal that is the posterior leaves no noise, in minibatches too", () => {
    const programs = { p: "m", r: "posterior" };
    const all: Setup = { text, objective: "bound", programs, data, args: { M: 1 } };
    const [found] = averages(drive(build(all)), 20, 4);
    expect(found.mean).toBeCloseTo(
      x.reduce((s, v) => s + logMarginal(v), 0),
      12,
    );
    // Two elements stand for four.
    const [half] = averages(drive(build({ ...all, batch: { N: 2 } })), 20, 5);
    expect(half.mean).toBeCloseTo(2 * (logMarginal(x[0]) + logMarginal(x[1])), 12);
  });

  test("a site that all elements share is integrated over once", () => {
    const setup: Setup = {
      text,
      objective: "prior",
      programs: { p: "shared" },
      data,
      args: { M: 3 },
    };
    const [found] = averages(drive(build(setup)), 40000, 6);
    // x ~ N(0, I + 1 1ᵀ): determinant N + 1, inverse I − 1 1ᵀ/(N + 1).
    const sum = x.reduce((s, v) => s + v, 0);
    const squares = x.reduce((s, v) => s + v * v, 0);
    const log = -2 * Math.log(2 * Math.PI) - 0.5 * Math.log(5) - 0.5 * (squares - sum ** 2 / 5);
    expectMean(found, Math.exp(log));
    const batch: Setup = { ...setup, batch: { N: 2 } };
    expect(codeOf(() => build(batch))).toBe("estimate_batch");
  });
});

const chained = `
model p() {
  x ~ Normal(0.5, 1.2)
  y ~ Normal(x^2, 1)
}
guide q() for p {
  param a: real = 0.3
  param s: positive = 0.7
  u ~ Normal(a, 1)
  x ~ Normal(tanh(u), s)
}
guide r(x: real) for q {
  param b: real = 0.4
  param t: positive = 0.9
  u ~ Normal(b * x, t)
}
objective hierarchical(p, q, r, M: int, K: int) {
  let m = marginal(q, proposal: r, particles: M)
  for k in 0..K { z[k] ~ m;  let w[k] = log_joint(p, z[k]) - log_prob(m, z[k]) }
  return logsumexp(w) - log(K)
}`;

test("gradients along paths are those of the value on the same noise", () => {
  const programs = { p: "p", q: "q", r: "r" };
  const args = { M: 3, K: 2 };
  const d = drive(
    build({ text: chained, objective: "hierarchical", programs, data: { y: 1.3 }, args }),
  );
  d.draw(stream(21, 0, 0, 0));
  d.evaluate();
  const slope = [...d.gradient];
  const start = [...d.theta];
  slopes((theta) => {
    d.theta.set(theta);
    return d.evaluate();
  }, start).forEach((wanted, k) => {
    expect(Math.abs(slope[k] - wanted)).toBeLessThan(1e-7);
    expect(Math.abs(wanted)).toBeGreaterThan(1e-3);
  });
});

/** The code of what is thrown, and the text that it points at. */
function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof TildeError) return error.diagnostics[0].code;
    throw error;
  }
  return "nothing";
}

const cone = `
model cone() { x ~ Normal(0, 1);  y ~ Normal(x, 1) }
guide ring() for cone { param s: positive = 1;  u ~ Normal(0, 1);  x ~ Normal(u, s) }
guide plain() for cone { x ~ Normal(0, 1) }
guide labels() for cone { k ~ Bernoulli(0.5) using gumbel(0.5);  u ~ Normal(if k then 1 else 0, 1);  x ~ Normal(u, 1) }
guide bent() for cone { x ~ Transformed(Normal(0, 1), exp) }
guide odd() for ring { u ~ Normal(0, 1);  factor u }
model given() { y ~ Normal(0, 1) }
model other() { u ~ iid(Normal(0, 1), 2) }
`;

describe("what is refused", () => {
  const built = (body: string, programs: Record<string, string> = { p: "cone", q: "ring" }) =>
    codeOf(() =>
      build({
        text: `${cone}objective f(p, q, r) {\n${body}\n}`,
        objective: "f",
        programs: { r: "plain", ...programs },
        data: { y: 1 },
      }),
    );
  test("programs that do not fit, when they are put together", () => {
    const elbo = (m: string): string =>
      `let m = ${m}\nz ~ m\nreturn log_joint(p, z) - log_prob(m, z)`;
    expect(built(elbo("marginal(q, particles: 2)"))).toBe("nothing");
    expect(built(elbo("marginal(q, keep: [x, w], particles: 2)"))).toBe("estimate_keep_unknown");
    expect(built(elbo("marginal(p, particles: 2)"))).toBe("estimate_keep_needed");
    expect(built(elbo("marginal(q, particles: 0)"))).toBe("estimate_particles");
    expect(built(elbo("marginal(q, proposal: r, particles: 2)"))).toBe("estimate_proposal");
    const other = { p: "cone", q: "ring", r: "other" };
    expect(built(elbo("marginal(q, proposal: r, particles: 2)"), other)).toBe("estimate_shape");
    const odd = { p: "cone", q: "ring", r: "odd" };
    expect(built(elbo("marginal(q, proposal: r, particles: 2)"), odd)).toBe("estimate_factor");
    const bent = { p: "cone", q: "ring", r: "bent" };
    expect(built(elbo("normalize(p, proposal: r, particles: 2)"), bent)).toBe("estimate_factor");
    expect(built(elbo("marginal(q, keep: [x], particles: 2)"), { p: "cone", q: "bent" })).toBe(
      "transformed_density",
    );
    const given = { p: "given", q: "ring" };
    expect(built(elbo("normalize(p, particles: 2)"), given)).toBe("estimate_nothing");
    expect(built("z ~ q\nreturn log_joint(p, z) - log_prob(q, z)")).toBe("guide_auxiliary");
    expect(
      built("z ~ marginal(q, particles: 2)\nreturn sum(score(marginal(q, particles: 2), z))"),
    ).toBe("estimate_score");
    expect(
      built("let m = marginal(q, particles: 2)\nz ~ m\nreturn log_prob(stop_gradient(m), z)"),
    ).toBe("estimate_frozen");
    const relaxed = { p: "cone", q: "labels" };
    expect(built(elbo("marginal(q, keep: [k, x], particles: 2)"), relaxed)).toBe(
      "estimate_relaxed",
    );
  });

  const found = (body: string): string[] => {
    const source = { path: "f.ppl", text: `objective f(p, q, M: int, a: real) {\n${body}\n}` };
    const parsed = parseSource(source);
    const { diagnostics } = elaborate(parsed.ast);
    return [...parsed.diagnostics, ...diagnostics].map((d) => {
      const { start = 0, end = 0 } = d.span ?? {};
      return `${d.code}: ${source.text.slice(start, end)}`;
    });
  };
  test("texts that say no program, at their place", () => {
    const at = (m: string): string => `z ~ ${m}\nreturn log_joint(p, z)`;
    expect(found(at("marginal(q, keep: [x], particles: M)"))).toEqual([]);
    expect(found(at("marginal(q, keep: [], particles: M)"))).toEqual(["estimate_keep_empty: []"]);
    expect(found(at("marginal(q, keep: x, particles: M)"))).toEqual(["estimate_keep: x"]);
    expect(found(at("marginal(q, keep: [x])"))).toEqual(["estimate_usage: marginal(q, keep: [x])"]);
    expect(found(at("normalize(p, keep: [x], particles: M)"))).toEqual([
      "estimate_usage: normalize(p, keep: [x], particles: M)",
    ]);
    expect(found(at("marginal(M, particles: M)"))).toEqual(["estimate_program: M"]);
    expect(found(at("marginal(q, particles: a)"))).toEqual(["estimate_particles_type: a"]);
    expect(found(at("marginal(marginal(q, particles: M), particles: M)"))).toEqual([
      "estimate_nested: marginal(q, particles: M)",
    ]);
    expect(
      found("let m = marginal(q, particles: M)\nz ~ marginal(m, particles: 2)\nreturn 1.0"),
    ).toEqual(["estimate_nested: m"]);
    expect(found("let b = 2 * marginal(q, particles: M)\nreturn b")).toEqual([
      "estimate_place: marginal(q, particles: M)",
    ]);
    expect(found("for k in 0..M { z[k] ~ marginal(q, particles: k + 1) }\nreturn 1.0")).toEqual([
      "estimate_particles_type: k + 1",
    ]);
    expect(found("z ~ q\nlet z = marginal(q, particles: M)\nreturn 1.0")[0]).toMatch(/^name_taken/);
  });

  test("sites of a guide that nothing follows from are still errors in its text", () => {
    const source = "model m() { mu ~ Normal(0, 1) }\nguide q() for m { nu ~ Normal(0, 1) }";
    const { ast } = parseSource({ path: "g.ppl", text: source });
    expect(elaborate(ast).diagnostics.map((d) => d.code)).toEqual(["guide_adds_site"]);
  });
});
