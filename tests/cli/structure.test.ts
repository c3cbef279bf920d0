/** `tilde run` and `tilde explain` with the methods that exploit structure. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { methodList } from "../../src/cli/main.js";
import { methodNames } from "../../src/run/methods.js";
import { scratchFolder, tilde } from "../helpers/cli.js";

const scratch = scratchFolder();
const mixture = scratch.file(
  "mixture.ppl",
  `model mixture(N: int) {
  pi ~ Beta(2, 2)
  for i in 0..N { z[i] ~ Bernoulli(pi); y[i] ~ Normal(if z[i] then 3.0 else 0.0, 1) }
}`,
);
const points = scratch.file(
  "points.ppl",
  `model points(N: int) {
  param m: real
  param s: positive
  for i in 0..N { y[i] ~ Normal(m, s) }
}`,
);
const data = scratch.file("data.json", JSON.stringify({ N: 4, y: [-0.2, 1.4, 2.9, 3.3] }));

describe("tilde run", () => {
  test("the help lists every method", () => {
    const named = methodList.replace(" or ", ", ").split(/,\s*/);
    expect([...named].sort()).toEqual([...methodNames].sort());
  });

  test("a process: how many clusters, in a line", async () => {
    const galaxies = join(import.meta.dirname, "../../examples/galaxies");
    const files = [join(galaxies, "model.ppl"), "--data", join(galaxies, "data.json")];
    const { out } = await tilde("run", ...files, "--method", "cavi", "--vars", "alpha");
    expect(out).toMatch(/\nclusters: 3\.\d+ on average, 3 to 3 with 90 %; most often 3 \(1\.00\)/);
  });

  test("gibbs: a table, integers in draws.csv, no divergences", async () => {
    const out = join(scratch.path, "out");
    const quick = ["--draws", "300", "--warmup", "50", "--chains", "2", "--out", out];
    const ran = await tilde("run", mixture, "--data", data, "--method", "gibbs", ...quick);
    expect(ran.out).toMatch(/^mixture: Gibbs sampling, 2 × \(50 \+ 300\) draws, seed 1\n/);
    expect(ran.out).toMatch(/\nz\[3\]/);
    expect(ran.out.trimEnd().split("\n").at(-1)).toMatch(/^largest R-hat /);
    const lines = readFileSync(join(out, "draws.csv"), "utf8").trim().split("\n");
    const header = lines.find((l) => l.startsWith("chain__"))?.split(",") ?? [];
    expect(lines.at(-1)?.split(",")[header.indexOf("z[0]")]).toMatch(/^[01]$/);
  });

  test("em: points with standard errors by --option", async () => {
    const args = ["--method", "em", "--option", "standardErrors=true"];
    const { out, code } = await tilde("run", points, "--data", data, ...args);
    expect(code).toBe(0);
    expect(out).toMatch(/^points: expectation–maximisation, log likelihood -/);
    const lines = out.split("\n");
    const header = lines.findIndex((l) => /\bmean\b/.test(l));
    expect(lines[header].trim().split(/\s+/)).toEqual(["mean", "se"]);
    const [name, mean, se] = lines[header + 1].split(/\s+/);
    const y = [-0.2, 1.4, 2.9, 3.3];
    const average = y.reduce((a, b) => a + b, 0) / 4;
    const variance = y.reduce((a, b) => a + (b - average) ** 2, 0) / 4;
    expect(name).toBe("m");
    expect(Number(mean)).toBeCloseTo(average, 2);
    expect(Number(se)).toBeCloseTo(Math.sqrt(variance / 4), 2);
  });

  test("options are JSON or words, by either spelling, and checked", async () => {
    const run = (...args: string[]) => tilde("run", mixture, "--data", data, ...args);
    const cavi = ["--method", "cavi", "--option"];
    expect((await run(...cavi, "max-iterations=3", "--json")).out).toContain('"iterations": 3');
    const wrong = await run(...cavi, "tolerance=small");
    expect(wrong.code).toBe(1);
    expect(wrong.err).toContain('--tolerance is "small"');
    expect((await run(...cavi, "tolerence=1e-3")).err).toContain("did you mean");
    expect((await run(...cavi, "tolerance")).err).toContain("KEY=VALUE");
    expect((await run(...cavi, 'joint=[["pi","pi"]]')).err).toContain("named twice");
  });

  test("what a method refuses names the site, the reason and methods that work", async () => {
    const { code, err } = await tilde("run", mixture, "--data", data, "--method", "exact");
    expect(code).toBe(1);
    expect(err).toMatch(/`z` has no closed form: it is discrete/);
    expect(err).toMatch(/methods that work for this model and data: nuts, .*gibbs/);
    const params = await tilde("run", points, "--data", data);
    expect(params.err).toMatch(/the param `m` has no prior/);
    expect(params.err).toMatch(/methods that work for this model and data: .*em/);
  });

  test("--vars takes single elements", async () => {
    const args = ["run", mixture, "--data", data, "--method", "cavi", "--json", "--vars"];
    const { variables } = JSON.parse((await tilde(...args, "z[2], pi")).out);
    expect(Object.keys(variables)).toEqual(["z[2]", "pi"]);
    const wrong = await tilde(...args, "z[4]");
    expect(wrong.code).toBe(1);
    expect(wrong.err).toContain("counted from 0");
  });

  test("mistakes in data files", async () => {
    const missing = await tilde("run", mixture, "--data", join(scratch.path, "none.json"));
    expect(missing.err).toContain("there is no such file");
    expect(missing.err).toContain("check the path");
    const semicolons = scratch.file("semi.csv", "x;y\n1,5;2\n");
    expect((await tilde("run", mixture, "--data", semicolons)).err).toContain("semicolons");
    const broken = scratch.file("broken.json", '{\n  "N": 4,\n  "y": [1, 2,]\n}');
    expect((await tilde("run", mixture, "--data", broken)).err).toContain("line 3, column 14");
  });
});

describe("tilde explain", () => {
  test("shows the blocks of a method and a table of all methods", async () => {
    const { out } = await tilde("explain", mixture, "--data", data, "--method", "gibbs");
    expect(out).toContain("pi: Beta conditional");
    expect(out).toMatch(/\n {2}nuts +works\n/);
    expect(out).toMatch(/\n {2}exact +no: .*`z`/);
    const json = await tilde("explain", points, "--data", data, "--method", "em", "--json");
    const plan = JSON.parse(json.out) as { steps: string[]; methods: { works: boolean }[] };
    expect(plan.steps.join()).toContain("M-step");
    expect(plan.methods.some((m) => m.works)).toBe(true);
  });

  test("says why a method cannot", async () => {
    const { code, err } = await tilde("explain", mixture, "--data", data, "--method", "exact");
    expect(code).toBe(1);
    expect(err).toContain("methods that work");
  });
});
