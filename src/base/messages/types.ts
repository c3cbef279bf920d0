/** Diagnostic texts of the types stage: names, types, shapes, supports and the order of elements. */
import { didYouMean, error, warning } from "./entry.js";

/** `A(x) or B(y)` with each form in quotes of its own. */
const forms = (usage: string): string => `\`${usage.replaceAll(" or ", "` or `")}\``;

const plural = (n: number, word: string): string => `${n} ${word}${n === 1 ? "" : "s"}`;

export interface UnknownName {
  readonly name: string;
  readonly near: readonly string[];
  /** What to write for a name of another system. */
  readonly advice: string | undefined;
}
function unknownHelp(p: UnknownName, otherwise: string): string {
  if (p.advice !== undefined) return `write \`${p.advice}\``;
  return didYouMean(p.near) ?? otherwise;
}

const names = {
  unknown_name: error((p: UnknownName) => ({
    message: `\`${p.name}\` is not defined`,
    help: /^(nan|na|null|none|nothing)$/i.test(p.name)
      ? "missing values stand in the data: `null` in JSON, an empty cell in CSV"
      : unknownHelp(p, `declare it as an input, or define it with \`let ${p.name} = …\` or \`~\``),
  })),
  unknown_function: error((p: UnknownName) => ({
    message: `there is no function \`${p.name}\``,
    help: unknownHelp(p, "define it with `fn`, or import the file that does"),
  })),
  unknown_distribution: error((p: UnknownName) => ({
    message: `there is no distribution \`${p.name}\``,
    help: unknownHelp(p, "distributions have names such as `Normal`, `Gamma`, `Poisson`"),
  })),
  unknown_type: error((p: UnknownName) => ({
    message: `there is no type \`${p.name}\``,
    help: unknownHelp(p, "types are `real`, `int`, `bool` and supports such as `positive`"),
  })),
  name_taken: error((p: { name: string; what: string }) => ({
    message: `\`${p.name}\` is defined already`,
    help: `give this ${p.what} another name`,
  })),
  use_before_definition: error((p: { name: string }) => ({
    message: `\`${p.name}\` is used before it is defined`,
    help: `move the definition of \`${p.name}\` above this line`,
  })),
  incomplete_use: error((p: { name: string }) => ({
    message: `all of \`${p.name}\` is used here, but not all of its elements are defined yet`,
    help: `use single elements such as \`${p.name}[i]\`, or move this below the loop`,
  })),
  function_as_value: error((p: { name: string }) => ({
    message: `\`${p.name}\` is a function, not a value`,
    help: `call it: \`${p.name}(…)\``,
  })),
  import_as_value: error((p: { name: string }) => ({
    message: `\`${p.name}\` is an import, not a value`,
    help: `call one of its functions: \`${p.name}.f(…)\``,
  })),
  declaration_as_value: error((p: { name: string; kind: string }) => ({
    message: `\`${p.name}\` is a ${p.kind} and cannot be used in an expression`,
    help: "only functions (`fn`) can be called",
  })),
  not_callable: error((p: { name: string }) => ({
    message: `\`${p.name}\` is a value and cannot be called`,
    help: `index it with \`${p.name}[…]\`, or multiply with \`*\``,
  })),
  ambiguous_function: error((p: { name: string; imports: readonly string[] }) => ({
    message: `\`${p.name}\` is defined by ${p.imports.map((i) => `\`${i}\``).join(" and ")}`,
    help: `write \`${p.imports[0]}.${p.name}\``,
  })),
  dist_member_unknown: error((p: { name: string }) => ({
    message: `a \`dist\` has no member \`${p.name}\``,
    help: "its members are `logpdf(x)` (or `logpmf(x)`), `cdf(x)`, `quantile(u)`, `mean` and `sample`",
  })),
  dist_member_arguments: error((p: { name: string; wanted: number }) => ({
    message: `\`${p.name}\` of a \`dist\` has ${p.wanted === 0 ? "no argument" : "one argument"}`,
    help: p.wanted === 0 ? `write \`${p.name} = e\`` : `write \`${p.name}(x) = e\``,
  })),
  dist_density: error((p: { name: string }) => ({
    message: `\`${p.name}\` has no density`,
    help: "add `logpdf(x) = e`, the log density with its normaliser",
  })),
  dist_member_type: error((p: { name: string; expected: string; actual: string }) => ({
    message: `\`${p.name}\` of a \`dist\` is ${p.expected}, but this is ${p.actual}`,
    help: "a log density is one number; a draw has the type after `on`",
  })),
  sample_place: error((p: { text: string }) => ({
    message: `\`${p.text}\` stands where nothing is drawn`,
    help: "`D.sample` is for the `sample` of a `dist`, outside of loops; in a model write `x ~ D`",
  })),
  ode_usage: error(() => ({
    message: "these arguments do not fit `ode`",
    help: "write `let z = ode(f, z0, t0, ts, a, b, steps: 10)` with `fn f(t: real, z: real[D], a, b) -> real[D]`",
  })),
  ode_function: error(() => ({
    message: "`ode` takes a function by its name",
    help: "declare `fn f(t: real, z: real[D]) -> real[D] = …` and write `ode(f, z0, t0, ts)`",
  })),
  ode_steps: error(() => ({
    message: "`steps` of `ode` is no whole number from 1 up",
    help: "it is the number of steps between two of the times, such as `steps: 10`",
  })),
  ode_place: error(() => ({
    message: "`ode` stands as the whole value of a definition",
    help: "write `let z = ode(…)` in the model and use `z[n]`, the solution at the n-th time",
  })),
  scan_usage: error(() => ({
    message: "these arguments do not fit `scan`",
    help: "write `let z = scan((state, x) => e, z0, xs)` or `scan(f, z0, xs, a, b)` with `fn f(state, x, a, b) = …`; z[t] is then the state after xs[t]",
  })),
  scan_place: error(() => ({
    message: "`scan` stands as the whole value of a definition of a model",
    help: "write `let z = scan(f, z0, xs)` in the model and use `z[t]`, or a recurrence: `for t in 1..T { let z[t] = f(z[t - 1], x[t]) }`",
  })),
  not_supported_yet: error((p: { what: string }) => ({
    message: `${p.what} is not supported yet`,
    help: "this part of the language cannot run in this version",
  })),
  import_not_found: error((p: { path: string; isFile: boolean }) => ({
    message: `there is no file for the import ${p.path}`,
    help: p.isFile
      ? "the path is relative to this file"
      : 'only files of the standard library are written so; a file of yours is `import "./name.ppl"`',
  })),
  import_cycle: error((p: { circle: readonly string[] }) => ({
    message: `imports go in a circle: ${p.circle.join(" → ")}`,
    help: "move what both need into a third file",
  })),
};

