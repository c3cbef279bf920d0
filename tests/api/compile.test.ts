/** Text to models: `compile`, `load`, `ppl`, `check`, `format`, and what they throw. */
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { check, compile, format, load, Program, ppl, TildeError } from "../../src/index.js";
import { eightSchools, scratchFolder } from "../helpers/cli.js";

const scratch = scratchFolder();

function thrownBy(work: () => unknown): TildeError {
  try {
    work();
  } catch (error) {
    if (error instanceof TildeError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("compile, load and ppl", () => {
  const text =
    "/// A coin.\nmodel coin(N: int) {\n  p ~ Beta(1, 1)\n  for i in 0..N { y[i] ~ Bernoulli(p) }\n}";

  test("give the same model from text, a template and a file", async () => {
    const size = 3;
    const programs = [
      compile(text),
      ppl`/// A coin.
model coin(N: int) {
  p ~ Beta(1, 1)
  for i in 0..N { y[i] ~ Bernoulli(p) }
}`,
      await load(scratch.file("coin.ppl", text)),
    ];
    for (const program of programs) {
      expect(program).toBeInstanceOf(Program);
      expect([program.name, program.doc]).toEqual(["coin", "A coin."]);
      expect(program.warnings).toEqual([]);
      expect(String(program)).toBe(String(programs[0]));
    }
    const spliced = ppl`model m() { x ~ iid(Normal(0, 1), ${size}) }`;
    expect(String(spliced)).toBe(String(compile("model m() { x ~ iid(Normal(0, 1), 3) }")));
    expect((await load(eightSchools[0])).name).toBe("eight_schools");
  });

  test("throw every error of a text, as data and as text with the lines", () => {
    const wrong = "model m() {\n  x ~ Normal(0, sigm)\n  y ~ Norml(x, 1)\n}";
    const error = thrownBy(() => compile(wrong, { path: "wrong.ppl" }));
    expect(error.diagnostics.length).toBe(2);
    expect(error.diagnostics.map((d) => d.message)).toEqual(check(wrong).map((d) => d.message));
    expect(error.message).toContain("wrong.ppl:2:17: error:");
    expect(error.message).toContain("  2 |   x ~ Normal(0, sigm)");
    expect(error.message).toContain("did you mean `Normal`?");
  });

  test("choose among several models by name", () => {
    const two = "model one() { x ~ Normal(0, 1) }\nmodel two() { y ~ Normal(0, 1) }";
    expect(compile(two, { model: "two" }).name).toBe("two");
    expect(thrownBy(() => compile(two)).message).toContain("`one` and `two`");
    const unknown = thrownBy(() => compile(two, { model: "tow" }));
    expect(unknown.message).toContain("did you mean `two`?");
    expect(thrownBy(() => compile("")).message).toContain("defines no model");
  });

  test("say so where a file cannot be read, or the text is no text", async () => {
    await expect(load(`${scratch.path}/none.ppl`)).rejects.toThrow("there is no such file");
    await expect(load(scratch.path)).rejects.toThrow("it is a folder");
    expect(thrownBy(() => compile(7 as unknown as string)).message).toContain("`text` is 7");
  });

  test("format is idempotent and refuses what does not parse", () => {
    const once = format("model m( ){x~Normal(0,1)}");
    expect(format(once)).toBe(once);
    expect(thrownBy(() => format("model m( {")).diagnostics.length).toBeGreaterThan(0);
  });
});

test("an error that nobody caught is printed without the fields of its diagnostics", () => {
  const error = thrownBy(() => compile("model m() { x ~ Normal(0, y) }"));
  expect(inspect(error, { customInspect: false })).not.toContain("source:");
  expect(error.diagnostics[0].code).toBe("unknown_name");
});
