/** Elaboration never throws, and what it accepts obeys the rules of the model IR. */
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { elaborate } from "../../src/elaborate/index.js";
import { printModel } from "../../src/model/print.js";
import { verifyModel } from "../../src/model/verify.js";
import { parseSource } from "../../src/syntax/parse.js";
import { program } from "../syntax/arbitrary.js";

/** Longer runs by hand: `FUZZ_SCALE=20 npx vitest run tests/elaborate/fuzz.test.ts`. */
const scale = Number(process.env.FUZZ_SCALE ?? 1);

const goldens = new URL("../golden/check/", import.meta.url);
const programs = new URL("../syntax/programs/", import.meta.url);
const texts = [goldens, programs].flatMap((root) =>
  readdirSync(root)
    .filter((f) => f.endsWith(".ppl"))
    .map((f) => readFileSync(new URL(f, root), "utf8")),
);

function elaborateText(text: string): void {
  const { ast } = parseSource({ path: "fuzz.ppl", text });
  const { models, diagnostics } = elaborate(ast);
  for (const d of diagnostics) {
    expect(d.message).not.toMatch(/\bundefined\b|\[object|\bNaN\b/);
    expect(d.help).toBeTruthy();
  }
  for (const m of models.values()) printModel(verifyModel(m));
}

/** Lines and tokens of real programs, a few of them taken away, doubled, or exchanged. */
const mutated = fc
  .record({
    text: fc.constantFrom(...texts),
    edits: fc.array(
      fc.record({
        at: fc.nat({ max: 1_000_000 }),
        other: fc.nat({ max: 1_000_000 }),
        kind: fc.constantFrom("drop", "double", "swap", "copy"),
      }),
      { minLength: 1, maxLength: 5 },
    ),
  })
  .map(({ text, edits }) => {
    const tokens = text.match(/\s+|[\p{L}_][\p{L}\p{N}_]*|\d+\.\d+|\d+|\.\.|./gu) ?? [];
    const list = tokens.filter((t) => t.length > 0);
    for (const { at, other, kind } of edits) {
      const i = at % list.length;
      const j = other % list.length;
      if (kind === "drop") list.splice(i, 1);
      else if (kind === "double") list.splice(i, 0, list[i]);
      else if (kind === "copy") list[i] = list[j];
      else [list[i], list[j]] = [list[j], list[i]];
      if (list.length === 0) list.push(" ");
    }
    return list.join("");
  });

test("on mutations of programs", () => {
  fc.assert(fc.property(mutated, elaborateText), { numRuns: 300 * scale, seed: 7 });
});

test("on programs of the grammar", () => {
  fc.assert(fc.property(program, elaborateText), { numRuns: 60 * scale, seed: 11 });
});

/** Statements over a fixed set of names, so that most of them mean something. */
const { expr } = fc.letrec<{ expr: string }>((tie) => ({
  expr: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom("1", "0.5", "N", "x", "A", "s", "v", "g", "b", "x[0]", "v[i]", "w[i]", "i"),
    fc
      .tuple(tie("expr"), fc.constantFrom("+", "*", "/", "@", "<", "&&", "^", "%"), tie("expr"))
      .map(([a, op, c]) => `(${a} ${op} ${c})`),
    fc
      .tuple(fc.constantFrom("exp", "sum", "zeros", "transpose", "cumsum", "-", "!"), tie("expr"))
      .map(([f, a]) => `${f}(${a})`),
    fc.tuple(tie("expr"), tie("expr")).map(([a, i]) => `(${a})[${i}]`),
    fc
      .tuple(tie("expr"), tie("expr"), tie("expr"))
      .map(([c, a, d]) => `(if ${c} then ${a} else ${d})`),
    fc.tuple(tie("expr"), tie("expr")).map(([n, e]) => `[for k in 0..${n}: ${e} + k]`),
    fc.tuple(tie("expr"), tie("expr")).map(([n, e]) => `sum(for k in 0..${n}: ${e} * k)`),
    tie("expr").map((e) => `Normal(${e}, 1).log_prob(${e})`),
  ),
}));
const dist = fc.oneof(
  fc.tuple(expr, expr).map(([a, c]) => `Normal(${a}, ${c})`),
  expr.map((a) => `Dirichlet(${a})`),
  expr.map((a) => `Categorical(${a})`),
  fc.tuple(expr, expr).map(([a, n]) => `iid(Poisson(${a}), ${n})`),
  fc.tuple(expr, expr).map(([a, l]) => `Truncated(Normal(${a}, 1), lower: ${l})`),
  fc.tuple(expr, expr).map(([w, a]) => `Mixture(${w}, [for k in 0..N: Normal(${a}, 1)])`),
);
const target = fc.constantFrom(
  "p",
  "q",
  "r[i]",
  "w[i]",
  "w[0]",
  "u[i, 0]",
  "x",
  "x[i]",
  "y[i + 1]",
);
const statement = fc.oneof(
  fc.tuple(target, dist).map(([t, d]) => `${t} ~ ${d}`),
  fc.tuple(target, expr).map(([t, e]) => `let ${t} = ${e}`),
  expr.map((e) => `factor ${e}`),
  fc.tuple(expr, expr).map(([e, d]) => `observe ${e} ~ Normal(${d}, 1)`),
);
const loop = fc
  .tuple(
    fc.constantFrom("0..N", "1..N", "0..3", "0..idiv(N, 2)"),
    fc.array(statement, { maxLength: 3 }),
  )
  .map(([range, body]) => `for i in ${range} {\n${body.join("\n")}\n}`);
const typedProgram = fc.array(fc.oneof(statement, loop), { maxLength: 5 }).map(
  (body) => `model m(N: int, x: real[N], A: real[N, N], s: positive, g: int[N], b: bool) {
v: real[N] ~ Normal(0, 1)
${body.join("\n")}
}`,
);

test("on statements with types of every kind", () => {
  fc.assert(fc.property(typedProgram, elaborateText), { numRuns: 300 * scale, seed: 3 });
});
