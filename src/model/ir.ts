/**
 * The model IR: one model with every name resolved, every expression typed and every shape known
 * as a symbolic size. Plain immutable data. `elaborate` makes it, `condition` joins it with data,
 * inference methods read and transform it. User functions are already inlined; loop variables,
 * comprehension binders and local definitions have names that are unique in the model
 * (`i`, then `i#2`, …).
 */
import type { Span } from "../base/span.js";
import type { BuiltinName } from "./builtins.js";
import type { Size } from "./size.js";
import type { Strategy } from "./strategy.js";

export type ScalarKind = "real" | "int" | "bool";

/** A scalar (`dims` empty) or an array of scalars. */
export interface Type {
  readonly scalar: ScalarKind;
  readonly dims: readonly Size[];
}

/**
 * Where values live. Kinds without bounds or sizes are elementwise on arrays (`positive[J]`);
 * `simplex` to `unit_vector` constrain one vector (event rank 1), `cov` to `cholesky_corr` one
 * square matrix (event rank 2). Bounds are expressions and may depend on other sites.
 */
export type Support =
  | { readonly kind: "real" }
  | { readonly kind: "positive" }
  | { readonly kind: "nonnegative" }
  | { readonly kind: "unit" }
  /** `between(a, b)`, `above(a)`, `below(b)`: at least one bound. */
  | { readonly kind: "interval"; readonly lower?: Expr; readonly upper?: Expr }
  | { readonly kind: "simplex" }
  | { readonly kind: "ordered" }
  | { readonly kind: "positive_ordered" }
  | { readonly kind: "unit_vector" }
  | { readonly kind: "cov" }
  | { readonly kind: "corr" }
  | { readonly kind: "cholesky_cov" }
  | { readonly kind: "cholesky_corr" }
  | { readonly kind: "int" }
  | { readonly kind: "bool" }
  | { readonly kind: "count" }
  /** `category(K)`: 0 … K − 1. */
  | { readonly kind: "category"; readonly size: Expr }
  /** Integers from `lower` to `upper`, both included; Binomial(n, p) has 0 … n. */
  | { readonly kind: "integers"; readonly lower: Expr; readonly upper: Expr };
export type SupportKind = Support["kind"];

/** A loop variable with its half-open range; `size` is `to − from`. */
export interface Binder {
  readonly name: string;
  readonly from: Expr;
  readonly to: Expr;
  readonly size: Size;
  readonly span: Span;
}

interface ExprBase {
  readonly span: Span;
  readonly type: Type;
}
export type VarRole = "input" | "site" | "let" | "param" | "index" | "local";

/** Values are real unless typed int or bool; ints convert to real where a real is wanted. */
export type Expr =
  | (ExprBase & { readonly kind: "const"; readonly value: number })
  /** `index`: a loop variable or binder. `local`: a definition inside a loop or a function body. */
  | (ExprBase & { readonly kind: "var"; readonly name: string; readonly role: VarRole })
  | (ExprBase & {
      readonly kind: "call";
      readonly fn: BuiltinName;
      readonly args: readonly Expr[];
    })
  | (ExprBase & {
      readonly kind: "index";
      readonly target: Expr;
      readonly indices: readonly IndexArg[];
    })
  /** Items of one type, stacked along a new first axis. */
  | (ExprBase & { readonly kind: "array"; readonly items: readonly Expr[] })
  | (ExprBase & {
      readonly kind: "if";
      readonly condition: Expr;
      readonly then: Expr;
      readonly else: Expr;
    })
  /** An array with one axis per binder, in order, then the axes of the body. */
  | (ExprBase & {
      readonly kind: "comprehension";
      readonly binders: readonly Binder[];
      readonly body: Expr;
    })
  /** Of a scalar body over all binders. */
  | (ExprBase & {
      readonly kind: "reduce";
      readonly op: ReduceOp;
      readonly binders: readonly Binder[];
      readonly body: Expr;
    })
  /** Local definitions, each seeing those before it; what an inlined function becomes. */
  | (ExprBase & {
      readonly kind: "block";
      readonly lets: readonly { readonly name: string; readonly value: Expr }[];
      readonly result: Expr;
    })
  /** `grad(u => body)(point)`: the gradient of a scalar in `variable` (a local), shaped as `point`. */
  | (ExprBase & {
      readonly kind: "grad";
      readonly variable: string;
      readonly point: Expr;
      readonly body: Expr;
    })
  /** `D.log_prob(x)`, `D.cdf(x)`, `D.log_cdf(x)`, `D.log_ccdf(x)`, `D.mean`. */
  | (ExprBase & {
      readonly kind: "dist_method";
      readonly dist: DistExpr;
      readonly method: DistMethod;
      readonly args: readonly Expr[];
    });

