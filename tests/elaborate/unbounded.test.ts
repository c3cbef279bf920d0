/** Unbounded plates, cluster labels, and the random measures that are written as them. */
import { describe, expect, test } from "vitest";
import { printModel } from "../../src/model/print.js";
import { verifyModel } from "../../src/model/verify.js";
import { check, modelOf } from "./helpers.js";

const printed = (text: string): string => printModel(verifyModel(modelOf(text)));
const codes = (text: string): string[] =>
  check(text).diagnostics.map((d) => {
    const { span } = d;
    return `${d.code}: ${span?.source.text.slice(span.start, span.end)}`;
  });

const mixture = `model m(N: int) {
  alpha ~ Gamma(1, 1)
  for k in 0.. { mu[k] ~ Normal(0, 10);  tau[k] ~ Gamma(2, 2) }
  for i in 0..N { z[i] ~ CRP(alpha);  x[i] ~ Normal(mu[z[i]], 1 / sqrt(tau[z[i]])) }
}`;

describe("one form", () => {
  test("a plate has the unbounded size, its labels lie below it", () => {
    expect(printed(mixture)).toBe(`model m
  input N: int in int
  site alpha: real in positive
  site mu: real[k..] in real
  site tau: real[k..] in positive
  site z: int[N] in category(k..)
  site x: real[N] in real
  unbounded k..: mu, tau labelled by z
body
  alpha ~ Gamma(shape: 1, rate: 1)
  for k in 0.. {
    mu[k] ~ Normal(mu: 0, sigma: 10)
    tau[k] ~ Gamma(shape: 2, rate: 2)
  }
  for i in 0..N {
    z[i] ~ CRP(alpha: alpha)
    x[i] ~ Normal(mu: mu[z[i]], sigma: 1 / sqrt(tau[z[i]]))
  }
`);
  });

  test("stick-breaking weights are the same model", () => {
    const sticks = mixture
      .replace("for k in 0..", "w ~ StickBreaking(alpha)\n  for k in 0..")
      .replace("z[i] ~ CRP(alpha)", "z[i] ~ Categorical(w)");
    expect(sticks).not.toBe(mixture);
    expect(printed(sticks)).toBe(printed(mixture));
  });

  test("a Dirichlet process is labels and atoms", () => {
    const text = `model m(N: int) {
      G ~ DirichletProcess(2, base: Normal(0, 10))
      for i in 0..N { theta[i] ~ G;  x[i] ~ Normal(theta[i], 1) }
    }`;
    expect(printed(text)).toBe(`model m
  input N: int in int
  site G: real[G.k..] in real
  site theta.label: int[N] in category(G.k..)
  let theta: real[N] in real
  site x: real[N] in real
  unbounded G.k..: G labelled by theta.label
body
  for G.k in 0.. {
    G[G.k] ~ Normal(mu: 0, sigma: 10)
  }
  for i in 0..N {
    theta.label[i] ~ CRP(alpha: 2)
    let theta[i] = G[theta.label[i]]
    x[i] ~ Normal(mu: theta[i], sigma: 1)
  }
`);
  });

  test("vectors, matrices, inner loops and definitions in the plate", () => {
    const text = `model m(N: int, D: int, x: real[N, D], c: int[N, D]) {
      m0 ~ Normal(0, 1)
      for k in 0.. {
        Sigma[k] ~ InverseWishart(D + 2, eye(D))
        mu[k] ~ MvNormal(fill(m0, D), Sigma[k])
        let L[k] = cholesky(Sigma[k])
        for d in 0..D { rate[k, d] ~ Gamma(1, 1) }
      }
      for i in 0..N {
        z[i] ~ CRP(1)
        let m = mu[z[i]]
        let own = z[i]
        observe x[i] ~ MvNormal(m, cholesky: L[own])
        for d in 0..D { observe c[i, d] ~ Poisson(rate[z[i], d]) }
      }
    }`;
    const out = printed(text);
    expect(out).toContain("site Sigma: real[k.., D, D] event 2 in cov");
    expect(out).toContain("let L: real[k.., D, D] event 2");
    expect(out).toContain("site rate: real[k.., D] in positive");
    expect(out).toContain("labelled by z");
  });
});

/** A model with `plate` in the unbounded plate and `rest` after the labels. */
const model = (parts: { plate?: string; rest?: string; before?: string; labels?: string }) => `
model m(N: int, y: real[N], v: real[5]) {
  ${parts.before ?? ""}
  for k in 0.. { ${parts.plate ?? "mu[k] ~ Normal(0, 1)"} }
  for i in 0..N {
    ${parts.labels ?? "z[i] ~ CRP(1)"}
    observe y[i] ~ Normal(mu[z[i]], 1)
  }
  ${parts.rest ?? ""}
}`;

