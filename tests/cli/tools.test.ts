/** `tilde check`, `tilde fmt` and `tilde compile`. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { stages } from "../../src/run/compile.js";
import { eightSchools, scratchFolder, tilde } from "../helpers/cli.js";

const scratch = scratchFolder();
const good = scratch.file("good.ppl", "model m() {\n  x ~ Normal(0, 1)\n}\n");
const wrong = scratch.file(
  "wrong.ppl",
  "model m() {\n  x ~ Normal(0, sigm)\n  y ~ Norml(x, 1)\n}\n",
);
const broken = scratch.file("broken.ppl", "model m( {\n  x ~ \n}\n");

describe("tilde check", () => {
  test("a good file is code 0 and silence on stdout", async () => {
    expect(await tilde("check", good)).toEqual({
      code: 0,
      out: "",
      err: "0 errors, 0 warnings\n",
    });
  });

  test("every error of every file, code 1", async () => {
    const { code, out, err } = await tilde("check", wrong, good, broken);
    expect(code).toBe(1);
    expect(out).toContain("`sigm`");
    expect(out).toContain("did you mean `Normal`?");
    expect(out).toContain("broken.ppl:1:");
    expect(err).toMatch(/^\d+ errors, 0 warnings\n$/);
  });

  test("--json is an array of diagnostics and nothing else", async () => {
    const { code, out, err } = await tilde("check", wrong, "--json");
    expect({ code, err }).toEqual({ code: 1, err: "" });
    const found = JSON.parse(out) as Record<string, unknown>[];
    expect(found.length).toBe(2);
    for (const d of found) {
      expect(d).toMatchObject({ severity: "error" });
      expect(typeof d.code).toBe("string");
      expect(typeof d.message).toBe("string");
    }
    expect(JSON.parse((await tilde("check", good, "--json")).out)).toEqual([]);
  });

  test("a file that is not there", async () => {
    const { code, out } = await tilde("check", `${scratch.path}/none.ppl`, wrong);
    expect(code).toBe(1);
    expect(out).toContain("there is no such file");
    expect(out).toContain("`sigm`");
  });
});

describe("tilde fmt", () => {
  const untidy = "model   m( ) { // why\nx~Normal( 0,1 )\n\n\n\n}";

  test("formats in place, and a second time changes nothing", async () => {
    const path = scratch.file("untidy.ppl", untidy);
    expect((await tilde("fmt", path)).code).toBe(0);
    const once = readFileSync(path, "utf8");
    expect(once).not.toBe(untidy);
    expect(once).toContain("// why");
    expect(await tilde("fmt", path)).toEqual({ code: 0, out: "", err: "" });
    expect(readFileSync(path, "utf8")).toBe(once);
    expect((await tilde("fmt", "--check", path)).code).toBe(0);
  });

  test("--check and --stdout leave the file as it is", async () => {
    const path = scratch.file("untidy2.ppl", untidy);
    const checked = await tilde("fmt", "--check", path);
    expect(checked.code).toBe(1);
    expect(checked.err).toContain("is not formatted");
    const printed = await tilde("fmt", "--stdout", path);
    expect(printed.code).toBe(0);
    expect(printed.out).toContain("x ~ Normal(0, 1)");
    expect(readFileSync(path, "utf8")).toBe(untidy);
  });

  test("a file that does not parse is left alone, the others are formatted", async () => {
    const path = scratch.file("untidy3.ppl", untidy);
    const before = readFileSync(broken, "utf8");
    const { code, err } = await tilde("fmt", broken, path);
    expect(code).toBe(1);
    expect(err).toContain("broken.ppl");
    expect(readFileSync(broken, "utf8")).toBe(before);
    expect(readFileSync(path, "utf8")).not.toBe(untidy);
  });
});

describe("tilde compile", () => {
  /** What the dump of each stage of the eight schools must show. */
  const shows: Readonly<Record<(typeof stages)[number], RegExp>> = {
    tokens: /HalfCauchy/,
    ast: /eight_schools/,
    model: /theta/,
    graph: /lp/,
    grad: /grad/,
    kernel: /lp_grad/,
    wat: /\(module/,
    wgsl: /@compute/,
  };
  test.each(stages)("--dump %s", async (stage) => {
    const { code, out, err } = await tilde("compile", ...eightSchools, "--dump", stage);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(shows[stage]);
    expect(await tilde("compile", ...eightSchools, "--dump", stage)).toEqual({ code, err, out });
  });

  test("wrong stages, missing data, wrong programs", async () => {
    const stage = await tilde("compile", ...eightSchools, "--dump", "grpah");
    expect(stage.code).toBe(1);
    expect(stage.err).toContain("did you mean graph?");
    const data = await tilde("compile", eightSchools[0], "--dump", "graph");
    expect(data.code).toBe(1);
    expect(data.err).toContain("no value for the input");
    const text = await tilde("compile", wrong);
    expect(text.code).toBe(1);
    expect(text.err).toContain("`sigm`");
    expect((await tilde("compile", broken, "--dump", "ast")).code).toBe(1);
  });
});
