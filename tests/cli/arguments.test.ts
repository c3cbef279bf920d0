/** How command lines are read: data files after one flag, several models, several files, limits. */
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { eightSchools, scratchFolder, tilde } from "../helpers/cli.js";

const scratch = scratchFolder();
const noStack = /internal error|\n +at /;

const model = scratch.file(
  "line.ppl",
  `model line(N: int, x: real[N]) {
  a ~ Normal(0, 10)
  for n in 0..N { y[n] ~ Normal(a * x[n], 1) }
}
`,
);
const columns = scratch.file("columns.csv", "x,y\n1,2.1\n2,3.9\n3,6.2\n");
const size = scratch.file("size.json", '{ "N": 3 }');
const quick = ["--draws", "100", "--warmup", "100", "--json"];

describe("data files", () => {
  const orders: readonly (readonly [what: string, ...args: string[]])[] = [
    ["one flag, several files", model, "--data", columns, size],
    ["a flag each", model, "--data", columns, "--data", size],
    ["the model last", "--data", columns, size, model],
    ["the model last, a flag each", "--data", columns, "--data", size, model],
    ["the model between", "--data", columns, "--seed", "1", model, "--data", size],
  ];
  test("are read wherever the model stands", async () => {
    const summaries = [];
    for (const [what, ...args] of orders) {
      const { err, out } = await tilde("run", ...args, ...quick);
      expect(err, what).toBe("");
      summaries.push(JSON.parse(out).variables);
    }
    expect(Object.keys(summaries[0])).toEqual(["a"]);
    for (const summary of summaries) expect(summary).toEqual(summaries[0]);
  });

  test("the same holds for explain and compile", async () => {
    for (const command of ["explain", "compile"]) {
      const usual = await tilde(command, model, "--data", columns, size);
      expect(usual).toMatchObject({ code: 0, err: "" });
      expect(await tilde(command, "--data", columns, size, model)).toEqual(usual);
    }
  });

  test("data without a model is a missing argument", async () => {
    for (const command of ["run", "explain", "compile"]) {
      const { code, out, err } = await tilde(command, "--data", size);
      expect({ code, out }).toEqual({ code: 1, out: "" });
      expect(err).toContain("missing required argument 'file'");
      expect(err).not.toMatch(noStack);
    }
  });

  test("what is missing without any data says how data are given", async () => {
    const { code, err } = await tilde("run", model);
    expect(code).toBe(1);
    expect(err).toContain("--data FILE");
  });

  test("--json keeps warnings off stdout", async () => {
    const unused = scratch.file("unused.json", '{ "N": 3, "z": 1 }');
    const { out, err } = await tilde("run", model, "--data", columns, unused, ...quick);
    expect(err).toContain("`z` is neither an input nor a site");
    expect(Object.keys(JSON.parse(out).variables)).toEqual(["a"]);
  });
});

describe("several models and variables", () => {
  const two = scratch.file(
    "two.ppl",
    "model first() { x ~ Normal(0, 1) }\nmodel second() { y ~ Normal(0, 1) }\n",
  );
  test("one must be chosen, by its name", async () => {
    const none = await tilde("run", two);
    expect(none.code).toBe(1);
    expect(none.err).toContain("several models: `first` and `second`");
    expect(none.err).toContain("--model first");
    const near = await tilde("run", two, "--model", "secnd");
    expect(near.code).toBe(1);
    expect(near.err).toContain("did you mean `second`?");
    const { out } = await tilde("run", two, "--model", "second", "--draws", "500", "--json");
    expect(JSON.parse(out)).toMatchObject({ model: "second" });
  });

  test("an empty list of variables is refused", async () => {
    for (const vars of ["", " , "]) {
      const { code, out, err } = await tilde("run", two, "--model", "first", "--vars", vars);
      expect({ code, out }).toEqual({ code: 1, out: "" });
      expect(err).toContain("the option --vars is");
    }
  });
});

