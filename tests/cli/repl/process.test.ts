/** `tilde repl` as a process: scripts by pipe and by `--eval`, exit codes, streams. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { methodNames } from "../../../src/run/methods.js";
import { eightSchools, ended, scratchFolder, startTilde, tildeProcess } from "../../helpers/cli.js";
import { schools, schoolsData } from "./helpers.js";

const scratch = scratchFolder();

function piped(text: string, ...args: readonly string[]) {
  const child = startTilde("repl", ...args);
  child.stdin.end(text);
  return ended(child);
}

test("a pipe is a script: answers alone, no prompt", async () => {
  const script = `${schools}\n${schoolsData}\nfit = nuts(schools,\n  draws: 200);\nmean(fit.mu) > 0\n`;
  expect(await piped(script)).toMatchObject({ code: 0, out: "true\n", err: "" });
});

test("the first error ends it with code 1, on the standard error", async () => {
  const { code, out, err } = await piped("1\nnope\n2\n");
  expect({ code, out }).toEqual({ code: 1, out: "1\n" });
  expect(err).toContain("<2>:1:1: error: `nope` is not defined");
  expect(err).not.toMatch(/\n +at /);
  expect((await piped("x = [1,\n")).code).toBe(1);
  expect((await piped(":quit\nnope\n")).code).toBe(0);
  expect(await piped("")).toMatchObject({ code: 0, out: "", err: "" });
});

test("answers come while the pipe is open", async () => {
  const child = startTilde("repl");
  const first = new Promise<string>((resolve) => {
    child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString()));
  });
  const end = ended(child);
  child.stdin.write("1 + 1\n");
  expect(await first).toBe("2\n");
  child.stdin.end();
  expect((await end).code).toBe(0);
});

test("--eval again and again, after the files", async () => {
  const [model, , data] = eightSchools;
  const more = ["--eval", "fit = map(eight_schools);", "-e", "fit.mu > 0; y[0]"];
  const { code, out, err } = await tildeProcess("repl", model, data, ...more);
  expect({ code, out, err }).toEqual({ code: 0, out: "true\n28\n", err: "" });
  expect((await tildeProcess("repl", "--eval", "nope", "--eval", "1")).out).toBe("");
  const missing = await tildeProcess("repl", `${scratch.path}/none.ppl`, "--eval", "1");
  expect(missing.code).toBe(1);
  expect(missing.err).toContain("there is no such file");
});

test("every method runs in the session's thread and its fit can be asked", async () => {
  const calls = methodNames
    .filter((m) => !["enumerate", "svi", "nce"].includes(m))
    .map((m) => (m === "em" ? "em(coin, maximise: [p]).p" : `${m}(coin).p`));
  const script = [
    "model coin(n: int) { p ~ Beta(2, 2); k ~ Binomial(n, p); let odds = p / (1 - p) }",
    "model two() { z ~ Bernoulli(0.25); x ~ Normal(if z then 1 else 0, 1) }",
    "model mix(N: int) {",
    "  w ~ Dirichlet([1, 1])",
    "  for c in 0..2 { m[c] ~ Normal(0, 5) }",
    "  for i in 0..N { z[i] ~ Categorical(w); v[i] ~ Normal(m[z[i]], 1) }",
    "}",
    "n = 10; k = 7; x = 0.5; N = 6; v = [-3, -2.5, -3.5, 3, 2.5, 3.5]",
    ...calls.map((call) => `median(${call}) > 0`),
    "mean(enumerate(two).z)",
    // Labels that can change places are relabelled, which the fit says of itself.
    "f = nuts(mix, draws: 200, chains: 2);",
    "sum(mean(f.w)) > 0.999",
    "g = gibbs(mix, draws: 200, chains: 2);",
    "sum(mean(g.w)) > 0.999",
    "sum(mean(cavi(mix).w)) > 0.999",
    "model dp(N: int) {",
    "  for c in 0.. { m[c] ~ Normal(0, 5) }",
    "  for i in 0..N { z[i] ~ CRP(1); v[i] ~ Normal(m[z[i]], 1) }",
    "}",
    "h = gibbs(dp, draws: 100, chains: 2);",
    // The first item begins the first cluster.
    "mean(h.z[0]) == 0",
    "cavi(dp).method",
    "model line() { a ~ Normal(0, 1); q ~ Normal(a, 1) }",
    "guide by_hand() for line { param l = 0.0; param s: positive = 1; a ~ Normal(l, s) }",
    "q = 2; s = svi(line, guide: by_hand, objective: iwae(3));",
    // The posterior is Normal(1, √½).
    "abs(mean(s.a) - 1) < 0.1",
  ].join("\n");
  const { code, out, err } = await piped(`${script}\n`);
  expect(err).not.toMatch(/error/);
  expect(code).toBe(0);
  const [z, ...rest] = out.split("\n").slice(calls.length, -1);
  expect(Number(z)).toBeCloseTo(0.25, 1);
  expect([...out.split("\n").slice(0, calls.length), ...rest]).toEqual(
    [...calls, "nuts", "gibbs", "cavi", "dp", "", "svi"].map((c) => (c === "" ? "cavi" : "true")),
  );
});

test("what `:save` writes can be piped", async () => {
  const path = `${scratch.path}/saved.txt`;
  await piped(`x = 3\nfn f(a) = a + 1\n:save ${path}\n`);
  const saved = readFileSync(path, "utf8");
  expect(await piped(`${saved}f(x)\n`)).toMatchObject({ code: 0, out: "4\n" });
});