describe("mistakes", () => {
  const wrong: readonly [what: string, text: string, expected: readonly string[]][] = [
    [
      "no labels",
      "model m() { for k in 0.. { mu[k] ~ Normal(0, 1) } }",
      ["unbounded_without_labels: k"],
    ],
    [
      "no plate",
      "model m(N: int) { for i in 0..N { z[i] ~ CRP(1) } }",
      ["labels_without_plate: CRP(1)"],
    ],
    [
      "nothing reads the plate",
      `model m(N: int) {
        for k in 0.. { mu[k] ~ Normal(0, 1) }
        for i in 0..N { z[i] ~ CRP(1) }
      }`,
      ["unbounded_unused: k"],
    ],
    ["a whole array", model({ rest: "let s = sum(mu)" }), ["unbounded_read: mu"]],
    ["its length", model({ rest: "let s = size(mu)" }), ["unbounded_read: mu"]],
    ["a fixed component", model({ rest: "let s = mu[0]" }), ["unbounded_read: mu[0]"]],
    [
      "a loop over data",
      model({ rest: "for i in 0..N { let s[i] = mu[i] }" }),
      ["unbounded_read: mu[i]"],
    ],
    ["a slice", model({ rest: "let s = mu[0..N]" }), ["unbounded_read: mu[0..N]"]],
    ["all labels at once", model({ rest: "let s = mu[z]" }), []],
    [
      "labels in arithmetic",
      model({ rest: "for i in 0..N { let s[i] = z[i] + 1 }" }),
      ["label_use: z[i]"],
    ],
    [
      "labels compared",
      model({ rest: "for i in 1..N { let s[i - 1] = if z[i] == z[0] then 1.0 else 0.0 }" }),
      ["label_use: z[i]", "label_use: z[0]"],
    ],
    [
      "labels into a fixed array",
      model({ rest: "for i in 0..N { let s[i] = v[z[i]] }" }),
      ["label_index: v[z[i]]"],
    ],
    [
      "a component that reads another",
      model({ plate: "mu[k] ~ Normal(0, 1); let d[k] = mu[0]" }),
      ["component_reads: mu[0]"],
    ],
    [
      "an observation in the plate",
      model({ plate: "mu[k] ~ Normal(0, 1); observe 1.0 ~ Normal(mu[k], 1)" }),
      ["unbounded_statement: observe 1.0 ~ Normal(mu[k], 1)"],
    ],
    [
      "a factor in the plate",
      model({ plate: "mu[k] ~ Normal(0, 1); factor mu[k]" }),
      ["unbounded_statement: factor mu[k]"],
    ],
    [
      "two plates",
      model({ before: "for j in 0.. { a[j] ~ Normal(0, 1) }" }),
      ["unbounded_twice: k"],
    ],
    [
      "a plate in a loop",
      "model m(G: int) { for g in 0..G { for k in 0.. { a[g, k] ~ Normal(0, 1) } } }",
      ["unbounded_nested: k"],
    ],
    [
      "a plate from 1",
      "model m() { for k in 1.. { a[k] ~ Normal(0, 1) } }",
      ["unbounded_start: 1"],
    ],
    [
      "two label statements",
      model({ rest: "for i in 0..N { u[i] ~ CRP(1) }" }),
      ["labels_twice: u[i] ~ CRP(1)"],
    ],
    ["a negative concentration", model({ labels: "z[i] ~ CRP(-1)" }), ["parameter_outside: -1"]],
    [
      "a concentration that changes",
      model({ labels: "z[i] ~ CRP(1 + i)" }),
      ["concentration_varies: 1 + i"],
    ],
    ["labels as a vector", model({ rest: "u ~ iid(CRP(1), N)" }), ["labels_place: CRP(1)"]],
    [
      "a label as the concentration",
      model({ labels: "z[i] ~ CRP(if i > 0 then 1.0 * z[0] else 1.0)" }),
      ["needs_type: z"],
    ],
    ["arguments", model({ labels: "z[i] ~ CRP(1, 2)" }), ["process_arguments: CRP(1, 2)"]],
    [
      "weights read",
      model({
        before: "w ~ StickBreaking(1)",
        labels: "z[i] ~ Categorical(w)",
        rest: "let s = w[0]",
      }),
      ["process_use: w"],
    ],
    [
      "weights that nothing draws from",
      model({ before: "w ~ StickBreaking(1)" }),
      ["process_draws: w"],
    ],
    [
      "a measure by let",
      "model m(N: int) { let G = DirichletProcess(1, Normal(0, 1)) }",
      ["labels_place: DirichletProcess(1, Normal(0, 1))"],
    ],
    [
      "a measure drawn from twice",
      `model m(N: int) {
      G ~ DirichletProcess(1, Normal(0, 1))
      for i in 0..N { a[i] ~ G; b[i] ~ G; x[i] ~ Normal(a[i], exp(b[i])) }
    }`,
      ["labels_twice: b[i] ~ G"],
    ],
    [
      "one measure for each i",
      `model m(N: int) {
      for i in 0..N { G[i] ~ DirichletProcess(1, Normal(0, 1)) }
    }`,
      ["labels_place: DirichletProcess(1, Normal(0, 1))"],
    ],
    ["sizes that cannot agree", model({ rest: "let s = mu + v" }), ["shape_mismatch: mu + v"]],
  ];
  test.each(wrong)("%s", (_, text, expected) => {
    expect(codes(text)).toEqual(expected);
  });
});
