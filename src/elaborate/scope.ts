/** What names mean: scopes of values, and the functions that a file can call. */
import type { Span } from "../base/span.js";
import type { Interval } from "../model/interval.js";
import type { Binder, DistExpr, Expr, Input, Support, Type } from "../model/ir.js";
import type { Size } from "../model/size.js";
import type * as ast from "../syntax/ast.js";

/** One value name. */
export type Entry =
  | { readonly kind: "input"; readonly span: Span; readonly input: Input }
  /** A size name that an input's type binds. */
  | { readonly kind: "size"; readonly span: Span; readonly name: string }
  | { readonly kind: "variable"; readonly span: Span; readonly variable: VariableInfo }
  /** A loop variable or a binder. */
  | { readonly kind: "index"; readonly span: Span; readonly binder: Binder }
  /** A definition inside a loop or a function, under its unique name. */
  | { readonly kind: "local"; readonly span: Span; readonly name: string; readonly type: Type }
  /** A function's argument or size that stands for an expression of the caller. */
  | { readonly kind: "alias"; readonly span: Span; readonly value: Expr }
  | { readonly kind: "dist"; readonly span: Span; readonly dist: DistExpr }
  /** A definition further down in the same loop or branch. */
  | { readonly kind: "pending"; readonly span: Span }
  /** A module with its arguments and params: `let decode = nn.mlp([d, D], nn.relu)`. */
  | { readonly kind: "instance"; readonly span: Span; readonly instance: Instance }
  /** A function that was given as an argument; of a builtin its name. */
  | { readonly kind: "function"; readonly span: Span; readonly fn: FnRef | string }
  /** `layers[l]`, `h[l]` in a module: definitions of which each has a shape of its own. */
  | { readonly kind: "family"; readonly span: Span; readonly elements: Map<number, Entry> }
  /** An argument of an objective that stands for a model or a guide. */
  | { readonly kind: "program"; readonly span: Span; readonly name: string }
  /** Values of all sites of a program: `z ~ q` in an objective. */
  | { readonly kind: "trace"; readonly span: Span; readonly variable: VariableInfo }
  /** Its definition has an error of its own: uses are silent. */
  | { readonly kind: "broken"; readonly span: Span };

/** Scopes see everything of the scopes around them; names are looked up inside out. */
export class Scope {
  readonly #entries = new Map<string, Entry>();
  constructor(
    readonly env: FileEnv,
    readonly parent?: Scope,
    /** Loop variables on which a condition around this scope depends: their ranges are no guide. */
    readonly guarded: ReadonlySet<string> = parent?.guarded ?? new Set(),
  ) {}
  lookup(name: string): Entry | undefined {
    return this.#entries.get(name) ?? this.parent?.lookup(name);
  }
  /** What stands in this scope itself. */
  own(name: string): Entry | undefined {
    return this.#entries.get(name);
  }
  set(name: string, entry: Entry): void {
    this.#entries.set(name, entry);
  }
  /** Whether it lies inside `outer` with no loop in between. */
  isPlainInside(outer: Scope): boolean {
    if (this === outer) return true;
    const loops = [...this.#entries.values()].some((e) => e.kind === "index");
    return !loops && this.parent?.isPlainInside(outer) === true;
  }
  child(guarded?: ReadonlySet<string>): Scope {
    return new Scope(this.env, this, guarded ?? this.guarded);
  }
  /** Every name in sight, for suggestions. */
  names(): string[] {
    return [...this.#entries.keys(), ...(this.parent?.names() ?? [])];
  }
}

/** One element of a variable: an event of a site, the value of a let. */
export interface Element {
  readonly type: Type;
  readonly support: Support;
}

/** A statement that defines a variable or some of its elements. */
export interface Definition {
  readonly stmt: ast.SampleStmt | ast.LetStmt | ast.ParamStmt;
  /** The loops around it, outermost first. */
  readonly loops: readonly ast.ForStmt[];
  /** The branches around it: the `if` statement and which side. */
  readonly branches: readonly { readonly stmt: ast.IfStmt; readonly then: boolean }[];
}

/** A site, a let or a param of the model while it is being elaborated. */
export interface VariableInfo {
  readonly name: string;
  readonly role: "site" | "let" | "param";
  /** The name in its first definition. */
  readonly span: Span;
  readonly definitions: Definition[];
  /** How many indices its targets have. */
  readonly rank: number;
  /** One size an axis; undefined where they could not be found (an error elsewhere). */
  extents?: readonly Size[] | "failed" | "pending";
  element?: Element;
  /** `guessed`: the element was assumed for a reference inside its own definition. */
  elementState: "unknown" | "working" | "assuming" | "guessed" | "known";
  /** How often looking ahead has failed; given up after a few times, so that it stays linear. */
  failedLooks: number;
  /** Definitions of which the text lies ahead of where elaboration stands. */
  remaining: number;
  /** All definitions and the loops around them have been elaborated. */
  complete: boolean;
  /** How many loops that hold a definition of it are being elaborated. */
  openLoops: number;
  random: boolean;
  interval: Interval;
  broken: boolean;
}

/** A user's function with the file that it sees. */
export interface FnRef {
  readonly decl: ast.FnDecl;
  readonly env: FileEnv;
  /** What it sees beside its arguments: of a module's function, the module's params and lets. */
  readonly scope?: Scope;
  /** The name that messages give it, where that is not its own: `decode` for its `call`. */
  readonly label?: string;
}

/** A distribution of the text with the file that it sees. */
export interface DistRef {
  readonly decl: ast.DistDecl;
  readonly env: FileEnv;
  /** What stands for it among the functions being inlined. */
  readonly token: FnRef;
}

/** A module with the file that it sees. */
export interface ModuleRef {
  readonly decl: ast.ModuleDecl;
  readonly env: FileEnv;
}

export interface ObjectiveRef {
  readonly decl: ast.ObjectiveDecl;
  readonly env: FileEnv;
}

/** One `let` of a module: its names and functions. */
export interface Instance {
  readonly module: ModuleRef;
  /** `decode`, `decode.layers.0`: its params are `decode.layers.0.w` and so on. */
  readonly path: string;
  readonly scope: Scope;
}

/** What a file defines and imports, apart from values. */
export interface FileEnv {
  readonly fns: Map<string, FnRef>;
  /** `glm.f`: by the last segment of the import's path. */
  readonly modules: Map<string, FileEnv>;
  /** Names that several imports define, with the imports: using one unqualified is an error. */
  readonly ambiguous: Map<string, string[]>;
  /** Modules (`module NAME`), as functions are found. */
  readonly layers: Map<string, ModuleRef>;
  readonly objectives: Map<string, ObjectiveRef>;
  readonly dists: Map<string, DistRef>;
  /** Declarations of other kinds, for messages. */
  readonly others: Map<string, ast.Decl>;
}