const types = {
  shape_mismatch: error((p: { shown: string; left: string; right: string }) => ({
    message: `\`${p.shown}\` mixes ${p.left} and ${p.right}`,
    help: "shapes must be equal, or one of the two a scalar; write a loop for anything else",
  })),
  matmul_shape: error((p: { left: string; right: string }) => ({
    message: `\`@\` cannot multiply ${p.left} by ${p.right}: the inner sizes differ`,
    help: "the last size on the left must be the first on the right; `transpose(A)` swaps them",
  })),
  matmul_rank: error((p: { left: string; right: string }) => ({
    message: `\`@\` multiplies matrices and vectors, not ${p.left} and ${p.right}`,
    help: "use `*` for scalars",
  })),
  argument_type: error((p: { name: string; expected: string; actual: string }) => ({
    message: `\`${p.name}\` wants ${p.expected}, but this is ${p.actual}`,
    help: `give ${p.expected}`,
  })),
  argument_count: error((p: { name: string; usage: string; given: number }) => ({
    message: `\`${p.name}\` cannot take ${plural(p.given, "argument")}`,
    help: `call it as \`${p.usage}\``,
  })),
  argument_twice: error((p: { name: string; usage: string }) => ({
    message: `the argument \`${p.name}\` is given twice`,
    help: `call it as \`${p.usage}\``,
  })),
  unknown_argument: error((p: { name: string; usage: string }) => ({
    message: `there is no argument \`${p.name}\``,
    help: `call it as \`${p.usage}\``,
  })),
  no_named_arguments: error((p: { name: string; usage: string }) => ({
    message: `\`${p.name}\` takes no named arguments`,
    help: `call it as \`${p.usage}\``,
  })),
  expected_bool: error((p: { what: string; actual: string; text: string }) => ({
    message: `${p.what} wants a bool, but \`${p.text}\` is ${p.actual}`,
    help: p.actual.startsWith("bool")
      ? `make one of many: \`all(${p.text})\` or \`any(${p.text})\``
      : `compare it: \`${p.text} > 0\` or \`${p.text} == 1\``,
  })),
  branches_differ: error((p: { left: string; right: string }) => ({
    message: `\`then\` gives ${p.left} but \`else\` gives ${p.right}`,
    help: "both branches must have one type and shape",
  })),
  array_items: error((p: { first: string; other: string }) => ({
    message: `the items of an array must be alike, but the first is ${p.first} and this is ${p.other}`,
    help: "give every item the same shape",
  })),
  string_value: error((p: { text: string }) => ({
    message: `the string ${p.text} is not a value of a model`,
    help: "strings stand only where an option wants one",
  })),
  lambda_value: error((_: object) => ({
    message: "a lambda cannot be used here",
    help: "define a function with `fn` and call it",
  })),
  int_of_random: error((p: { text: string }) => ({
    message: `\`${p.text}\` depends on a random quantity and cannot be cut to an int`,
    help: "`int` is for inputs; the density would jump",
  })),
  size_not_int: error((p: { text: string; actual: string }) => ({
    message: `a size must be an int, but \`${p.text}\` is ${p.actual}`,
    help: `declare the input as \`int\`, or use \`idiv(a, b)\` for whole division`,
  })),
  size_is_random: error((p: { text: string }) => ({
    message: `the size \`${p.text}\` depends on a random quantity`,
    help: "sizes and loop ranges must follow from inputs alone",
  })),
  size_negative: error((p: { text: string }) => ({
    message: `a size cannot be negative, but \`${p.text}\` is`,
    help: "sizes count elements: 0, 1, 2, …",
  })),
  size_varies: error((p: { name: string }) => ({
    message: `the size of this array changes with \`${p.name}\``,
    help: "arrays have one size; a slice that varies may stand alone in `sum`, `mean`, `max` and their like, and else write the range out: `sum(for j in 0..i: x[j] * w[j])`",
  })),
  range_negative: error((p: { text: string }) => ({
    message: `the range \`${p.text}\` ends before it begins`,
    help: "a range `a..b` runs upwards from `a` and stops before `b`",
  })),
  slice_negative: error((p: { text: string; length: number }) => ({
    message: `the slice \`${p.text}\` ends ${plural(-p.length, "position")} before it begins`,
    help: "a slice `a..b` runs from `a` and stops before `b`",
  })),
  bad_axis: error((p: { text: string; type: string; last: number }) => ({
    message: `\`${p.text}\` is no axis of ${p.type}`,
    help: `axes are the constants 0 to ${p.last}`,
  })),
  reshape_size: error((p: { from: string; to: string }) => ({
    message: `${p.from} cannot become ${p.to}: the number of elements differs`,
    help: "the product of the sizes must stay the same",
  })),
  too_many_indices: error((p: { text: string; type: string; given: number; rank: number }) => ({
    message:
      p.rank === 0
        ? `\`${p.text}\` is ${p.type} and cannot be indexed`
        : `\`${p.text}\` is ${p.type} and cannot take ${plural(p.given, "index").replace("indexs", "indices")}`,
    help: p.rank === 0 ? "leave out the brackets" : `give at most ${p.rank}`,
  })),
  index_not_int: error((p: { text: string; actual: string; isBool: boolean }) => ({
    message: `an index must be an int, but \`${p.text}\` is ${p.actual}`,
    help: p.isBool
      ? `write \`int(${p.text})\` for 0 or 1`
      : "only ints and arrays of ints are positions",
  })),
  index_negative: error(
    (p: { text: string; array: string; value: string; at: string | undefined; size: string }) => ({
      message:
        p.at === undefined
          ? `the index \`${p.text}\` of \`${p.array}\` is negative`
          : `\`${p.array}[${p.text}]\` is \`${p.array}[${p.value}]\` at ${p.at}`,
      help:
        p.at === undefined
          ? `count from the start: \`${p.array}[${p.size} ${p.value.replace("-", "- ")}]\``
          : "start the loop later, or guard it: `if … then … else …`",
    }),
  ),
  index_too_large: error(
    (p: { text: string; array: string; value: string; at: string | undefined; size: string }) => ({
      message:
        p.at === undefined
          ? `the index \`${p.text}\` is past the end: \`${p.array}\` has size ${p.size}`
          : `\`${p.array}[${p.text}]\` is \`${p.array}[${p.value}]\` at ${p.at}, but its size is ${p.size}`,
      help: "positions run from 0 to the size minus 1",
    }),
  ),
  unknown_reduction: error((p: { name: string }) => ({
    message: `\`${p.name}(for …)\` is not a reduction`,
    help: "reductions are sum, prod, max, min, mean, logsumexp, all and any",
  })),
  reduce_body: error((p: { op: string; actual: string }) => ({
    message: `\`${p.op}(for …)\` wants a scalar for each element, but this is ${p.actual}`,
    help: "reduce the inner array too, or loop over its axis",
  })),
  declared_type: error((p: { name: string; expected: string; actual: string }) => ({
    message: `\`${p.name}\` is declared as ${p.expected}, but its value is ${p.actual}`,
    help:
      p.expected.includes("[") && !p.actual.includes("[")
        ? "repeat a scalar with `fill(x, N)`"
        : "change the declared type or the value",
  })),
  value_outside: error((p: { name: string; expected: string; text: string }) => ({
    message: `\`${p.name}\` is declared as ${p.expected}, but \`${p.text}\` lies outside`,
    help: "change the declared type or the value",
  })),
  default_outside: error((p: { name: string; expected: string; text: string }) => ({
    message: `the default \`${p.text}\` of \`${p.name}\` is not ${p.expected}`,
    help: "give a default that the type allows",
  })),
  input_untyped: error((p: { name: string }) => ({
    message: `the input \`${p.name}\` has no type`,
    help: `write \`${p.name}: real\`, \`${p.name}: int\` or \`${p.name}: real[N]\``,
  })),
  type_arguments: error((p: { name: string; wanted: number; given: number }) => ({
    message: `\`${p.name}\` takes ${plural(p.wanted, "argument")} in round brackets, not ${p.given}`,
    help:
      p.wanted === 0
        ? `sizes go in square brackets: \`${p.name}[N]\``
        : `write \`${p.name}(${p.wanted === 1 ? "a" : "a, b"})\``,
  })),
  type_sizes: error((p: { text: string; name: string; value: string }) => ({
    message: `\`${p.text}\` is one ${p.value} and takes exactly one size`,
    help: `write \`${p.name}[K]\` for one; draw several in a loop, \`for i in 0..N { x[i]: ${p.name}[K] ~ … }\`, and declare an input of several as \`${p.value === "vector" ? "real[N, K]" : "real[N, K, K]"}\``,
  })),
  bound_not_scalar: error((p: { text: string; actual: string }) => ({
    message: `a bound must be a number, but \`${p.text}\` is ${p.actual}`,
    help: "give a scalar",
  })),
  empty_support: error((p: { text: string }) => ({
    message: `nothing lies in \`${p.text}\``,
    help: "the lower bound comes first and must be the smaller",
  })),
};

