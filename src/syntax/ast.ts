/**
 * The abstract syntax tree: what the text says, names unresolved. Immutable; every node has the
 * span of its text. Produced by `lowerCst`, consumed by `elaborate` and the formatter.
 */
import type { Span } from "../base/span.js";

export interface Name {
  readonly text: string;
  readonly span: Span;
}

export interface SourceFile {
  readonly kind: "file";
  readonly span: Span;
  readonly imports: readonly ImportDecl[];
  readonly decls: readonly Decl[];
}

/** `import stats.glm` (`path: ["stats", "glm"]`) or `import "./priors.ppl"` (`path: "./priors.ppl"`). */
export interface ImportDecl {
  readonly kind: "import";
  readonly span: Span;
  readonly path: string | readonly Name[];
}

export type Decl = ModelDecl | GuideDecl | FnDecl | ModuleDecl | ObjectiveDecl | DistDecl;

interface DeclBase {
  readonly span: Span;
  readonly name: Name;
  readonly params: readonly ParamDecl[];
  /** The text of the `///` comments above, without the slashes. */
  readonly doc?: string;
}
/** One declared input or argument: `sigma: positive[J] = 1`. The type may be left out. */
export interface ParamDecl {
  readonly span: Span;
  readonly name: Name;
  readonly type?: TypeExpr;
  readonly default?: Expr;
}
export interface ModelDecl extends DeclBase {
  readonly kind: "model";
  readonly body: Block;
}
export interface GuideDecl extends DeclBase {
  readonly kind: "guide";
  readonly model: Name;
  readonly body: Block;
}
export interface FnDecl extends DeclBase {
  readonly kind: "fn";
  readonly result?: TypeExpr;
  /** `= e` or a block of lets that ends in `return e`. */
  readonly body: Expr | Block;
}
export interface ModuleDecl extends DeclBase {
  readonly kind: "module";
  readonly body: Block;
  readonly fns: readonly FnDecl[];
}
export interface ObjectiveDecl extends DeclBase {
  readonly kind: "objective";
  readonly body: Block;
}
/** `dist NAME(args) on SUPPORT { logpdf(x) = e; sample = e; mean = e }`. */
export interface DistDecl extends DeclBase {
  readonly kind: "dist";
  readonly support: TypeExpr;
  readonly members: readonly DistMember[];
}
export interface DistMember {
  readonly span: Span;
  readonly name: Name;
  readonly params: readonly Name[];
  readonly value: Expr;
}

/** `real[N, D]`, `between(0, 1)`, `simplex[K]`, `category(K)`: a name, arguments, sizes. */
export interface TypeExpr {
  readonly span: Span;
  readonly name: Name;
  readonly args: readonly Expr[];
  readonly sizes: readonly Expr[];
}

export interface Block {
  readonly kind: "block";
  readonly span: Span;
  readonly statements: readonly Stmt[];
}

/** What a statement defines: `x`, `x[i]`, `x[i, j]`. */
export interface Target {
  readonly span: Span;
  readonly name: Name;
  readonly indices: readonly Expr[];
}

export type Stmt =
  | SampleStmt
  | ObserveStmt
  | LetStmt
  | ParamStmt
  | FactorStmt
  | ForStmt
  | IfStmt
  | ReturnStmt;

/** `x: ordered[K] ~ D(…) using reparam`. */
export interface SampleStmt {
  readonly kind: "sample";
  readonly span: Span;
  readonly target: Target;
  readonly type?: TypeExpr;
  readonly dist: Expr;
  readonly using?: Expr;
}
export interface ObserveStmt {
  readonly kind: "observe";
  readonly span: Span;
  readonly value: Expr;
  readonly dist: Expr;
}
export interface LetStmt {
  readonly kind: "let";
  readonly span: Span;
  readonly target: Target;
  readonly type?: TypeExpr;
  readonly value: Expr;
}
export interface ParamStmt {
  readonly kind: "param";
  readonly span: Span;
  readonly target: Target;
  readonly type?: TypeExpr;
  readonly init?: Expr;
  /** `param v = init then next`: no gradient moves it; after a step it has this value. */
  readonly next?: Expr;
}
export interface FactorStmt {
  readonly kind: "factor";
  readonly span: Span;
  readonly value: Expr;
}
/**
 * `for i in from..to { body }`; `to` is absent in an unbounded plate `for k in 0.. { }`. Of several
 * binders, `for i in …, j in … { }`, each after the first is a block of one loop.
 */