describe("several files", () => {
  const good = scratch.file("good.ppl", "model m() {\n  x ~ Normal(0, 1)\n}\n");
  const wrong = scratch.file("wrong.ppl", "model m() {\n  x ~ Norml(0, 1)\n}\n");
  const absent = `${scratch.path}/absent.ppl`;

  test("check reports a file that is not there among the others", async () => {
    const { code, out } = await tilde("check", absent, wrong, good, "--json");
    expect(code).toBe(1);
    const found = JSON.parse(out) as { code: string; file?: string }[];
    expect(found.map((d) => d.code)).toContain("file_unreadable");
    expect(found.map((d) => d.file)).toContain(wrong);
    expect(found.length).toBe(2);
  });

  test("fmt goes on after a file that is not there", async () => {
    const untidy = scratch.file("untidy.ppl", "model m(){x~Normal(0,1)}");
    const { code, err } = await tilde("fmt", absent, untidy);
    expect(code).toBe(1);
    expect(err).toContain("there is no such file");
    expect(readFileSync(untidy, "utf8")).toContain("x ~ Normal(0, 1)");
  });

  test("fmt of a file that may not be written is a diagnostic", async () => {
    const locked = scratch.file("locked.ppl", "model m(){x~Normal(0,1)}");
    chmodSync(locked, 0o444);
    const { code, err } = await tilde("fmt", locked);
    expect(err).not.toMatch(noStack);
    // The superuser may write it all the same.
    if (process.getuid?.() === 0) expect(code).toBe(0);
    else expect({ code, err }).toMatchObject({ code: 1, err: expect.stringMatching("denied") });
  });
});

describe("texts that are too large", () => {
  const large: readonly (readonly [what: string, text: string])[] = [
    ["nested brackets", `model m() { let x = ${"(".repeat(5000)}1${")".repeat(5000)} }`],
    ["open brackets", `model m() { let x = ${"[".repeat(20_000)}`],
    ["nested blocks", `model m() { ${"if true { ".repeat(5000)}`],
    ["a long chain of operators", `model m() { let x = 1${" + 1".repeat(50_000)} }`],
    ["many megabytes", `model m() { x ~ Normal(0, 1) }\n${"// more\n".repeat(700_000)}`],
  ];
  test.each(large)("%s end in a diagnostic", async (_, text) => {
    const file = scratch.file("large.ppl", text);
    for (const args of [["check"], ["run"], ["fmt", "--stdout"]]) {
      const { code, out, err } = await tilde(...args, file);
      expect(code).toBe(1);
      expect(out + err).toContain("error: ");
      expect(out + err).not.toMatch(noStack);
      expect((out + err).length).toBeLessThan(20_000);
    }
  });
});

describe("a folder for results that cannot be had is told before the run", () => {
  const refused = async (out: string): Promise<void> => {
    const { code, err, out: printed } = await tilde("run", ...eightSchools, "--out", out);
    expect({ code, printed }).toEqual({ code: 1, printed: "" });
    expect(err).toContain(`cannot write to \`${out}\``);
    expect(err).not.toMatch(noStack);
  };
  test("a file in its place, or above it", async () => {
    const file = scratch.file("plain", "");
    await refused(file);
    await refused(`${file}/below`);
  });
  // The superuser may write everywhere.
  test.skipIf(process.getuid?.() === 0)("a folder that may not be written", async () => {
    const locked = `${scratch.path}/locked`;
    mkdirSync(locked, { mode: 0o555 });
    await refused(`${locked}/below`);
  });
});

test("every command has a help text that fits 80 columns", async () => {
  const { out } = await tilde("--help");
  const [listed] = out.slice(out.indexOf("Commands:")).split("\n\n");
  const commands = [...listed.matchAll(/^ {2}([a-z]+) \S/gm)].map((m) => m[1]);
  expect(commands).toEqual(expect.arrayContaining(["run", "check", "explain", "fmt", "compile"]));
  for (const command of commands.filter((c) => c !== "help")) {
    const help = await tilde(command, "--help");
    expect(help.code).toBe(0);
    expect(help.out).toContain(`Usage: tilde ${command} `);
    // A line that wraps at 80 columns in the middle of a word is not for reading.
    for (const line of help.out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  }
});