const functions = {
  recursive_function: error((p: { name: string }) => ({
    message: `\`${p.name}\` calls itself`,
    help: "functions may not recurse; write a recurrence as `let x[t] = …` in a loop of the model",
  })),
  fn_argument_type: error((p: { fn: string; param: string; expected: string; actual: string }) => ({
    message: `\`${p.fn}\` wants \`${p.param}: ${p.expected}\`, but this is ${p.actual}`,
    help: "give an argument of that type",
  })),
  fn_result_type: error((p: { fn: string; expected: string; actual: string }) => ({
    message: `\`${p.fn}\` is declared to give ${p.expected}, but it gives ${p.actual}`,
    help: "change the type after `->` or the value",
  })),
  fn_result_outside: error((p: { fn: string; expected: string; text: string }) => ({
    message: `\`${p.fn}\` is declared to give ${p.expected}, but \`${p.text}\` lies outside`,
    help: "change the type after `->` or the value",
  })),
  fn_statement: error((p: { kind: string }) => ({
    message: `a function holds definitions and \`return\` only, not \`${p.kind}\``,
    help: "functions are pure: draw in the model and pass the value in",
  })),
  no_return: error((p: { name: string }) => ({
    message: `\`${p.name}\` does not return anything`,
    help: "end the block with `return e`",
  })),
  after_return: error((p: { name: string }) => ({
    message: `this stands after the \`return\` of \`${p.name}\``,
    help: "move it above the `return`, or remove it",
  })),
};

