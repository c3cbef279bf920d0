/** What modules, guides and objectives become: the model IR as text. */
import { describe, expect, test } from "vitest";
import { findGuide, findObjective } from "../../src/elaborate/find.js";
import { elaborate } from "../../src/elaborate/index.js";
import { printModel } from "../../src/model/print.js";
import { verifyModel } from "../../src/model/verify.js";
import { loadImport } from "../../src/run/sources.js";
import { parseSource } from "../../src/syntax/parse.js";

function elaborated(text: string) {
  const parsed = parseSource({ path: "test.ppl", text });
  const made = elaborate(parsed.ast, { loadImport });
  expect([...parsed.diagnostics, ...made.diagnostics]).toEqual([]);
  return made;
}

const vae = `import nn
model vae(N: int, D: int, d: int) {
  let decode = nn.mlp([d, 400, D], nn.relu)
  for i in 0..N { z[i] ~ iid(Normal(0, 1), d);  x[i] ~ Bernoulli(logits: decode(z[i])) }
}
guide encoder(N: int, D: int, d: int, x: real[N, D]) for vae {
  let body = nn.mlp([D, 400], nn.relu);  let mean = nn.dense(400, d);  let logsd = nn.dense(400, d)
  for i in 0..N { z[i] ~ Normal(mean(body(x[i])), exp(logsd(body(x[i])))) using reparam }
}`;

describe("modules", () => {
  test("params are named by the path to them and sized by the arguments", () => {
    const { models, guides } = elaborated(vae);
    const model = models.get("vae");
    const guide = guides.get("encoder");
    if (model === undefined || guide === undefined) throw new Error("not elaborated");
    verifyModel(model);
    verifyModel(guide.program);
    const params = (text: string): string[] =>
      text.split("\n").filter((l) => l.startsWith("  param"));
    expect(params(printModel(model))).toEqual([
      "  param decode.layers.0.w: real[d, 400] event 2 in real",
      "  param decode.layers.0.b: real[400] event 1 in real",
      "  param decode.layers.1.w: real[400, D] event 2 in real",
      "  param decode.layers.1.b: real[D] event 1 in real",
      "  param decode.layers.0.w = iid(Normal(mu: 0, sigma: sqrt(2 / (d + 400))), d, 400)",
      "  param decode.layers.0.b = real(fill(0, 400))",
      "  param decode.layers.1.w = iid(Normal(mu: 0, sigma: sqrt(2 / (400 + D))), 400, D)",
      "  param decode.layers.1.b = real(fill(0, D))",
    ]);
    expect(guide.model).toBe("vae");
    expect(printModel(guide.program)).toContain(" using reparam\n");
  });

  test("modules take functions, lambdas and modules, and lets of params are lets of the model", () => {
    const { models } = elaborated(`import nn
module scaled(n: int, f, s: positive = 2) {
  param w: real[n] = 1
  let v = w / sum(w)
  fn call(x: real[n]) = f(s * v * x)
  fn inverse(x: real[n]) = x / (s * v)
}
model m(D: int) {
  let f = scaled(D, x => x * x + 1)
  let g = nn.chain(scaled(D, tanh), nn.residual(nn.layer_norm(D)))
  let y = f(ones(D))
  let u = f.inverse(y) + f.w
  let h = g(y)
}`);
    const model = models.get("m");
    if (model === undefined) throw new Error("not elaborated");
    verifyModel(model);
    expect(model.variables.map((v) => `${v.role} ${v.name}`)).toEqual([
      "let y",
      "let u",
      "let h",
      "param f.w",
      "let f.v",
      "param g.first.w",
      "let g.first.v",
      "param g.second.f.scale",
      "param g.second.f.shift",
    ]);
  });
});

describe("objectives", () => {
  test("densities at draws are variables with the draws' axes", () => {
    const { objectives } = elaborated(`objective iwae(p, q, K: int = 5) {
  for k in 0..K { z[k] ~ q;  let w[k] = log_joint(p, z[k]) - log_prob(stop_gradient(q), z[k]) }
  return logsumexp(w) - log(K)
}`);
    const iwae = objectives.get("iwae");
    if (iwae === undefined) throw new Error("not elaborated");
    expect(iwae.programs).toEqual(["p", "q"]);
    expect(printModel(iwae.body)).toBe(`model iwae
  input K: int in int = 5
  let w: real[K] in real
  site log_joint(p, z): real[K] in real
  site log_prob(stop_gradient(q), z): real[K] in real
body
  for k in 0..K {
    let w[k] = log_joint(p, z)[k] - log_prob(stop_gradient(q), z)[k]
  }
`);
    expect(iwae.draws.map((d) => [d.name, d.program, d.frozen, d.loops.length])).toEqual([
      ["z", "q", false, 1],
    ]);
    expect(iwae.evaluations.map((e) => [e.kind, e.program, e.frozen, e.draw])).toEqual([
      ["log_joint", "p", false, "z"],
      ["log_prob", "q", true, "z"],
    ]);
  });

  test("an import brings its objectives and modules, qualified and plain", () => {
    const { models, objectives } = elaborated(`import objectives
import nn
model m() { let f = dense(2, 3);  let g = nn.dense(3, 2);  let y = g(f(ones(2))) }`);
    expect([...objectives.keys()]).toContain("elbo");
    expect(models.get("m")?.variables.map((v) => v.name)).toContain("f.w");
  });
});

test("guides and objectives are found by name, or where there is only one", () => {
  const made = elaborated(`${vae}
guide prior(N: int, d: int) for vae { for i in 0..N { z[i] ~ iid(Normal(0, 1), d) } }
model other() { x ~ Normal(0, 1) }
guide only() for other { x ~ Normal(0, 1) }
objective mine(p) { return log_prob(p, data) }`);
  expect(findGuide(made, "vae", "prior")?.program.name).toBe("prior");
  expect(findGuide(made, "other")?.program.name).toBe("only");
  expect(() => findGuide(made, "vae")).toThrow("has several guides");
  expect(() => findGuide(made, "other", "prior")).toThrow("no guide `prior` for the model `other`");
  expect(findObjective(made, "mine").name).toBe("mine");
  const library = elaborated("import objectives");
  expect(findObjective(made, "elbo", library).programs).toEqual(["p", "q"]);
  expect(() => findObjective(made, "elb", library)).toThrow("there is no objective `elb`");
});