export interface ForStmt {
  readonly kind: "for";
  readonly span: Span;
  readonly variable: Name;
  readonly from: Expr;
  readonly to?: Expr;
  readonly body: Block;
}
export interface IfStmt {
  readonly kind: "if";
  readonly span: Span;
  readonly condition: Expr;
  readonly then: Block;
  /** `else if` is a block of one `if`. */
  readonly else?: Block;
}
export interface ReturnStmt {
  readonly kind: "return";
  readonly span: Span;
  readonly value: Expr;
  /** `return e for critic(steps: 5), f`: of an objective, whose params maximise `e`. */
  readonly players?: readonly Expr[];
}

export type UnaryOp = "-" | "!";
export type BinaryOp =
  | "^"
  | "@"
  | "*"
  | "/"
  | "%"
  | "+"
  | "-"
  | "<"
  | "<="
  | ">"
  | ">="
  | "=="
  | "!="
  | "&&"
  | "||";

export type Expr =
  | {
      readonly kind: "number";
      readonly span: Span;
      readonly value: number;
      readonly isInt: boolean;
    }
  | { readonly kind: "bool"; readonly span: Span; readonly value: boolean }
  | { readonly kind: "string"; readonly span: Span; readonly value: string }
  | { readonly kind: "array"; readonly span: Span; readonly items: readonly Expr[] }
  | { readonly kind: "name"; readonly span: Span; readonly name: string }
  | {
      readonly kind: "unary";
      readonly span: Span;
      readonly op: UnaryOp;
      readonly operand: Expr;
    }
  | {
      readonly kind: "binary";
      readonly span: Span;
      readonly op: BinaryOp;
      readonly left: Expr;
      readonly right: Expr;
    }
  | {
      readonly kind: "if";
      readonly span: Span;
      readonly condition: Expr;
      readonly then: Expr;
      readonly else: Expr;
    }
  | {
      readonly kind: "call";
      readonly span: Span;
      readonly callee: Expr;
      readonly args: readonly Arg[];
    }
  | {
      readonly kind: "index";
      readonly span: Span;
      readonly target: Expr;
      readonly indices: readonly Index[];
    }
  | { readonly kind: "member"; readonly span: Span; readonly target: Expr; readonly name: Name }
  | {
      readonly kind: "lambda";
      readonly span: Span;
      readonly params: readonly Name[];
      readonly body: Expr;
    }
  /** `[for i in 0..N, j in 0..M: e]` */
  | {
      readonly kind: "comprehension";
      readonly span: Span;
      readonly binders: readonly Binder[];
      readonly body: Expr;
    }
  /** `sum(for i in 0..N: e)`: `op` is the text before the parenthesis, checked by `elaborate`. */
  | {
      readonly kind: "reduce";
      readonly span: Span;
      readonly op: Name;
      readonly binders: readonly Binder[];
      readonly body: Expr;
    };

export interface Arg {
  readonly span: Span;
  /** Present for a named argument: `logits: eta`. */
  readonly name?: Name;
  readonly value: Expr;
}
/** One index between brackets: a position, or a range with either end left out. */
export type Index =
  | { readonly kind: "at"; readonly span: Span; readonly value: Expr }
  | { readonly kind: "range"; readonly span: Span; readonly from?: Expr; readonly to?: Expr };
export interface Binder {
  readonly span: Span;
  readonly variable: Name;
  readonly from: Expr;
  readonly to: Expr;
}