const distributionTexts = {
  distribution_as_value: error((p: { name: string }) => ({
    message: `\`${p.name}\` is a distribution, not a number`,
    help: "draw from it with `x ~ …`, or ask it: `D.log_prob(x)`, `D.cdf(x)`, `D.mean`",
  })),
  distribution_uncalled: error((p: { name: string; usage: string }) => ({
    message: `the distribution \`${p.name}\` has no arguments`,
    help: `write ${forms(p.usage)}`,
  })),
  distribution_if: error((_: object) => ({
    message: "`if` cannot choose between distributions",
    help: "choose between arguments, `Normal(if c then a else b, s)`, or use an `if` statement",
  })),
  not_a_distribution: error((p: { text: string; actual: string }) => ({
    message: `\`~\` wants a distribution, but \`${p.text}\` is ${p.actual}`,
    help: "define values with `let x = …`; draw with `x ~ Normal(…)`",
  })),
  unknown_keyword: error(
    (p: { dist: string; name: string; near: readonly string[]; usage: string }) => ({
      message: `\`${p.dist}\` has no argument \`${p.name}\``,
      help: didYouMean(p.near) ?? `write ${forms(p.usage)}`,
    }),
  ),
  distribution_missing: error((p: { dist: string; missing: readonly string[]; usage: string }) => ({
    message: `\`${p.dist}\` lacks ${p.missing.map((m) => `\`${m}\``).join(" and ")}`,
    help: `write ${forms(p.usage)}`,
  })),
  distribution_arguments: error((p: { dist: string; usage: string }) => ({
    message: `these arguments do not go together in \`${p.dist}\``,
    help: `write ${forms(p.usage)}`,
  })),
  argument_shapes: error((p: { dist: string; left: string; right: string }) => ({
    message: `the arguments of \`${p.dist}\` have different shapes: ${p.left} and ${p.right}`,
    help: "array arguments must have equal shapes; scalars are repeated",
  })),
  parameter_rank: error(
    (p: { dist: string; param: string; rank: number; actual: string; canLoop: boolean }) => ({
      message: `\`${p.dist}\` wants ${["a scalar", "a vector", "a matrix"][p.rank]} for \`${p.param}\`, but this is ${p.actual}`,
      help: p.canLoop
        ? `draw one by one: \`for i in 0..N { x[i] ~ ${p.dist}(…) }\``
        : p.rank === 1
          ? "repeat a scalar with `fill(x, N)`"
          : p.rank === 2
            ? "make a matrix with `diag_matrix(x)` or `x * eye(D)`"
            : "give a scalar",
    }),
  ),
  parameter_square: error((p: { dist: string; param: string; actual: string }) => ({
    message: `\`${p.param}\` of \`${p.dist}\` must be a square matrix, but this is ${p.actual}`,
    help: "rows and columns must have the same size",
  })),
  parameter_int: error((p: { dist: string; param: string; actual: string }) => ({
    message: `\`${p.param}\` of \`${p.dist}\` must be an int, but this is ${p.actual}`,
    help: "declare it as `int` or `count`",
  })),
  parameter_outside: error(
    (p: {
      dist: string;
      param: string;
      words: string;
      value: string | undefined;
      bound: string;
      text: string;
    }) => ({
      message:
        p.value === undefined
          ? `\`${p.param}\` of \`${p.dist}\` must be ${p.words}, but \`${p.text}\` is ${p.bound}`
          : `\`${p.param}\` of \`${p.dist}\` must be ${p.words}, but this is ${p.value}`,
      help: `give a value that is ${p.words}`,
    }),
  ),
  parameter_values: error((p: { dist: string; param: string; words: string; found: string }) => ({
    message: `\`${p.param}\` of \`${p.dist}\` must be ${p.words}, but ${p.found}`,
    help: `give values that are ${p.words}`,
  })),
  parameter_may_leave: warning(
    (p: {
      dist: string;
      param: string;
      words: string;
      text: string;
      name: string | undefined;
      role: string | undefined;
      declare: string | undefined;
      below: boolean;
    }) => ({
      message: `\`${p.text}\` may be ${p.below ? "too small" : "too large"}: \`${p.param}\` of \`${p.dist}\` must be ${p.words}`,
      help:
        p.declare === undefined || p.name === undefined
          ? "keep it in range, with `exp(…)` or `sigmoid(…)` for example"
          : p.role === "site"
            ? `declare \`${p.name}: ${p.declare} ~ …\` or draw it from a distribution on that support`
            : p.role === "input" || p.role === "param"
              ? `declare \`${p.name}: ${p.declare}\``
              : `declare \`let ${p.name}: ${p.declare} = …\` where you know that it is`,
    }),
  ),
  combinator_usage: error((p: { usage: string }) => ({
    message: `these arguments do not fit \`${p.usage.slice(0, p.usage.indexOf("("))}\``,
    help: `write ${forms(p.usage)}`,
  })),
  truncated_base: error((p: { text: string; name: string; written: boolean }) => ({
    message: `\`${p.text}\` cannot be ${p.name.toLowerCase()}: its cumulative distribution is not known`,
    help: p.written
      ? "write the member `cdf(x) = …` in its `dist` declaration"
      : "take a distribution of one number such as `Normal`, `Gamma` or `Poisson`",
  })),
  censored_latent: error((p: { name: string }) => ({
    message: `\`${p.name}\` is censored and has elements without data: what was not observed cannot be cut off`,
    help: "give all its values, at the bound where they lie beyond it; for unseen ones draw from the distribution itself",
  })),
  truncated_empty: error((p: { base: string; text: string }) => ({
    message: `nothing is left of \`${p.text}\`, which lies in ${p.base}`,
    help: "let the bounds overlap its support, the lower one first",
  })),
  mixture_events: error((p: { left: string; right: string }) => ({
    message: `the components of a mixture must be alike, but the first draws ${p.left} and this ${p.right}`,
    help: "give every component the same kind and shape of draw",
  })),
  mixture_weights: error((p: { actual: string; count: string }) => ({
    message: `the weights are ${p.actual}, but the components want ${p.count}`,
    help: "give one weight a component",
  })),
  unknown_method: error((p: { name: string }) => ({
    message: `distributions have no \`${p.name}\``,
    help: "they have `log_prob(x)`, `cdf(x)`, `log_cdf(x)`, `log_ccdf(x)` (the log of what lies above x) and `mean`",
  })),
  unknown_member: error((p: { name: string; type: string; text: string }) => ({
    message: `\`${p.text}\` is ${p.type} and has no \`.${p.name}\``,
    help: `functions are called: \`${p.name === "T" ? "transpose" : p.name}(${p.text})\``,
  })),
  method_arguments: error((p: { name: string; given: number; wanted: number }) => ({
    message: `\`.${p.name}\` takes ${plural(p.wanted, "argument")}, not ${p.given}`,
    help: p.wanted === 0 ? "write `D.mean`" : `write \`D.${p.name}(x)\``,
  })),
  method_missing: error((p: { name: string; dist: string }) => ({
    message: `\`.${p.name}\` of \`${p.dist}\` is not known`,
    help: "`cdf` is there for distributions of one number, `mean` where it exists",
  })),
  method_shape: error((p: { name: string; event: string; actual: string }) => ({
    message: `\`.${p.name}\` wants ${p.event}, but this is ${p.actual}`,
    help: "for an array of values write `sum(for i in 0..N: D.log_prob(x[i]))`",
  })),
};

