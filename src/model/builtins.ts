/**
 * The functions of the language that have a rule in every table: typing (`elaborate`), lowering to
 * the tensor graph and direct evaluation. Operators are functions with a name here.
 */

/** Elementwise on scalars and arrays, one argument. */
export const unaryBuiltins = [
  "neg", // -x
  "not", // !x
  "abs",
  "sign",
  "floor", // int
  "ceil", // int
  "round", // int; halves away from zero
  "exp",
  "log",
  "log1p",
  "expm1",
  "sqrt",
  "square",
  "sin",
  "cos",
  "tan",
  "asin",
  "acos",
  "atan",
  "sinh",
  "cosh",
  "tanh",
  "asinh",
  "acosh",
  "atanh",
  "sigmoid", // also inv_logit, logistic
  "logit",
  "softplus", // log(1 + exp x); also log1pexp
  "log1mexp", // log(1 - exp x), x < 0
  "lgamma",
  "digamma",
  "erf",
  "erfc",
  "normal_cdf", // also Phi
  "normal_quantile",
  "stop_gradient", // x, taken as a constant by gradients
  "real", // int or bool to real
  "int", // bool to int, or truncation of a real that depends on no site
] as const;

/** Elementwise, two arguments: equal shapes, or one of them a scalar. */
export const binaryBuiltins = [
  "add",
  "sub",
  "mul",
  "div", // real, also of two ints
  "idiv", // floor division of ints
  "mod",
  "pow",
  "atan2",
  "maximum", // max(a, b)
  "minimum", // min(a, b)
  "lt",
  "le",
  "gt",
  "ge",
  "eq",
  "ne",
  "and",
  "or",
  "lbeta",
  "lchoose",
] as const;

/** Of one array: over all its elements, giving a scalar. */
export const reductionBuiltins = [
  "sum",
  "prod",
  "max",
  "min",
  "mean",
  "sd", // sample sd, n - 1
  "variance", // n - 1
  "logsumexp",
  "all",
  "any",
] as const;

/** Everything with a shape rule of its own; sizes among the arguments are int expressions. */
export const structuralBuiltins = [
  "matmul", // a @ b: matrix·matrix, matrix·vector, vector·matrix, vector·vector (dot)
  "dot",
  "outer",
  "transpose",
  "zeros", // zeros(N, …)
  "ones",
  "fill", // fill(x, N, …)
  "eye", // eye(N)
  "range", // range(a, b): int[b - a]
  "diag", // the diagonal of a matrix
  "diag_matrix", // a matrix with that diagonal
  "trace",
  "cholesky",
  "inverse",
  "solve", // solve(A, b): x with A x = b
  "log_det", // log |det A|
  "cumsum",
  "cumprod",
  "softmax",
  "log_softmax",
  "concat", // along the first axis
  "reverse", // along the first axis
  "size", // size(x), size(x, axis): int
  "reshape", // reshape(x, N, …)
  "row_sums", // of a matrix: real[rows]
  "col_sums",
] as const;

export const builtinNames = [
  ...unaryBuiltins,
  ...binaryBuiltins,
  ...reductionBuiltins,
  ...structuralBuiltins,
] as const;
export type UnaryBuiltin = (typeof unaryBuiltins)[number];
export type BinaryBuiltin = (typeof binaryBuiltins)[number];
export type ReductionBuiltin = (typeof reductionBuiltins)[number];
export type StructuralBuiltin = (typeof structuralBuiltins)[number];
export type BuiltinName = (typeof builtinNames)[number];
