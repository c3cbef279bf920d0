/**
 * The examples in the standard library's comments, `/// Example: `call` is `value`.`, run through
 * the language twice: by the interpreter that simulates, and by the compiled density (the mode of
 * `Normal(call, 1)` stands at the call's value). The values are SciPy's, by
 * `scripts/reference/stdlib.py`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { check, compile, infer, map, prior } from "../../src/index.js";

const root = new URL("../../stdlib/", import.meta.url);
const files = readdirSync(root)
  .filter((f) => f.endsWith(".ppl"))
  .map((f) => f.slice(0, -4));

interface Example {
  readonly call: string;
  readonly value: number;
}
/** A function with the lines of its `///` comment. */
interface Entry {
  readonly name: string;
  readonly doc: readonly string[];
}

function entriesOf(text: string): Entry[] {
  const entries: Entry[] = [];
  let doc: string[] = [];
  for (const line of text.split("\n")) {
    const comment = /^\/\/\/ ?(.*)$/.exec(line);
    const fn = /^fn (\w+)/.exec(line);
    if (comment !== null) doc.push(comment[1]);
    else {
      if (fn !== null) entries.push({ name: fn[1], doc });
      doc = [];
    }
  }
  return entries;
}
const examplesOf = (doc: readonly string[]): Example[] =>
  doc.flatMap((line) => {
    const found = /^Example: `(.+)` is `([^`]+)`\.$/.exec(line);
    return found === null ? [] : [{ call: found[1], value: Number(found[2]) }];
  });

describe.each(files)("stdlib/%s", (file) => {
  const text = readFileSync(new URL(`${file}.ppl`, root), "utf8");
  const entries = entriesOf(text);
  const examples = entries.flatMap((e) => examplesOf(e.doc));

  test("has no errors", () => {
    const errors = check(text, new URL(`${file}.ppl`, root).pathname).filter(
      (d) => d.severity === "error",
    );
    expect(errors).toEqual([]);
  });

  test("every function is explained and has an example of itself", () => {
    for (const { name, doc } of entries) {
      expect(doc[0], name).toMatch(/\w/);
      expect(
        examplesOf(doc).some((e) => e.call.startsWith(`${file}.${name}(`)),
        name,
      ).toBe(true);
    }
    expect(entries.length).toBeGreaterThan(0);
    expect(text.startsWith("///")).toBe(true);
  });

  test("the examples hold where models are simulated", async () => {
    const lets = examples.map((e, k) => `let v${k} = ${e.call} + zero`).join("\n");
    const program = compile(
      `import ${file}\nmodel m() { zero ~ Delta0()\n${lets}\n}\nfn Delta0() = Uniform(0, 1e-300)`,
    );
    const posterior = await infer(program, { method: prior({ draws: 1 }) });
    examples.forEach(({ call, value }, k) => {
      const found = posterior.draws(`v${k}`).data[0];
      // Both sides are a handful of roundings of 2⁻⁵³ each away from the truth.
      expect(Math.abs(found - value), `${call}: ${found}`).toBeLessThan(
        4e-14 * Math.max(1, Math.abs(value)),
      );
    });
  });

  test("the examples hold where densities are compiled", async () => {
    const sites = examples.map((e, k) => `v${k} ~ Normal(${e.call}, 1)`).join("\n");
    const program = compile(`import ${file}\nmodel m() {\n${sites}\n}`);
    const posterior = await infer(program, { method: map(), seed: 1 });
    examples.forEach(({ call, value }, k) => {
      const found = posterior.draws(`v${k}`).data[0];
      // The search for the mode ends at gradients of about 1e-8, and here they are the errors.
      expect(Math.abs(found - value), `${call}: ${found}`).toBeLessThan(1e-6);
    });
  });
});