const statements = {
  site_shape: error((p: { name: string; declared: string; event: string }) => ({
    message: `\`${p.name}\` is declared as ${p.declared}, but one draw is ${p.event}`,
    help: "a draw is repeated over leading axes only; make the trailing shapes equal",
  })),
  site_kind: error((p: { declared: string; event: string }) => ({
    message: `the site is declared as ${p.declared}, but one draw is ${p.event}`,
    help: "declare ints for counts and labels, reals for the rest",
  })),
  site_support: error((p: { declared: string; own: string; disjoint: boolean }) => ({
    message: p.disjoint
      ? `the site is declared as ${p.declared}, but its distribution lies in ${p.own}`
      : `a site declared as ${p.declared} cannot be drawn from a distribution on ${p.own}`,
    help: "leave out the type, or choose a distribution on that support",
  })),
  restriction_random: error((p: { declared: string; dist: string; canTruncate: boolean }) => ({
    message: `restricting \`${p.dist}\` to ${p.declared} changes its constant, which depends on a random quantity`,
    help: p.canTruncate
      ? `write \`Truncated(${p.dist}, lower: …, upper: …)\`, which keeps the constant`
      : "draw from a distribution on that support",
  })),
  site_needs_index: error((p: { name: string }) => ({
    message: `\`${p.name}\` would be drawn again in every pass of the loop`,
    help: `write \`${p.name}[i]\` with the loop's variable, or move it out of the loop`,
  })),
  param_needs_index: error((p: { name: string }) => ({
    message: `\`${p.name}\` would be defined again in every pass of the loop`,
    help: `write \`${p.name}[i]\` with the loop's variable, or move it out of the loop`,
  })),
  observed_shape: error((p: { text: string; actual: string; event: string }) => ({
    message: `\`${p.text}\` is ${p.actual}, but one draw is ${p.event}`,
    help: "make the shapes equal, or observe one element at a time in a loop",
  })),
  observed_kind: error((p: { text: string; actual: string; event: string }) => ({
    message: `\`${p.text}\` is ${p.actual}, but its distribution draws ${p.event}`,
    help: "declare the input as `count`, `int` or `bool`",
  })),
  observe_random: error((p: { text: string }) => ({
    message: `\`${p.text}\` depends on a random quantity and cannot be observed`,
    help: "`observe` is for expressions of inputs; write `factor D.log_prob(e)` for anything else",
  })),
  type_on_input: error((p: { name: string }) => ({
    message: `\`${p.name}\` is an input: its type stands among the inputs`,
    help: "leave the type out here",
  })),
  condition_random: error((p: { text: string }) => ({
    message: `the condition \`${p.text}\` depends on a random quantity`,
    help: "an `if` statement may look at inputs and loop variables only; use `if … then … else …` in an expression",
  })),
  return_in_model: error((_: object) => ({
    message: "`return` stands in functions only",
    help: "every top-level `let` of a model can be read out by name",
  })),
  factor_type: error((p: { actual: string }) => ({
    message: `\`factor\` adds one number to the log density, but this is ${p.actual}`,
    help: "sum an array with `sum(…)`; for a distribution write `x ~ D` or `D.log_prob(x)`",
  })),
  param_untyped: error((p: { name: string }) => ({
    message: `the param \`${p.name}\` has neither a type nor an initial value`,
    help: `write \`param ${p.name}: real = 0\``,
  })),
  dist_let: error((p: { name: string }) => ({
    message: `a distribution can only be named plainly, and \`${p.name}\` has an index or a type`,
    help: "write `let d = Normal(0, 1)`",
  })),
  needs_type: error((p: { name: string }) => ({
    message: `the type of \`${p.name}\` is not known here`,
    help: `declare it where it is defined: \`${p.name}[i]: real[D] ~ …\``,
  })),
  needs_declared_type: error((p: { name: string; assumed: string; actual: string }) => ({
    message: `an element of \`${p.name}\` was taken for ${p.assumed} before its definition, but it is ${p.actual}`,
    help: "declare its type at its first definition",
  })),
  elements_differ: error((p: { name: string; first: string; now: string }) => ({
    message: `elements of \`${p.name}\` are ${p.first}, but this one is ${p.now}`,
    help: "all elements of an array have one type and shape",
  })),
  supports_differ: error((p: { name: string; first: string; now: string }) => ({
    message: `elements of \`${p.name}\` lie in ${p.first}, but this one in ${p.now}`,
    help: "give all of them one support, or use two names",
  })),
};

