/** Diagnostic texts of the syntax stage. */
import { didYouMean, error } from "./entry.js";

type None = Record<string, never>;

export const syntaxMessages = {
  // ---------------------------------------------------------------- spelling (tokenize.ts)
  unknown_character: error((p: { character: string; meant: string | undefined }) => ({
    message: `the character \`${p.character}\` has no meaning in Tilde`,
    help: p.meant === undefined ? "remove it" : `write \`${p.meant}\``,
  })),
  wrong_spelling: error((p: { found: string; meant: string }) => ({
    message: `\`${p.found}\` is not an operator of Tilde`,
    help:
      p.found === "|"
        ? 'write `||` for "or"; a log density is written `Normal(mu, sigma).log_prob(y)`'
        : `write \`${p.meant}\``,
  })),
  dot_operator: error((p: { found: string; meant: string }) => ({
    message: `\`${p.found}\` is not an operator of Tilde`,
    help: `write \`${p.meant}\`: on arrays it already works element by element`,
  })),
  compound_assignment: error((p: { operator: string }) => ({
    message: `\`${p.operator}\` would change a value, and values in Tilde never change`,
    help: "define a new name with `let`, or add to the log density with `factor e`",
  })),
  open_comment: error((_: None) => ({
    message: "this comment is never closed",
    help: "end it with `*/`",
  })),
  hash_comment: error((_: None) => ({
    message: "`#` does not begin a comment in Tilde",
    help: "begin comments with `//`",
  })),
  open_string: error((_: None) => ({
    message: "this string is not closed on its line",
    help: 'end it with `"`; a line break inside a string is written `\\n`',
  })),
  single_quoted_string: error((p: { meant: string }) => ({
    message: "strings are written with double quotes",
    help: `write \`${p.meant}\``,
  })),
  lone_quote: error((_: None) => ({
    message: "this quote begins nothing",
    help: 'remove it; strings are written with double quotes, `"like this"`',
  })),
  transpose_quote: error((_: None) => ({
    message: "`'` is not an operator of Tilde",
    help: "write `transpose(x)` for the transpose of `x`; names hold letters, digits and `_` only",
  })),
  unknown_escape: error((p: { escape: string }) => ({
    message: `\`${p.escape}\` means nothing in a string`,
    help: 'the escapes are `\\n`, `\\t`, `\\r`, `\\"`, `\\\\` and `\\u{1F600}`',
  })),
  bare_dot_number: error((p: { found: string; meant: string }) => ({
    message: `\`${p.found}\` is not a number: digits must stand on both sides of the dot`,
    help: `write \`${p.meant}\``,
  })),
  number_suffix: error((p: { number: string; word: string }) => ({
    message: `the number \`${p.number}\` runs into the name \`${p.word}\``,
    help: `write \`${p.number} * ${p.word}\` for a product; a name cannot begin with a digit`,
  })),
  number_too_large: error((p: { number: string }) => ({
    message: `\`${p.number}\` is larger than any number a computer of 64 bits holds`,
    help: "write `inf` for infinity",
  })),
  integer_too_large: error((p: { number: string }) => ({
    message: `the integer \`${p.number}\` is beyond 9007199254740991, where integers stop being exact`,
    help: `write \`${p.number}.0\` for a real number`,
  })),

  // ---------------------------------------------------------------- limits (limits.ts)
  file_too_large: error((p: { size: number; limit: number }) => ({
    message: `the file has ${p.size} characters, more than the limit of ${p.limit}`,
    help: "split it into several files with `import`, and keep data in data files",
  })),
  nested_too_deeply: error((p: { limit: number }) => ({
    message: `this is nested more than ${p.limit} levels deep`,
    help: "name the inner parts with `let`",
  })),
  expression_too_long: error((p: { limit: number }) => ({
    message: `this expression chains more than ${p.limit} operations`,
    help: "name parts of it with `let`, or put the terms in an array and use `sum`",
  })),
  too_many_errors: error((_: None) => ({
    message: "too many errors; those from here on are not shown",
    help: "correct the errors above first",
  })),

  // ---------------------------------------------------------------- brackets (brackets.ts)
  unclosed_bracket: error((p: { open: string; close: string }) => ({
    message: `this \`${p.open}\` is never closed`,
    help: `add the missing \`${p.close}\``,
  })),
  unopened_bracket: error((p: { close: string }) => ({
    message: `this \`${p.close}\` closes nothing`,
    help: "remove it, or add the bracket it should close",
  })),
  mismatched_bracket: error((p: { open: string; close: string; found: string }) => ({
    message: `\`${p.open}\` is closed by \`${p.found}\``,
    help: `write \`${p.close}\` here`,
  })),

  // ---------------------------------------------------------------- statements (explain.ts)
  unexpected: error((p: { found: string; wanted: string }) => ({
    message: `${p.found} cannot stand here`,
    help: p.wanted,
  })),
  unexpected_end: error((p: { wanted: string }) => ({
    message: "the text ends too early",
    help: p.wanted,
  })),
  unfinished_line: error((p: { wanted: string }) => ({
    message: "the line ends too early",
    help: p.wanted,
  })),
  missing_separator: error((_: None) => ({
    message: "this begins a new statement on the same line",
    help: "begin a new line here, or put `;` before it",
  })),
  reduction_callee: error((_: None) => ({
    message: "only a reduction can be applied to `for … : …`",
    help: "use one of `sum`, `prod`, `max`, `min`, `mean`, `logsumexp`, `all`, `any`",
  })),
  arrow_assignment: error((p: { target: string }) => ({
    message: "`<-` does not define a value in Tilde",
    help: `write \`let ${p.target} = …\``,
  })),
  missing_let: error((p: { target: string }) => ({
    message: `\`${p.target} = …\` needs the word \`let\``,
    help: `write \`let ${p.target} = …\` for a definition, or \`${p.target} ~ …\` for a draw`,
  })),
  equation_as_definition: error((p: { target: string }) => ({
    message: "`==` compares; it does not define",
    help: `write \`let ${p.target} = …\``,
  })),
  missing_distribution: error((p: { target: string }) => ({
    message: `\`${p.target} ~\` has no distribution after it`,
    help: `write one after the \`~\`, such as \`${p.target} ~ Normal(0, 1)\``,
  })),
  missing_value: error((p: { after: string }) => ({
    message: `a value is missing after \`${p.after}\``,
    help: "write an expression there",
  })),
  missing_braces: error((p: { word: string }) => ({
    message: `the body of \`${p.word}\` must stand in braces`,
    help: p.word === "else" ? "write `else { … }`" : `write \`${p.word} … { … }\``,
  })),
  for_parentheses: error((p: { name: string; from: string; to: string }) => ({
    message: "the head of `for` takes no parentheses",
    help: `write \`for ${p.name} in ${p.from}..${p.to} { … }\``,
  })),
  for_without_range: error((p: { name: string }) => ({
    message: "`for` runs over a range of integers",
    help: `write \`for ${p.name} in 0..n { … }\` and index with \`${p.name}\` in the body`,
  })),
  colon_range: error((p: { from: string; to: string }) => ({
    message: "ranges are written with `..` and leave out their end",
    help: `write \`${p.from}..${p.to}\`; indices start at 0`,
  })),
  colon_slice: error((_: None) => ({
    message: "ranges inside an index are written with `..`",
    help: "write `x[a..b]`, `x[a..]`, `x[..b]` or `x[..]`; the end is left out",
  })),
  type_before_name: error((p: { found: string; type: string; name: string }) => ({
    message: `\`${p.found}\` declares nothing in Tilde`,
    help: `inputs are declared in the model's head, \`model m(${p.name}: ${p.type})\`; other names by \`~\` or \`let\``,
  })),
  reserved_word: error((p: { word: string }) => ({
    message: `\`${p.word}\` is a word of the language and cannot be a name`,
    help: `choose another name, such as \`${p.word}_\``,
  })),
  unknown_statement_word: error((p: { word: string; near: readonly string[] }) => ({
    message: `\`${p.word}\` does not begin a statement`,
    help: didYouMean(p.near),
  })),
  variable_word: error((p: { word: string; name: string }) => ({
    message: `\`${p.word}\` is not a word of Tilde`,
    help: `write \`let ${p.name} = …\``,
  })),
  bare_expression: error((_: None) => ({
    message: "a value alone is not a statement",
    help: "name it with `let x = …`, add it to the log density with `factor …`, or return it",
  })),
  indices_apart: error((p: { name: string }) => ({
    message: "the indices of an element stand in one pair of brackets",
    help: `write \`${p.name}[i, j]\``,
  })),
  not_a_target: error((_: None) => ({
    message: "the left of `~` must be a name or an element of an array",
    help: "write `observe e ~ D(…)` to condition on an expression of inputs",
  })),
  conditional_words: error((_: None) => ({
    message: "inside an expression, `if` takes `then` and `else`, without braces",
    help: "write `if c then a else b`",
  })),
  comparison_chain: error((p: { meant: string }) => ({
    message: "comparisons do not chain",
    help: `write \`${p.meant}\``,
  })),
  equals_for_comparison: error((_: None) => ({
    message: "`=` defines; it does not compare",
    help: "write `==` to compare",
  })),
  named_with_equals: error((p: { name: string }) => ({
    message: "arguments are named with `:`",
    help: `write \`${p.name}: …\``,
  })),
  dangling_else: error((_: None) => ({
    message: "this `else` belongs to no `if`",
    help: "put it after the `}` of an `if`, or remove it",
  })),

  draw_without_name: error((_: None) => ({
    message: "nothing stands before `~`",
    help: "name what is drawn: `x ~ Normal(0, 1)`",
  })),
  second_tilde: error((_: None) => ({
    message: "a statement has one `~`",
    help: "begin a new line for the next draw",
  })),
  name_after_word: error((p: { word: string }) => ({
    message: `\`${p.word}\` needs a name after it`,
    help: p.word === "let" ? "write `let m = e`" : "write `param w: real = e`",
  })),
  let_draw: error((p: { word: string; target: string }) => ({
    message: `\`${p.word}\` defines; it does not draw`,
    help: `write \`${p.target} ~ …\` without \`${p.word}\``,
  })),
  let_needs_equal: error((p: { word: string; target: string }) => ({
    message: "a definition is written with `=`",
    help: `write \`${p.word} ${p.target} = …\``,
  })),
  let_type_before: error((p: { word: string; type: string; name: string }) => ({
    message: `two names stand side by side: \`${p.type} ${p.name}\``,
    help: `a type follows its name: \`${p.word} ${p.name}: ${p.type} = …\``,
  })),
  let_without_value: error((p: { target: string }) => ({
    message: `\`let ${p.target}\` has no value`,
    help: `write \`let ${p.target} = …\`, or \`param ${p.target}\` for a quantity to learn`,
  })),
  type_without_draw: error((p: { target: string }) => ({
    message: `\`${p.target}\` has a type but neither a draw nor a value`,
    help: `write \`~ D(…)\` after the type; inputs are declared in the model's head`,
  })),

  // ---------------------------------------------------------------- expressions
  braces_in_expression: error((_: None) => ({
    message: "braces cannot stand in an expression",
    help: "write `[…]` for an array, `x => e` for a function",
  })),
  operator_without_left: error((p: { operator: string }) => ({
    message: `\`${p.operator}\` has nothing on its left`,
    help: "write a value before it",
  })),
  for_in_expression: error((_: None) => ({
    message: "`for` begins an array or the argument of a reduction; it cannot stand here",
    help: "write `[for i in 0..n: e]` or `sum(for i in 0..n: e)`",
  })),
  tuple: error((_: None) => ({
    message: "parentheses hold one value",
    help: "write `[a, b]` for an array",
  })),
  thin_arrow: error((_: None) => ({
    message: "`->` gives the result type of a `fn`; it does not make a function",
    help: "write `x => e`",
  })),
  missing_colon: error((_: None) => ({
    message: "`for …` in an expression needs a `:` before its value",
    help: "write `for i in 0..n: e`",
  })),
  missing_comma: error((p: { found: string }) => ({
    message: `nothing separates \`${p.found}\` from the value before it`,
    help: "put a `,` or an operator between them",
  })),
  two_values: error((p: { found: string }) => ({
    message: `\`${p.found}\` follows a finished expression`,
    help: "put an operator between them, or begin a new line",
  })),
  missing_member: error((_: None) => ({
    message: "a name is missing after `.`",
    help: "write what is meant, such as `D.mean`; numbers are written `0.5`",
  })),
  colon_range_in_comprehension: error((_: None) => ({
    message: "`for` inside an expression runs over a range `a..b`",
    help: "write `for i in 0..n: e`",
  })),
  range_as_value: error((_: None) => ({
    message: "a range is not a value",
    help: "ranges stand in `for` and in indices; write `[for i in a..b: i]` for an array of integers",
  })),

  // ---------------------------------------------------------------- declarations (explain.ts)
  import_path: error((_: None) => ({
    message: "`import` needs a path",
    help: 'write `import stats.glm` for the library, `import "./priors.ppl"` for a file',
  })),
  guide_without_model: error((p: { name: string }) => ({
    message: `\`guide ${p.name}\` does not say which model it is for`,
    help: `write \`guide ${p.name}(…) for model_name { … }\``,
  })),
  dist_without_support: error((p: { name: string }) => ({
    message: `\`dist ${p.name}\` does not say what its values are`,
    help: `write \`dist ${p.name}(…) on positive { … }\`, or another support`,
  })),
  dist_member: error((_: None) => ({
    message: "the body of a `dist` holds definitions only",
    help: "write `logpdf(x) = e`, `sample = e` or `mean = e`",
  })),
  no_result_type: error((p: { word: string }) => ({
    message: `a \`${p.word}\` has no result type`,
    help: "remove the `-> …`",
  })),
  only_guides_have_models: error((p: { word: string }) => ({
    message: `a \`${p.word}\` is not for a model; only a \`guide\` is`,
    help: "remove `for …`, or write `guide`",
  })),
  missing_body: error((p: { word: string; name: string }) => ({
    message: `\`${p.word} ${p.name}\` has no body`,
    help: p.word === "fn" ? "write `= e` or `{ … return e }`" : "write `{ … }` after its head",
  })),
  type_before_input: error((p: { type: string; name: string }) => ({
    message: `the type of an input follows its name`,
    help: `write \`${p.name}: ${p.type}\``,
  })),
  declaration_inside: error((p: { word: string }) => ({
    message: `\`${p.word}\` cannot stand inside a block`,
    help: "move it to the top level of the file",
  })),
  statement_outside: error((_: None) => ({
    message: "statements stand inside a model",
    help: "put it between the braces of `model name(inputs) { … }`",
  })),
  unknown_declaration: error((p: { word: string; near: readonly string[] }) => ({
    message: `\`${p.word}\` does not begin a declaration`,
    help:
      didYouMean(p.near) ??
      "a file holds `import`, `model`, `guide`, `fn`, `module`, `objective` and `dist`",
  })),
  stan_block: error((p: { word: string }) => ({
    message: `Tilde has no \`${p.word}\` block`,
    help: "declare inputs in the head, `model name(N: int, y: real[N]) { … }`, and draw with `~` in the body",
  })),
  missing_parameters: error((p: { word: string; name: string }) => ({
    message: `\`${p.word} ${p.name}\` needs parentheses for its inputs`,
    help: `write \`${p.word} ${p.name}(…)\`, or \`${p.word} ${p.name}()\` if it has none`,
  })),
  missing_name: error((p: { word: string }) => ({
    message: `\`${p.word}\` needs a name`,
    help: `write \`${p.word} name(…)\``,
  })),
} as const;
