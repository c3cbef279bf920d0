/** `tilde run` in this process: methods, data, variables, and what it says of mistakes. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { eightSchools, scratchFolder, tilde } from "../helpers/cli.js";

const scratch = scratchFolder();

const linear = scratch.file(
  "linear.ppl",
  `model linear(N: int, x: real[N], weight: positive[N], kind: int[N], scale: between(0, 10)) {
  a ~ Normal(0, 10)
  s ~ HalfNormal(5)
  for n in 0..N { y[n] ~ Normal(a * x[n], s * scale / weight[n]) }
  for n in 0..N { hits[n] ~ Poisson(3) }
  for n in 0..N { t[n] ~ Exponential(1) }
}`,
);
const good = {
  N: 4,
  x: [1, 2, 3, 4],
  weight: [1, 1, 1, 1],
  kind: [0, 1, 0, 1],
  scale: 1,
  y: [1.1, 2.2, 2.9, 4.1],
  hits: [1, 2, 3, 4],
  t: [1, 2, 3, 4],
};

let files = 0;
function dataFile(values: object): string {
  files += 1;
  return scratch.file(`data${files}.json`, JSON.stringify(values));
}

const quick = ["--warmup", "200", "--draws", "250"];

async function runJson(...args: string[]) {
  const { code, out, err } = await tilde("run", ...args, "--json");
  return { code, err, summary: JSON.parse(out) };
}

describe("tilde run", () => {
  test("prints a table with a histogram for each variable", async () => {
    const { code, out } = await tilde("run", ...eightSchools);
    expect(code).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toBe("eight_schools: NUTS, 4 × (1000 + 1000) draws, seed 1");
    const header = lines.findIndex((l) => l.includes("ess_bulk"));
    expect(lines[header].trim().split(/\s+/)).toEqual(
      "mean sd mcse 5% 50% 95% ess_bulk ess_tail rhat".split(" "),
    );
    const rows = lines.slice(header + 1, header + 19);
    expect(rows.map((l) => l.split(" ")[0])).toContain("theta[7]");
    for (const row of rows) expect(row).toMatch(/[▁▂▃▄▅▆▇█ ]{12}$/);
    // Numbers line up: every row's columns end where the header's do.
    const end = lines[header].indexOf("mean") + 4;
    for (const row of rows) expect(row.slice(end, end + 2)).toBe("  ");
    expect(lines.at(-1)).toMatch(/^\d+ divergent, largest R-hat 1\.\d{3}, smallest bulk ESS \d+$/);
  });

  test("the seed decides the draws", async () => {
    const means = async (seed: string) => {
      const { summary } = await runJson(...eightSchools, ...quick, "--seed", seed);
      return summary.variables;
    };
    const [one, again, other] = [await means("7"), await means("7"), await means("8")];
    expect(again).toEqual(one);
    expect(other.mu.mean).not.toBe(one.mu.mean);
  });

  test("--vars chooses, in its order; unknown names are told before the run", async () => {
    const { summary } = await runJson(...eightSchools, ...quick, "--vars", "theta, mu");
    expect(Object.keys(summary.variables)).toEqual([
      ...Array.from({ length: 8 }, (_, j) => `theta[${j}]`),
      "mu",
    ]);
    const wrong = await tilde("run", ...eightSchools, "--vars", "thet", "--draws", "1000000");
    expect(wrong.code).toBe(1);
    expect(wrong.err).toContain("the model defines no `thet`");
    expect(wrong.err).toContain("did you mean `theta`?");
  });

  test.each(["hmc", "map", "laplace", "prior"])("--method %s", async (method) => {
    const flags = method === "hmc" ? quick : [];
    const { code, summary } = await runJson(...eightSchools, ...flags, "--method", method);
    expect(summary.method).toBe(method);
    expect(Number.isFinite(summary.variables["theta[0]"].mean)).toBe(true);
    // The mode of tau is at its boundary, where no normal approximates the posterior.
    if (method === "prior") expect(code).toBe(0);
    if (method === "map") expect(Object.keys(summary.variables.mu)).toEqual(["mean"]);
    if (method === "prior") expect(Object.keys(summary.variables)).toContain("y[3]");
  });

  test("data from JSON and CSV together; later files win", async () => {
    const table = scratch.file(
      "table.csv",
      "x,weight,kind,y,hits,t,label\n1,1,0,1.1,1,1,p\n2,1,1,2.2,2,2,q\n3,1,0,2.9,3,3,r\n4,1,1,4.1,4,4,s\n",
    );
    const scalars = dataFile({ scale: 5, N: 4 });
    const later = dataFile({ scale: 1 });
    const separate = await runJson(
      linear,
      ...["--data", table, "--data", scalars, "--data", later],
      ...quick,
    );
    const together = await runJson(linear, "--data", dataFile(good), ...quick);
    expect(separate.summary.variables).toEqual(together.summary.variables);
    // A column of text that the model does not use is no problem.
    expect(separate.err).toBe("");
  });

  test("a missing observation is imputed and reported by its element", async () => {
    const data = dataFile({ ...good, y: [1.1, 2.2, null, 4.1] });
    const { summary } = await runJson(linear, "--data", data, "--draws", "1000");
    expect(Object.keys(summary.variables)).toEqual(["a", "s", "y[2]"]);
    const { mean, mcse_mean } = summary.variables["y[2]"];
    const { mean: slope } = summary.variables.a;
    // E[y2] = 3 E[a]; both have errors, of a the larger by the factor 3.
    expect(Math.abs(mean - 3 * slope)).toBeLessThan(
      4 * Math.hypot(mcse_mean, 3 * summary.variables.a.mcse_mean),
    );
  });

  test("--out writes imputed elements as columns and makes folders", async () => {
    const out = `${scratch.path}/deep/er`;
    const data = dataFile({ ...good, y: [1.1, null, 2.9, null] });
    await tilde("run", linear, "--data", data, ...quick, "--out", out, "--json");
    const lines = readFileSync(`${out}/draws.csv`, "utf8").split("\n");
    expect(lines.find((l) => !l.startsWith("#"))).toBe("chain__,draw__,lp__,a,s,y[1],y[3]");
  });

  test("a fit that its diagnostics speak against ends with code 2", async () => {
    const { code, err, out } = await tilde(
      "run",
      ...eightSchools,
      "--warmup",
      "5",
      "--draws",
      "20",
    );
    expect(code).toBe(2);
    expect(err).toContain("warning: ");
    expect(err).toContain("help: ");
    expect(out).toContain("mu");
  });

  test("a name in the data that the model lacks is a warning", async () => {
    const data = dataFile({ ...good, wieght: [1, 2] });
    const { err } = await tilde("run", linear, "--data", data, ...quick);
    expect(err).toContain("the data's `wieght` is neither an input nor a site of the model");
  });
});

/** What is wrong with the data, and what must be said of it. */
const wrongData: readonly (readonly [what: string, data: object, ...says: string[]])[] = [
  ["a missing input", { ...good, x: undefined }, "has no value for the input `x: real[N]`"],
  ["a wrong rank", { ...good, x: [[1], [2], [3], [4]] }, "`x` is a list of lists", "a list"],
  ["a number for a list", { ...good, x: 3 }, "`x` is a single number"],
  ["a wrong size", { ...good, y: [1, 2, 3] }, "`y` has 3 entries", "= 4"],
  ["sizes that disagree", { ...good, x: [1, 2, 3] }, "the size `N`", "3 by `x`"],
  ["a fraction for an int", { ...good, kind: [0, 1.5, 0, 1] }, "kind[1] = 1.5"],
  ["a fraction for a count", { ...good, hits: [1, 2.5, 3, 4] }, "hits[1] = 2.5"],
  ["outside the support", { ...good, weight: [1, -2, 1, 1] }, "weight[1] = -2", "positive"],
  ["outside an interval", { ...good, scale: 11 }, "scale = 11"],
  ["an observation outside", { ...good, t: [1, 2, -3, 4] }, "t[2] = -3"],
  ["a count below zero", { ...good, hits: [1, 2, 3, -4] }, "hits[3] = -4"],
  ["ragged lists", { ...good, x: [1, [2, 3], 3, 4] }, "`x`", "[1]"],
  ["text", { ...good, x: [1, 2, "three", 4] }, '`x` holds the text "three" at [2]'],
  ["an object", { ...good, x: { a: 1 } }, "`x` holds an object at the top"],
  ["null in an input", { ...good, x: [1, null, 3, 4] }, "x[1] is missing", "is an input"],
  ["null in a count", { ...good, hits: [1, null, 3, 4] }, "hits[1] is missing", "discrete"],
  [
    "two mistakes at once",
    { ...good, t: [1, 2, -3, 4], weight: [0, 1, 1, 1] },
    "t[2] = -3",
    "weight[0] = 0",
  ],
];