/** What a distribution can be asked; `log_ccdf` is log P(X > x). */
export type DistMethod = "log_prob" | "cdf" | "log_cdf" | "log_ccdf" | "mean";

export type ReduceOp = "sum" | "prod" | "max" | "min" | "mean" | "logsumexp" | "all" | "any";

/**
 * `at` with a scalar int drops the axis, with an int array gathers; `range` keeps the axis.
 * Axes after the last index are kept whole.
 */
export type IndexArg =
  | { readonly kind: "at"; readonly value: Expr }
  | {
      readonly kind: "range";
      readonly from?: Expr;
      readonly to?: Expr;
      readonly size: Size;
      readonly span: Span;
    };

/** A distribution in a model; `event` is the type of one draw, `support` where it lies. */
export type DistExpr =
  /**
   * One of the table of distributions. Scalar distributions lift over array arguments: every
   * array argument has the event's dims, scalars are repeated.
   */
  | (DistBase & {
      readonly kind: "named";
      readonly name: string;
      /** By the canonical parameter name; only what was given (or has a default). */
      readonly args: Readonly<Record<string, Expr>>;
    })
  | (DistBase & { readonly kind: "iid"; readonly base: DistExpr; readonly sizes: readonly Size[] })
  | (DistBase & {
      readonly kind: "truncated";
      /** Values beyond a bound are seen as the bound (Tobin 1958), instead of never. */
      readonly censored?: true;
      readonly base: DistExpr;
      readonly lower?: Expr;
      readonly upper?: Expr;
    })
  | (DistBase & {
      readonly kind: "mixture";
      readonly weights: Expr;
      /** One a weight; with `binder` a single one that stands for every value of the binder. */
      readonly components: readonly DistExpr[];
      readonly binder?: Binder;
    })
  /**
   * A `dist` of the text: its members with the arguments written into them, as functions of a value
   * called `variable` (a local).
   */
  | (DistBase & {
      readonly kind: "written";
      readonly name: string;
      readonly args: Readonly<Record<string, Expr>>;
      readonly variable: string;
      readonly logpdf: Expr;
      readonly cdf?: Expr;
      readonly mean?: Expr;
      readonly sampler?: WrittenSampler;
      /** Its density has masses at the bounds: for observed sites only. */
      readonly censored?: true;
    });
/** A draw as a function of other draws, each of which may depend on those before it. */
export interface WrittenSampler {
  readonly draws: readonly { readonly name: string; readonly dist: DistExpr }[];
  readonly value: Expr;
  /** Its one draw is uniform on (0, 1), and the value the quantile there. */
  readonly byQuantile?: true;
  /** Drawn again until the value lies between these bounds. */
  readonly within?: { readonly lower?: Expr; readonly upper?: Expr };
}
interface DistBase {
  readonly span: Span;
  readonly event: Type;
  readonly support: Support;
}