const elements = {
  target_ranks: error((p: { name: string; first: number; now: number }) => ({
    message: `\`${p.name}\` has ${p.first === 1 ? "1 index" : `${p.first} indices`} elsewhere, but ${p.now} here`,
    help: "define every element with the same number of indices",
  })),
  target_index: error((p: { name: string; text: string }) => ({
    message: `\`${p.text}\` is no simple position of \`${p.name}\``,
    help: "define elements at a constant, a loop variable, or one shifted by a constant: `x[i + 1]`",
  })),
  target_index_array: error((p: { text: string; actual: string }) => ({
    message: `the position \`${p.text}\` is ${p.actual}`,
    help: "define one element at a time in a loop",
  })),
  target_index_random: error((p: { text: string }) => ({
    message: `the position \`${p.text}\` depends on a random quantity`,
    help: "what is defined must follow from inputs and loop variables",
  })),
  target_misses_loop: error((p: { text: string; variable: string }) => ({
    message: `\`${p.text}\` is defined again for every \`${p.variable}\``,
    help: `give it an index for \`${p.variable}\`, or move it out of that loop; rows that lie group by group are one loop over the rows that looks its group up: \`for n in 0..N { y[n] ~ D(theta[group[n]]) }\``,
  })),
  target_negative: error((p: { name: string; first: string }) => ({
    message: `the elements of \`${p.name}\` begin at ${p.first}`,
    help: "positions start at 0",
  })),
  ragged: error((p: { name: string; text: string; isLet: boolean }) => ({
    message: `\`${p.text}\` makes rows of different lengths`,
    help: p.isLet
      ? `loop over a full range, with the choice inside: \`let ${p.name}[i, j] = if j < len[i] then e else 0\``
      : `draw the elements as one long vector \`v\`, and define \`let ${p.name}[i, j] = v[idiv(i * (i - 1), 2) + j]\` where \`j < i\` and 0 elsewhere; or draw full rows, of which those that nothing reads keep their prior`,
  })),
  defined_twice: error((p: { name: string; text: string }) => ({
    message: `\`${p.text}\` defines elements of \`${p.name}\` that are defined elsewhere`,
    help: "let the ranges of the definitions lie side by side",
  })),
  one_branch: error((p: { name: string }) => ({
    message: `\`${p.name}\` is defined in one branch of \`if\` only`,
    help: "define the same elements in the other branch too, or give them no branch and put the choice inside: `x[i] ~ D(if c then a else b)`; of parts of a matrix, draw the free numbers as a vector and define `let L[i, j] = if j <= i then v[idiv(i * (i + 1), 2) + j] else 0`",
  })),
  gap_at_start: error((p: { name: string; count: string; isSite: boolean }) => ({
    message: `\`${p.name}\` begins at position ${p.count}: the elements before are never defined`,
    help: p.isSite
      ? `define them too, or declare \`${p.name}\` as an input (\`${p.name}: real[T]\`), which makes this an observation`
      : "define the first elements too",
  })),
  gap: error((p: { name: string; firstEnd: string; secondStart: string }) => ({
    message: `the elements of \`${p.name}\` do not join: one range stops before ${p.firstEnd}, another starts at ${p.secondStart}`,
    help: "let the ranges cover every position from 0 on",
  })),
  extent_unknown: error((p: { name: string }) => ({
    message: `the size of \`${p.name}\` depends on \`${p.name}\` itself`,
    help: "let its loops run over inputs",
  })),
  refers_to_itself: error((p: { name: string; text: string; ahead: boolean }) => ({
    message: p.ahead
      ? `\`${p.text}\` is a later element of \`${p.name}\` than the one defined here`
      : `\`${p.text}\` is the element that is defined here`,
    help: "an element may refer to earlier ones only",
  })),
  refers_in_circle: error((p: { name: string; text: string; other: string; ahead: boolean }) => ({
    message: `\`${p.name}\` and \`${p.other}\` refer to each other in a circle through \`${p.text}\``,
    help: "one of them must refer to an earlier element of the other",
  })),
};

export const typeMessages = {
  ...names,
  ...types,
  ...functions,
  ...distributionTexts,
  ...statements,
  ...elements,
} as const;
