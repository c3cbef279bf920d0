/** The session's core: what entries mean, without a terminal. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { distributions } from "../../../src/distributions/index.js";
import { methodNames } from "../../../src/run/methods.js";
import { entriesOf } from "../../../src/run/repl/commands.js";
import { commandNames, sessionFunctions } from "../../../src/run/repl/names.js";
import { eightSchools, scratchFolder } from "../../helpers/cli.js";
import { coin, newSession, schools, schoolsData } from "./helpers.js";

const scratch = scratchFolder();

describe("expressions", () => {
  test.each([
    ["1 + 2", "3"],
    ["1 / 3", "0.3333333"],
    ["2^0.5 + 0", "1.414214"],
    ["1 < 2 && !false", "true"],
    ["-7 % 3", "2"],
    ["[1, 2, 3] * 2", "[2, 4, 6]"],
    ["[[1, 2], [3, 4]]", "[[1, 2],\n [3, 4]]"],
    ["[[1, 2], [3, 4]] @ [1, 1]", "[3, 7]"],
    ["[for i in 0..3, j in 0..2: i - j]", "[[0, -1],\n [1,  0],\n [2,  1]]"],
    ["sum(for i in 0..5: i)", "10"],
    ["if 1 < 2 then 3 else 4", "3"],
    ["Normal(0, 1).log_prob(0.3)", "-0.9639385"],
    ["Normal(0, 1).cdf(1.959963984540054)", "0.975"],
    ["Gamma(2, rate: 0.5).mean", "4"],
    ["Truncated(Normal(0, 1), lower: 0).log_prob(1)", "-0.7257914"],
    ["MvNormal([0, 0], eye(2)).log_prob([0, 0])", "-1.837877"],
    ["cholesky([[4, 2], [2, 3]])", "[[2,        0],\n [1, 1.414214]]"],
    ["median([3, 1, 2])", "2"],
    ["quantile([0, 10], 0.25)", "2.5"],
    ["zeros(0)", "[]"],
  ])("%s", async (entry, answer) => {
    expect(await newSession().say(entry)).toBe(answer);
  });

  test("long arrays show both ends", async () => {
    const text = await newSession().say("range(0, 1000)");
    expect(text).toMatch(/^\[0, 1, 2, .*, 49, …, 950, .*, 999\]$/);
  });

  test("read distributions of the text and solve differential equations", async () => {
    const session = newSession();
    await session.say("dist Half(a: real) on real { logpdf(x) = -a; mean = a / 2; sample = a }");
    expect(await session.say("Half(3).log_prob(1) + Half(3).mean")).toBe("-1.5");
    expect(await session.say("x ~ Half(4)")).toBe("x = 4");
    await session.say("fn decay(t: real, z: real, k: real) -> real = -k * z");
    // exp(-1) but for an error of the fourth power of a tenth.
    expect(await session.say("ode(decay, 1, 0, [1], 1, steps: 20)")).toMatch(/^\[0\.36787\d+\]$/);
  });

  test("read definitions, functions and imports", async () => {
    const { say } = newSession();
    expect(await say("x = 3; let y = [1, 2]")).toBe("x: int\ny: int[2]");
    expect(await say("x * y")).toBe("[3, 6]");
    await say("fn area(r) = 2 * r^2");
    expect(await say("area(y)")).toBe("[2, 8]");
    await say("import gp");
    expect(await say("gp.matern52([0, 1], 1, 1, 0)[0, 0]")).toBe("1");
    expect(await say("zeros(x)")).toBe("[0, 0, 0]");
  });

  test("definitions keep the values they were made of", async () => {
    const { say } = newSession();
    await say("s = 2; d = Normal(0, s); t = s + 1");
    await say("s = 5");
    expect(await say("t")).toBe("3");
    expect(await say("d.log_prob(0)")).toBe(await say("Normal(0, 2).log_prob(0)"));
    // Another `s` beside the one in `d`.
    expect(await say("d.log_prob(0) - Normal(0, s).log_prob(0)")).toBe(String(0.9162907));
  });

  test("a `;` at the end shows nothing, one in between separates", async () => {
    const { say } = newSession();
    expect(await say("1 + 1;")).toBe("");
    expect(await say("1; 2")).toBe("1\n2");
    expect(await say("1; 2;")).toBe("1");
    expect(await say("1;\n2")).toBe("2");
  });
});

describe("errors", () => {
  test.each([
    ["nope + 1", "<1>:1:1: error: `nope` is not defined"],
    ["nope + 1", "help: define it: `nope = …`"],
    ["model m(k: int) { a ~ Normal(k, 1) }; infer(m)", "help: define it, `k = …`, or give it"],
    ["1 + [1, 2] + [1, 2, 3]", "<1>:1:1: error: `+` mixes int[2] and int[3]"],
    ["Nomral(0, 1).mean", "help: did you mean `Normal`?"],
    ["Normal(0, -1).log_prob(0)", "<1>:1:11: error: `sigma` of `Normal` must be positive"],
    ["[1, 2][5]", "error: "],
    ["x = )", "error: "],
    ["observe 1 ~ Normal(0, 1)", "`observe` has no meaning outside a model"],
    ["param w: real", "`param` has no meaning outside a model"],
    [":nope", "there is no command `:nope`"],
    [":tpye 1", "did you mean `:type`?"],
    [":load", "write `:load FILE`"],
    ["infer(1)", "`1` is a value, but a model is wanted here"],
    ["quantile([1], 2)", "`2` must be probabilities from 0 to 1"],
  ])("%s", async (entry, answer) => {
    const { session, say } = newSession();
    expect(await say(entry)).toContain(answer);
    expect((await session.run(entry)).ok).toBe(false);
  });

  test("a value out of its domain is an error only where it is one", async () => {
    const { say } = newSession();
    await say("s = 0 - 1; z = 0.0");
    expect(await say("Normal(0, s).log_prob(0)")).toContain("must be positive");
    // No doubt about a value that is known.
    await say("v = [0.5, 2]");
    expect(await say("Normal(0, v[0]).log_prob(0)")).toBe("-0.2257914");
  });

  test("point into the line that is at fault", async () => {
    const { say } = newSession();
    await say("fit = map(m)");
    const text = await say("1 +\n  bad");
    expect(text).toContain("<2>:2:3: error: `bad` is not defined");
    expect(text).toContain("  2 |   bad\n    |   ^~~");
  });

  test("a declaration with errors changes nothing", async () => {
    const { say } = newSession();
    await say("fn f(x: real) = x + 1");
    expect(await say("fn f(x: real) = x + y")).toContain("`y` is not defined");
    expect(await say("f(1)")).toBe("2");
  });

  test("a new function that breaks a model says so", async () => {
    const { say } = newSession();
    await say("fn f(x) = x + 1");
    await say("model m() { a ~ Normal(f(0), 1) }");
    expect(await say("fn f(x, y) = x + y")).toContain("`m` no longer compiles");
  });

  test("statements before the one that fails have run", async () => {
    const { say } = newSession();
    await say("a = 1; b = nope");
    expect(await say("a")).toBe("1");
  });
});

describe("draws at the prompt", () => {
  test("differ from each other and repeat with the seed", async () => {
    const { say } = newSession();
    const first = [await say("x ~ Normal(0, 1)"), await say("x ~ Normal(0, 1)")];
    expect(first[0]).not.toBe(first[1]);
    await say(":seed 1");
    expect([await say("x ~ Normal(0, 1)"), await say("x ~ Normal(0, 1)")]).toEqual(first);
    await say(":seed 2");
    expect(await say("x ~ Normal(0, 1)")).not.toBe(first[0]);
  });

  test("of shapes, in loops, of named distributions", async () => {
    const { say } = newSession();
    await say("z: real[3] ~ Normal(0, 1)");
    expect(await say(":shape z")).toBe("[3]");
    await say("for i in 0..4 { w[i] ~ Bernoulli(0.5) }");
    expect(await say(":type w")).toBe("bool[4]");
    await say("d = Dirichlet([1, 1, 1])");
    await say("p ~ d");
    expect(Math.abs(Number(await say("sum(p)")) - 1)).toBeLessThan(1e-6);
    await say("for i in 1..4 { let f[0] = 1; let f[i] = f[i - 1] * i }");
  });

  test("sample gives independent draws of the right law", async () => {
    const { number } = newSession();
    // 4000 draws: standard errors 0.016 and 0.011; five of them.
    expect(Math.abs((await number("mean(sample(Normal(3, 1), 4000))")) - 3)).toBeLessThan(0.08);
    expect(Math.abs((await number("sd(sample(Normal(3, 1), 4000))")) - 1)).toBeLessThan(0.056);
  });
});

describe("fits", () => {
  test("of a conjugate model are what is known, by every way to ask", async () => {
    const { say, number } = newSession();
    await say(coin);
    await say("n = 10; k = 7");
    await say("fit = exact(coin, draws: 4000);");
    // Beta(8, 4): mean 2/3, sd 0.1307.
    expect(Math.abs((await number("mean(fit.p)")) - 2 / 3)).toBeLessThan(0.0104);
    expect(Math.abs((await number("sd(fit.p)")) - 0.13074)).toBeLessThan(0.0075);
    const above = 1 - Number(await say("Beta(8, 4).cdf(0.5)"));
    expect(Math.abs((await number("mean(fit.p > 0.5)")) - above)).toBeLessThan(0.026);
    expect(await say("fit.summary")).toMatch(/^ *mean .*\np +0\.6[5-8]/);
    await say("by_nuts = infer(coin, method: nuts(draws: 400, chains: 2));");
    expect(Math.abs((await number("mean(by_nuts.p)")) - 2 / 3)).toBeLessThan(0.04);
    expect(await say(":shape by_nuts.p")).toBe("a scalar, 2 × 400 draws");
    expect(await number("map(coin).p")).toBeCloseTo(0.7, 5);
  });

  test("expressions over draws are computed draw by draw", async () => {
    const { say, number } = newSession();
    await say(schools);
    await say(schoolsData);
    await say("fit = nuts(schools, draws: 100, chains: 2, warmup: 300);");
    expect(await say(":type fit.theta")).toBe("real[8], 200 draws");
    expect(await say(":type fit.theta[0] > 0")).toBe("bool, 200 draws");
    expect(await number("mean(fit.theta[0] - (fit.mu + fit.tau * fit.eta[0]))")).toBeCloseTo(0, 10);
    expect(await number("mean(sum(fit.eta) - sum(for j in 0..8: fit.eta[j]))")).toBeCloseTo(0, 10);
    // Jensen: the mean of the squares is the square of the mean plus the variance (n − 1).
    const square = await number("mean(fit.mu^2)");
    const by = await number("mean(fit.mu)^2 + variance(fit.mu) * 199 / 200");
    expect(square / by).toBeCloseTo(1, 5);
    expect(await say("[for j in 0..8: mean(fit.theta[j])]")).toBe(await say("mean(fit.theta)"));
    expect(await say("[for j in 2..5: sd(fit.theta[j] - fit.theta[0])][1]")).toBe(
      await say("sd(fit.theta[3] - fit.theta[0])"),
    );
    expect(await say("[for i in 0..3, j in 0..i: mean(fit.theta[j])]")).toContain("depends on");
    await say("best = max(fit.theta)");
    expect(await number("median(best)")).toBeGreaterThan(await number("median(fit.mu)"));
    expect(await say("fit.theta[0]")).toContain("rhat");
    expect(await say("new ~ Normal(fit.mu, fit.tau)")).toBe("new: real, 200 draws");
    expect(await say("new + sample(Normal(0, 1), 10)")).toContain("one number of draws");
  });

  test("are given the session's values, or those of condition", async () => {
    const { say } = newSession();
    await say(schools);
    await say(schoolsData);
    expect(await say("infer(schools, draws: 100, chains: 1)")).toContain(
      "schools given J, sigma, y: nuts, 1 × (1000 + 100) draws, seed 1",
    );
    const bare = await say("infer(condition(schools), draws: 100, chains: 1)");
    expect(bare).toContain("schools given J, sigma: nuts");
    expect(bare).toContain("y[7]");
    expect(await say("condition(schools, z: 1)")).toContain("`schools` takes no `z`");
    expect(await say("infer(condition(schools, y: y[..3], sigma: sigma[..3]))")).toContain(
      "theta[2]",
    );
    expect(await say("sigma = [1]; infer(schools)")).toMatch(/error: .*`?J`?/);
  });

  test("predict over the data and over new inputs", async () => {
    const { say } = newSession();
    await say("model line(N: int, x: real[N]) { a ~ Normal(0, 1); y ~ Normal(a * x, 0.1) }");
    await say("x = [1, 2, 3]; y = [2.1, 3.9, 6]");
    await say("fit = exact(line);");
    expect(await say("p = predict(fit)")).toBe("p.y: real[3], 4000 draws");
    expect(Math.abs(Number(await say("mean(fit.predict(x: [10]).y)[0]")) - 20)).toBeLessThan(0.2);
    expect(await say("predict(fit, z: 1)")).toContain("`predict` takes no `z`");
  });

  test("have members, and say what they lack", async () => {
    const { say } = newSession();
    await say(coin);
    await say("n = 10; k = 7; fit = exact(coin)");
    expect(await say("fit.names")).toBe("p");
    expect(await say("fit.method")).toBe("exact");
    expect(await say("fit.warnings")).toBe("no warnings");
    expect(await say("fit.q")).toContain("`fit` is a fit and has no `q`");
    expect(await say("fit + 1")).toContain("`fit` is a fit, but a number or an array is wanted");
    expect(await say("fit.plto()")).toContain("did you mean `plot(…)`?");
    expect(await say(`fit.save("${scratch.path}/fit")`)).toContain("summary.json");
    expect(readFileSync(join(scratch.path, "fit/summary.json"), "utf8")).toContain('"p"');
  });

  test("options are checked by the methods, in the language's spelling", async () => {
    const { say } = newSession();
    await say(coin);
    await say("n = 10; k = 7");
    expect(await say("infer(coin, target_acept: 0.9)")).toContain("target_accept");
    expect(await say("infer(coin, draws: 0)")).toContain("`draws`");
    expect(await say('infer(coin, method: "nutz")')).toContain("`method`");
    expect(await say("infer(coin, seed: -1)")).toContain("a whole number of at least 0");
    expect(await say("m = hmc(integration_time: 2); m")).toContain("hmc(");
    expect(await say("vi(coin, guide: full_rank, steps: 200)")).toContain("coin given n, k: vi");
    expect(await say("gibbs(coin, draws: 100, sites: table(p: slice))")).toContain("gibbs");
  });

  test("of discrete sites tell probabilities", async () => {
    const { say } = newSession();
    await say("model two() { z ~ Bernoulli(0.25); x ~ Normal(if z then 1 else 0, 1) }");
    await say("x = 0.5; fit = enumerate(two);");
    // Equally likely on both sides of the middle: the prior stays.
    expect(await say("marginals(fit, z)")).toBe("[0.75, 0.25]");
    expect(await say("most_probable(fit, z)")).toBe("0");
  });
});

describe("pictures", () => {
  test("of every kind of value", async () => {
    const { say } = newSession();
    await say(schools);
    await say(schoolsData);
    await say("fit = nuts(schools, draws: 100, chains: 1);");
    expect(await say("plot(fit.mu)")).toContain("█");
    expect((await say("plot(fit.theta)")).split("\n").length).toBe(10);
    expect((await say("plot(fit, mu, tau)")).match(/●/g)?.length).toBe(2);
    expect(await say("fit.plot()")).toContain("theta[7]");
    expect(await say("plot(Normal(0, 1))")).toContain("0.399");
    expect(await say("plot(Poisson(3))")).toContain("█");
    expect(await say("plot(y, sigma)")).toMatch(/[\u2801-\u28ff]/);
    expect(await say("plot(fit.mu, kind: trace)")).toMatch(/[\u2801-\u28ff]/);
    expect(await say("plot(fit.mu, kind: pie)")).toContain("error");
    expect(await say("plot(schools)")).toContain("`schools` is a model");
    expect(await say("plot([1, 1])")).toBe("all values are 1");
  });
});

describe("commands", () => {
  test("`:type` and `:shape` say what expressions are", async () => {
    const { say } = newSession();
    await say("y = [1, 2]");
    expect(await say(":type y / 2")).toBe("real[2]");
    expect(await say(":type Normal(0, 1)")).toContain("a distribution of real");
    expect(await say(":shape [[1, 2]]")).toBe("[1, 2]");
    expect(await say(":shape 1")).toBe("a scalar");
    expect(await say(":type y + nope")).toContain("<6>:1:11: error: `nope` is not defined");
  });

  test("`:explain`, `:methods` and `:ir` show a model with the session's data", async () => {
    const { say } = newSession();
    await say(coin);
    await say("n = 10; k = 7");
    expect(await say(":explain coin")).toMatch(/p: unit +latent, 1 number by logistic/);
    expect(await say(":explain coin gibbs")).toContain("gibbs:");
    expect(await say(":explain condition(coin)")).not.toContain("observed");
    expect(await say(":methods coin")).toMatch(/exact +works/);
    expect(await say(":methods")).toBe(methodNames.join(", "));
    expect(await say(":ir coin")).toContain("model coin");
    for (const stage of ["graph", "grad", "kernel", "wat"]) {
      expect((await say(`:ir coin ${stage}`)).length).toBeGreaterThan(20);
    }
    expect(await say(":ir coin nope")).toContain("error");
  });

  test("`:doc` knows every distribution, method, function of the session and command", async () => {
    const { say } = newSession();
    const names = [
      ...Object.keys(distributions),
      ...methodNames,
      ...Object.keys(sessionFunctions),
      ...commandNames.map((n) => `:${n}`),
      "exp",
      "inv_logit",
    ];
    for (const name of names) {
      const text = await say(`:doc ${name}`);
      expect(text, name).not.toContain("error:");
      expect(text.length, name).toBeGreaterThan(5);
    }
    expect(await say(":doc Normal")).toContain("exp(−z²/2) / (σ √2π)");
    await say("/// Twice.\nfn twice(x) = 2 * x");
    expect(await say(":doc twice")).toBe("fn twice(x)\nTwice.");
    await say("import gp");
    expect(await say(":doc gp.matern52")).toContain("fn matern52(");
    expect(await say(":doc nope")).toContain("error");
  });

  test("`:load` takes a model's file and `:data` its data", async () => {
    const { say } = newSession();
    const [model, , data] = eightSchools;
    expect(await say(`:load ${model}`)).toContain("model eight_schools(");
    expect(await say(`:data ${data}`)).toContain("y: int[8]");
    expect(await say("map(eight_schools).mu")).toMatch(/^\d/);
    const csv = scratch.file("d.csv", "x,word,gap\n1.5,a,1\n2.5,b,\n");
    const text = await say(`:data ${csv}`);
    expect(text).toContain("x: real[2]");
    expect(text).toContain("`word`");
    expect(await say("gap")).toBe("[1, missing]");
    expect(await say(":load nothing.ppl")).toContain("there is no such file");
  });

  test("`:save` writes what `:load` makes the same session of", async () => {
    const path = join(scratch.path, "session.txt");
    const one = newSession();
    await one.say("/// The coin.\nmodel coin(n: int) {\n  p ~ Beta(1, 1)\n  k ~ Binomial(n, p)\n}");
    await one.say("n = 10; k = 7");
    await one.say("1 + 1");
    await one.say("x ~ Normal(0, 1)");
    await one.say("broken = nope");
    await one.say(`:save ${path}`);
    const two = newSession();
    await two.say(`:load ${path}`);
    for (const entry of ["x", "n + k", "map(coin).p", ":doc coin"]) {
      expect(await two.say(entry)).toBe(await one.say(entry));
    }
    expect(readFileSync(path, "utf8")).not.toMatch(/1 \+ 1|nope/);
  });

  test("`:list`, `:history`, `:reset`, `:quit`, `:help`", async () => {
    const { session, say } = newSession();
    expect(await say(":list")).toBe("nothing is defined");
    await say("y = [1, 2]");
    expect(await say(":list")).toBe("y  int[2]");
    expect(await say(":history 2")).toBe("3  :list\n4  :history 2");
    await say(":reset");
    expect(await say(":list")).toBe("nothing is defined");
    expect((await session.run(":quit")).quit).toBe(true);
    const help = await say(":help");
    for (const name of commandNames) expect(help).toContain(`:${name}`);
  });
});

describe("redefinition", () => {
  test("a later model, value or function takes the place of an earlier one", async () => {
    const { say } = newSession();
    await say("model a() { x ~ Normal(0, 1) }");
    await say("model a() { x ~ Normal(5, 1) }");
    expect(await say("map(a).x")).toBe("5");
    await say("a = 3");
    expect(await say("a")).toBe("3");
    await say("model a() { x ~ Normal(6, 1) }");
    expect(await say("map(a).x")).toBe("6");
  });

  test("names of methods and functions are free for values", async () => {
    const { say } = newSession();
    await say("map = 3");
    expect(await say("map + 1")).toBe("4");
    await say("fn plot(x) = x + 1");
    expect(await say("plot(1)")).toBe("2");
  });
});

describe("stopping", () => {
  test("an inference keeps the session", async () => {
    const { session, say } = newSession();
    await say(schools);
    await say(schoolsData);
    const stop = new AbortController();
    const run = session.run("fit = infer(schools, draws: 100000, thin: 100)", {
      stop: stop.signal,
      watch: () => ({
        onProgress: ({ phase }) => {
          if (phase === "sampling") stop.abort();
        },
      }),
    });
    const { outputs } = await run;
    expect(outputs.map((o) => o.kind)).toContain("fit");
    expect(await say("mean(fit.mu) < 100")).toBe("true");
  });

  test("an evaluation over draws ends too", async () => {
    const { session, say } = newSession();
    await say("x = sample(Normal(0, 1), 2000)");
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    const answer = await session.run("sum(for i in 0..100000: sin(x * i))", { stop: stop.signal });
    expect(answer.ok).toBe(false);
    expect(await say("1")).toBe("1");
  });
});

test("entries of a script are as long as each needs", () => {
  const script = "x = [1,\n  2]\n\n:type x\nmodel m()\n{\n  a ~ Normal(0,\n    1)\n}\nx +\n1\n";
  expect([...entriesOf(script)]).toEqual([
    "x = [1,\n  2]",
    ":type x",
    "model m()\n{\n  a ~ Normal(0,\n    1)\n}",
    "x +\n1",
  ]);
});