describe("wrong data", () => {
  test.each(wrongData)("%s", async (...given) => {
    const [, data, ...says] = given as unknown as (typeof wrongData)[number];
    const { code, out, err } = await tilde("run", linear, "--data", dataFile(data));
    expect({ code, out }).toEqual({ code: 1, out: "" });
    for (const text of says) expect(err).toContain(text);
    expect(err).toContain("help: ");
    expect(err).not.toMatch(/internal error|\n +at /);
  });

  test("files that are no data", async () => {
    const expectations: readonly (readonly [string, string])[] = [
      [`${scratch.path}/absent.json`, "there is no such file"],
      [scratch.path, "it is a folder"],
      [scratch.file("half.json", '{"N": 3,\n "x": [1, '), "it is not JSON"],
      [scratch.file("list.json", "[1, 2]"), "does not hold an object"],
      [scratch.file("empty.csv", ""), "it is empty"],
      [scratch.file("short.csv", "x,y\n1,2\n3\n"), "short.csv"],
      [scratch.file("twice.csv", "x,x\n1,2\n3,4\n"), "two columns are named `x`"],
    ];
    for (const [path, says] of expectations) {
      const { code, err } = await tilde("run", linear, "--data", path);
      expect(code).toBe(1);
      expect(err).toContain(says);
      expect(err).not.toMatch(/internal error|\n +at /);
    }
  });

  test("lists nested without end are a diagnostic", async () => {
    const deep = `${"[".repeat(5000)}1${"]".repeat(5000)}`;
    const path = scratch.file("deep.json", `{"N": 4, "x": ${deep}}`);
    const { code, err } = await tilde("run", linear, "--data", path);
    expect(code).toBe(1);
    expect(err).toContain("`x` nests lists more than 16 deep");
  });
});

