/**
 * Puts the bodies of branch-free functions in place of their calls in a vector loop. The copies of
 * an unrolled loop then interleave instruction by instruction, which hides the latency of long
 * polynomials, and equal calls (the exp of sigmoid and of softplus) are computed once.
 */
import { get, select, set } from "../../kernel/build.js";
import type { Expr, KernelFunction, Local, Stmt } from "../../kernel/ir.js";
import type { FunctionBuilder } from "./builder.js";
import {
  countNodes,
  keyOf,
  operands,
  type StraightLine,
  straightLine,
  substitute,
} from "./inline.js";
import { varies } from "./plan.js";

/** Expression nodes that inlining may add to a loop: about ten times exp. */
const BUDGET = 700;

interface Known {
  readonly local: Local;
  readonly locals: ReadonlySet<string>;
  readonly buffers: ReadonlySet<string>;
}

/** The body with calls whose arguments vary replaced, as far as the budget goes. */
export function flattenBody(
  body: readonly Stmt[],
  varying: ReadonlySet<string>,
  fb: FunctionBuilder,
): readonly Stmt[] {
  return new Flattener(varying, fb).block(body);
}

class Flattener {
  readonly #varying: Set<string>;
  readonly #fb: FunctionBuilder;
  #budget = BUDGET;
  /** Values already in a local of the current block, by the text of their expression. */
  #known = new Map<string, Known>();
  #out: Stmt[] = [];

  constructor(varying: ReadonlySet<string>, fb: FunctionBuilder) {
    this.#varying = new Set(varying);
    this.#fb = fb;
  }

  block(body: readonly Stmt[]): readonly Stmt[] {
    const [outer, known] = [this.#out, this.#known];
    this.#out = [];
    this.#known = new Map();
    for (const stmt of body) this.#statement(stmt);
    const flat = this.#out;
    this.#out = outer;
    this.#known = known;
    return flat;
  }

  #statement(stmt: Stmt): void {
    switch (stmt.kind) {
      case "set":
        this.#out.push({ ...stmt, value: this.#expr(stmt.value) });
        this.#forget((known) => known.locals.has(stmt.local.name));
        return;
      case "store":
        this.#out.push({ ...stmt, value: this.#expr(stmt.value) });
        this.#forget((known) => known.buffers.has(stmt.buffer));
        return;
      case "for":
        this.#out.push({ ...stmt, body: this.block(stmt.body) });
        this.#known.clear();
        return;
      case "if": {
        const [then, otherwise] = [this.block(stmt.then), this.block(stmt.else)];
        this.#out.push({ ...stmt, then, else: otherwise });
        this.#known.clear();
        return;
      }
      default:
        this.#out.push(stmt);
        this.#known.clear();
    }
  }

  #forget(stale: (known: Known) => boolean): void {
    for (const [key, known] of this.#known) if (stale(known)) this.#known.delete(key);
  }

  #expr(e: Expr): Expr {
    if (!varies(e, this.#varying)) return e;
    const at = (x: Expr) => this.#expr(x);
    switch (e.kind) {
      case "const":
      case "local":
      case "load":
        return e;
      case "unary":
      case "convert":
        return { ...e, x: at(e.x) };
      case "binary":
        return { ...e, x: at(e.x), y: at(e.y) };
      case "select":
        return select(at(e.condition), at(e.then), at(e.else));
      case "call":
        return this.#call({ ...e, args: e.args.map(at) });
    }
  }

  #call(e: Extract<Expr, { readonly kind: "call" }>): Expr {
    const { module } = this.#fb;
    if (module.vectorPlan(e.fn) === undefined) return e;
    const definition = module.definition(e.fn);
    const body = straightLine(definition);
    if (body === undefined) return e;
    const args = e.args.map((arg) => this.#bound(arg));
    const call: Expr = { ...e, args };
    const known = this.#known.get(keyOf(call));
    if (known !== undefined) return get(known.local);
    const cost = costOf(body);
    if (cost > this.#budget) return this.#bound(call);
    this.#budget -= cost;
    return this.#inline(call, definition, body, args);
  }

  #inline(call: Expr, definition: KernelFunction, body: StraightLine, args: readonly Expr[]): Expr {
    const renamed = new Map<string, Expr>();
    for (const [k, { name }] of definition.params.entries()) renamed.set(name, args[k]);
    const rename = (e: Expr): Expr => substitute(e, renamed);
    for (const { local, value } of body.sets) {
      const inner = this.#expr(rename(value));
      const fresh = this.#assign(local.type, inner);
      renamed.set(local.name, get(fresh));
    }
    const result = this.#assign("f64", this.#expr(rename(body.result)));
    this.#remember(call, result);
    return get(result);
  }

  /** The expression itself if it is a local or a literal, else a local that holds it. */
  #bound(e: Expr): Expr {
    if (e.kind === "local" || e.kind === "const") return e;
    const known = this.#known.get(keyOf(e));
    if (known !== undefined) return get(known.local);
    // Loop invariants stay expressions, so that they are hoisted.
    if (!varies(e, this.#varying)) return e;
    const local = this.#assign(e.type, e);
    this.#remember(e, local);
    return get(local);
  }

  #assign(type: Local["type"], value: Expr): Local {
    const local: Local = { name: this.#fb.freshName(), type };
    if (varies(value, this.#varying)) this.#varying.add(local.name);
    this.#out.push(set(local, value));
    return local;
  }

  #remember(e: Expr, local: Local): void {
    const locals = new Set<string>();
    const buffers = new Set<string>();
    const visit = (x: Expr): void => {
      if (x.kind === "local") locals.add(x.name);
      if (x.kind === "load") buffers.add(x.buffer);
      operands(x).forEach(visit);
    };
    visit(e);
    this.#known.set(keyOf(e), { local, locals, buffers });
  }
}

function costOf({ sets, result }: StraightLine): number {
  return sets.reduce((cost, { value }) => cost + countNodes(value), countNodes(result));
}
