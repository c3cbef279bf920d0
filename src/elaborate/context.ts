/**
 * What the parts of the elaborator share while one model is elaborated: where diagnostics go, what
 * is known of the model so far, and the two mutually recursive entries `expr` and `dist`.
 */
import { type Diagnostic, diagnostic, type Note } from "../base/diagnostic.js";
import type { MessageCode, MessageParams } from "../base/messages/index.js";
import type { Span } from "../base/span.js";
import type { Distribution } from "../distributions/contract.js";
import { type Interval, type IntervalLookup, intervalOf, meet } from "../model/interval.js";
import type { Binder, DistExpr, Expr, Input, State } from "../model/ir.js";
import type { Size } from "../model/size.js";
import { dependsOnRandom } from "../model/traverse.js";
import type * as ast from "../syntax/ast.js";
import type { ObjectiveState } from "./objectives.js";
import type { Element, FnRef, Scope, VariableInfo } from "./scope.js";

/** Collects diagnostics, each once, and can be silenced while something is only looked at. */
export class Reporter {
  readonly all: Diagnostic[] = [];
  readonly #seen = new Set<string>();
  #muted = 0;
  #notes: readonly Note[] = [];

  report<C extends MessageCode>(
    code: C,
    span: Span,
    params: MessageParams<C>,
    notes: readonly Note[] = [],
  ): undefined {
    if (this.#muted > 0) return undefined;
    const d = diagnostic(code, span, params, [...notes, ...this.#notes]);
    const key = `${span.source.path}:${span.start}:${span.end}:${code}:${d.message}`;
    if (!this.#seen.has(key)) {
      this.#seen.add(key);
      this.all.push(d);
    }
    return undefined;
  }
  /** Runs `f` without recording what it reports. */
  quietly<T>(f: () => T): T {
    this.#muted++;
    try {
      return f();
    } finally {
      this.#muted--;
    }
  }
  /** Runs `f`; what it reports carries `note`. */
  noting<T>(note: Note, f: () => T): T {
    const before = this.#notes;
    this.#notes = [...before, note];
    try {
      return f();
    } finally {
      this.#notes = before;
    }
  }
  get muted(): boolean {
    return this.#muted > 0;
  }
  get errorCount(): number {
    return this.all.reduce((n, d) => n + (d.severity === "error" ? 1 : 0), 0);
  }
}

/** What is known of one model so far. Names here are the model's unique ones. */
export class ModelState {
  readonly inputs = new Map<string, Input>();
  readonly boundSizes: string[] = [];
  readonly opaqueSizes = new Map<string, Expr>();
  readonly variables = new Map<string, VariableInfo>();
  /** What has been found of an objective; undefined for models and guides. */
  objective?: ObjectiveState;
  /** Draws of other distributions while the `sample` of a `dist` is elaborated, and its scope. */
  drawing?: { readonly scope: Scope; readonly draws: { name: string; dist: DistExpr }[] };
  /** Names that depend on a site or a param. */
  readonly random = new Set<string>();
  readonly intervals = new Map<string, Interval>();
  /** Int definitions that are known before sampling, as sizes: `let M = 2 * N`. */
  readonly sizeValues = new Map<string, Size>();
  /** Definitions without index that are known before sampling: sizes are written without them. */
  readonly knownValues = new Map<string, Expr>();
  /** Arguments of the function that is being checked on its own. */
  readonly parameters = new Set<string>();
  /** Names that stand in some size: they are at least 1 wherever there is an element. */
  readonly usedAsSize = new Set<string>();
  /** Params with `then`. */
  readonly states: State[] = [];
  /** The plate `for k in 0.. { }` and the name of its size. */
  unbounded?: { readonly size: string; readonly plate: ast.ForStmt };
  /** Loop variables and binders in sight so far. */
  readonly binders = new Map<string, Binder>();
  #used = new Map<string, number>();
  readonly #declared = new WeakMap<Expr, Interval>();

  /** `base`, then `base#2`, `base#3`, …; of a name so made, the next one of its base. */
  freshName(from: string): string {
    const base = from.replace(/#\d+$/, "");
    const n = (this.#used.get(base) ?? 0) + 1;
    this.#used.set(base, n);
    return n === 1 ? base : `${base}#${n}`;
  }
  /** Runs `f` and takes back the names it made. */
  keepingNames<T>(f: () => T): T {
    const before = new Map(this.#used);
    try {
      return f();
    } finally {
      this.#used = before;
    }
  }
  /** Every value that `e` can take, as far as is known. */
  interval(e: Expr): Interval {
    return intervalOf(e, this.lookupInterval, (x) => this.#declared.get(x));
  }
  /** Takes `e` to lie in `range` from here on: what a function's type says of it. */
  declare(e: Expr, range: Interval): void {
    this.#declared.set(e, meet(range, this.interval(e)));
  }
  /** `e` under another span, with what is known of it. */
  copy(e: Expr, span: Span): Expr {
    const made = { ...e, span };
    const range = this.#declared.get(e);
    if (range !== undefined) this.#declared.set(made, range);
    return made;
  }
  isRandom(e: Expr): boolean {
    return dependsOnRandom(e, this.random);
  }
  readonly lookupInterval: IntervalLookup = (name) => {
    const known = this.intervals.get(name);
    if (!this.usedAsSize.has(name)) return known;
    const lo = Math.max(1, known?.lo ?? 1);
    return { lo, hi: Math.max(lo, known?.hi ?? Number.POSITIVE_INFINITY) };
  };
}

export interface Cx {
  readonly reporter: Reporter;
  readonly distributions: Readonly<Record<string, Distribution>>;
  readonly model: ModelState;
  /** The functions being inlined, outermost first. */
  readonly callStack: FnRef[];
  /** The modules of which instances are being made, outermost first. */
  readonly instances: ast.ModuleDecl[];
  /** Functions whose body has errors of its own, already reported. */
  readonly brokenFns: Set<ast.FnDecl>;
  /** The typed expression, or undefined where an error has been reported. */
  readonly expr: (e: ast.Expr, scope: Scope) => Expr | undefined;
  readonly dist: (e: ast.Expr, scope: Scope) => DistExpr | undefined;
  /** True for a function whose body is a distribution. */
  readonly returnsDist: (fn: FnRef) => boolean;
  /** The statement-level knowledge that expressions ask of a variable. */
  readonly variables: VariableQueries;
}

export interface VariableQueries {
  /** Type and support of one element, looked ahead for where needed. */
  readonly element: (v: VariableInfo, use: Span) => { readonly type: Expr["type"] } | undefined;
  /** The element of a let with the scalar kind that all its definitions fit. */
  readonly widest: (v: VariableInfo, element: Element) => Element;
  readonly extents: (v: VariableInfo) => readonly Size[] | undefined;
}

/** The source text of a span. */
export function textOf(span: Span): string {
  return span.source.text.slice(span.start, span.end);
}

/** The same on one line, shortened for use inside a message. */
export function quote(span: Span): string {
  const text = textOf(span).replace(/\s+/g, " ");
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