describe("wrong options", () => {
  const cases: readonly (readonly [flags: string[], says: string])[] = [
    [["--chains", "0"], "--chains is 0"],
    [["--chains", "2.5"], "must be a whole number"],
    [["--warmup", "-1"], "--warmup is -1"],
    [["--draws", "many"], "must be a whole number"],
    [["--seed", "-3"], "--seed is -3"],
    [["--threads", "0"], "--threads is 0"],
    [["--target-accept", "1.5"], "a number between 0 and 1"],
    [["--metric", "round"], "one of diag, dense"],
    [["--method", "nut"], "did you mean nuts?"],
    [["--method", "map", "--chains", "2"], "map has no option --chains"],
    [["--method", "hmc", "--max-tree-depth", "5"], "hmc has no option --max-tree-depth"],
    [["--model", "eight"], "there is no model `eight`"],
    [["--drws", "3"], "unknown option '--drws'"],
    [["--draws", "1000000000", "--chains", "1000"], "of memory"],
  ];
  test.each(cases)("%j", async (flags, says) => {
    const { code, out, err } = await tilde("run", ...eightSchools, ...flags);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain(says);
    expect(err).not.toMatch(/internal error|\n +at /);
  });

  test("an --out that cannot be made is told before the run", async () => {
    const file = scratch.file("a-file", "");
    const { code, err } = await tilde("run", ...eightSchools, "--out", `${file}/below`);
    expect(code).toBe(1);
    expect(err).toContain("cannot write to");
    expect(existsSync(`${file}/below`)).toBe(false);
  });

  test("unknown commands and no command", async () => {
    const unknown = await tilde("rnu", "x.ppl");
    expect(unknown.code).toBe(1);
    expect(unknown.err).toContain("unknown command 'rnu'");
    expect((await tilde()).code).toBe(1);
    expect((await tilde("run")).err).toContain("missing required argument 'file'");
  });

  test("--version is the package's; --help names every flag of the manual", async () => {
    const { version } = JSON.parse(
      readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
    );
    expect((await tilde("--version")).out.trim()).toBe(version);
    const { code, out } = await tilde("run", "--help");
    expect(code).toBe(0);
    for (const flag of "model data method chains warmup draws seed threads out json".split(" ")) {
      expect(out).toContain(`--${flag}`);
    }
  });
});