export type Stmt =
  /**
   * `name[indices] ~ dist`. The indices are ints of loop variables and inputs. With `restricted`
   * the declared support is narrower than the distribution's own: the density is kept as it is,
   * up to a constant.
   */
  | {
      readonly kind: "site";
      readonly span: Span;
      readonly name: string;
      readonly indices: readonly Expr[];
      readonly dist: DistExpr;
      readonly restricted: boolean;
      /** `using …`: how gradients pass through draws of it; learning by gradients alone asks. */
      readonly using?: Strategy;
    }
  | { readonly kind: "observe"; readonly span: Span; readonly value: Expr; readonly dist: DistExpr }
  | {
      readonly kind: "let";
      readonly span: Span;
      readonly name: string;
      readonly indices: readonly Expr[];
      readonly value: Expr;
    }
  /** A definition inside a loop that has no index: seen by the rest of that loop's body only. */
  | { readonly kind: "local"; readonly span: Span; readonly name: string; readonly value: Expr }
  | {
      readonly kind: "param";
      readonly span: Span;
      readonly name: string;
      readonly indices: readonly Expr[];
      readonly init?: Expr | DistExpr;
    }
  | { readonly kind: "factor"; readonly span: Span; readonly value: Expr }
  | {
      readonly kind: "for";
      readonly span: Span;
      readonly binder: Binder;
      readonly body: readonly Stmt[];
    }
  | {
      readonly kind: "if";
      readonly span: Span;
      readonly condition: Expr;
      readonly then: readonly Stmt[];
      readonly else: readonly Stmt[];
    };

/** A declared input of the model. */
export interface Input {
  readonly name: string;
  readonly span: Span;
  readonly type: Type;
  readonly support: Support;
  readonly default?: Expr;
}

/** A site, a top-level (possibly indexed) let, or a param: an array over its loops and event. */
export interface Variable {
  readonly name: string;
  readonly role: "site" | "let" | "param";
  /** Where it is first defined. */
  readonly span: Span;
  /** The whole array: loop axes first, then the event's own axes. */
  readonly type: Type;
  /** How many trailing axes belong to one element (event axes). */
  readonly eventRank: number;
  /** Of one element. For lets: of their type. */
  readonly support: Support;
  /** A let that depends on no latent site or param is known before sampling. */
  readonly random: boolean;
  /** Of a site in a conditioned model: whether the data gives all of it or some elements. */
  readonly given?: "all" | "some";
}

export interface Model {
  readonly name: string;
  readonly span: Span;
  readonly doc?: string;
  readonly inputs: readonly Input[];
  /** Size names that no input declares as an int, bound by the dims of the inputs. */
  readonly boundSizes: readonly string[];
  /** Integer expressions that stand in sizes under an opaque name, such as `N % 2`. */
  readonly opaqueSizes: Readonly<Record<string, Expr>>;
  readonly variables: readonly Variable[];
  readonly body: readonly Stmt[];
  /** The plate `for k in 0.. { }`, of which there is at most one. */
  readonly unbounded?: UnboundedPlate;
  /** Sites drawn from `Energy`: the model's density lacks their normaliser. */
  readonly energies?: readonly string[];
  /** Of a guide: sites of its model that definitions give, drawn from `Transformed`. */
  readonly images?: Readonly<Record<string, Image>>;
  /** Params that no gradient moves: after each step they have another value. */
  readonly states?: readonly State[];
}

/** `param v = init then next` */
export interface State {
  readonly param: string;
  /** The value after a step, as a function of what was before it; of the param's own shape. */
  readonly next: Expr;
}

/** A site z = f(u) of a guide: u is a site of the guide alone, whose density a factor makes that of z. */
export interface Image {
  /** The name of u. */
  readonly base: string;
  /** Where z lies. */
  readonly support: Support;
}

/**
 * A plate with as many elements as the data need. Its size is a name without a value; the label
 * site has the distribution `CRP` (arguments: `alpha`) and the support `category(size)`, and only
 * labels index the plate's variables from outside.
 */
export interface UnboundedPlate {
  /** The size's name, such as `k..`: no identifier. */
  readonly size: string;
  readonly span: Span;
  /** The site of the labels: `z` of `z[i] ~ CRP(alpha)`. */
  readonly label: string;
  /** Sites and definitions of the plate, in the order of the text. */
  readonly variables: readonly string[];
}

export const real: Type = { scalar: "real", dims: [] };
export const int: Type = { scalar: "int", dims: [] };
export const bool: Type = { scalar: "bool", dims: [] };
