/** Random right programs and random broken text, for property tests. */
import fc from "fast-check";

const name = fc.constantFrom(
  "x",
  "mu",
  "σ",
  "alpha_2",
  "N",
  "on",
  "名前",
  "longer_name_than_others",
);
const number = fc.constantFrom("0", "3", "0.5", "1e-3", "2.5E+10", "inf");
const comment = fc.constantFrom("", "", "", " /* c */ ", " // d\n", "\n// own\n", "\n\n");
const operator = fc.constantFrom(..."+ - * / % @ ^ < <= > >= == != && ||".split(" "));

/** Text of an expression; `gap` text stands only inside brackets, where line ends are free. */
const { expr } = fc.letrec<{ expr: string; atom: string; args: string; row: string }>((tie) => ({
  atom: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    name,
    number,
    fc.constantFrom("true", '"s\\n"'),
    fc.tuple(tie("expr"), comment).map(([e, c]) => `(${e}${c})`),
    fc.tuple(name, tie("args")).map(([f, a]) => `${f}(${a})`),
    fc.tuple(name, tie("expr"), tie("expr")).map(([x, a, b]) => `${x}[${a}, ..${b}, ${b}..]`),
    fc.tuple(name, tie("args")).map(([x, a]) => `${x}.for(${a})`),
    tie("args").map((a) => `[${a.replace(/\bkey: /g, "")}]`),
    fc.tuple(name, tie("expr")).map(([i, e]) => `sum(for ${i} in 0..N, j in 1..${i}: ${e})`),
    fc.tuple(name, tie("expr")).map(([i, e]) => `[for ${i} in 0..${i}: ${e}]`),
  ),
  args: fc
    .array(fc.tuple(fc.constantFrom("", "", "key: "), tie("expr"), comment), { maxLength: 3 })
    .map((items) => items.map(([k, e, c]) => `${k}${e}${c}`).join(",")),
  row: fc
    .tuple(
      fc.constantFrom("", "", "-", "!"),
      tie("atom"),
      fc.array(fc.tuple(operator, fc.constantFrom("", "-"), tie("atom")), { maxLength: 2 }),
    )
    .map(([p, a, rest]) => {
      // Comparisons do not chain.
      const chains = rest.length === 2 && rest.every(([o]) => /[<>]|[=!]=/.test(o));
      const row = rest.map(([o, q, b], i) => ` ${chains && i > 0 ? "&&" : o} ${q}${b}`);
      return `${p}${a}${row.join("")}`;
    }),
  expr: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    { weight: 5, arbitrary: tie("row") },
    fc.tuple(tie("row"), tie("row"), tie("row")).map(([a, b, c]) => `if ${a} then ${b} else ${c}`),
    fc.tuple(name, tie("expr")).map(([x, e]) => `${x} => ${e}`),
    fc.tuple(name, name, tie("expr")).map(([x, y, e]) => `(${x}, ${y}) => ${e}`),
  ),
}));

const end = fc.constantFrom("\n", "\n", "; ", " // note\n", "\n\n\n", "\n/// doc\n", " /* c */\n");

const { statement } = fc.letrec<{ statement: string; block: string }>((tie) => ({
  statement: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    fc.tuple(name, expr).map(([x, e]) => `${x} ~ ${e}`),
    fc.tuple(name, expr, expr).map(([x, i, e]) => `${x}[${i}]: real[3] ~ ${e} using reparam`),
    fc.tuple(name, expr).map(([x, e]) => `let ${x} = ${e}`),
    fc.tuple(name, expr).map(([x, e]) => `param ${x}: cov[2] = ${e}`),
    fc.tuple(expr, expr).map(([a, b]) => `observe ${a} ~ ${b}`),
    expr.map((e) => `factor ${e}`),
    fc.tuple(name, expr, tie("block")).map(([i, e, b]) => `for ${i} in 0..(${e}) ${b}`),
    fc
      .tuple(name, expr, name, expr, tie("block"))
      .map(([i, a, j, b, block]) => `for ${i} in 0..(${a}), ${j} in (${b})..${i} ${block}`),
    fc.tuple(expr, tie("block"), tie("block")).map(([e, a, b]) => `if (${e}) ${a} else ${b}`),
  ),
  block: fc
    .tuple(end, fc.array(fc.tuple(tie("statement"), end), { maxLength: 3 }))
    .map(([e, list]) => `{${e}${list.map(([s, x]) => `${s}${x}`).join("")}}`),
}));

const declaration = fc.oneof(
  fc
    .tuple(name, end, fc.array(fc.tuple(statement, end), { maxLength: 3 }))
    .map(
      ([n, e, b]) =>
        `model ${n}(N: int, ${n}: real[N] = 3) {${e}${b.map((s) => s.join("")).join("")}}`,
    ),
  fc.tuple(name, expr).map(([f, e]) => `fn ${f}(x, y: real) -> real = ${e}`),
);

/** A right program of a few declarations, with comments and line ends in many places. */
export const program: fc.Arbitrary<string> = fc
  .array(fc.tuple(declaration, fc.constantFrom("\n", "\n\n", "\n// c\n")), { maxLength: 3 })
  .map((list) => list.map((d) => d.join("")).join(""));

const snippets = [
  ..."model m ( ) { } [ ] , ; : ~ = == <- -> => .. . + - * ^ ! && || for i in 0..N if then else".split(
    " ",
  ),
  ..."let param observe factor return guide fn module objective dist on using import x 3 .5 1.".split(
    " ",
  ),
  ..."' \" # /* */ // /// \n \n \t ² ≤ \u{1F600} \ud800 \\ ` $ ** & | := += int N; 1:N inf".split(
    " ",
  ),
  "\n",
  " ",
  "\r",
];

/** Tokens, mistakes and stray characters in any order. */
export const tokenSoup: fc.Arbitrary<string> = fc
  .array(fc.constantFrom(...snippets), { maxLength: 60 })
  .map((list) => list.join(" "));

/** A right program with a few pieces cut out, doubled or replaced. */
export const mutated: fc.Arbitrary<string> = fc
  .tuple(
    program,
    fc.array(fc.tuple(fc.nat(), fc.nat(6), fc.constantFrom("", ...snippets)), {
      minLength: 1,
      maxLength: 3,
    }),
  )
  .map(([text, edits]) =>
    edits.reduce((t, [at, length, insert]) => {
      const start = at % (t.length + 1);
      return t.slice(0, start) + insert + t.slice(start + length);
    }, text),
  );
