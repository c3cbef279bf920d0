/**
 * Statements with the loops, conditions and local definitions around them, flattened: a model is a
 * joint distribution, so the order of its statements does not matter here.
 */
import { fail } from "../../base/diagnostic.js";
import type { Binder, Expr, Model, Stmt } from "../../model/ir.js";
import { pushBinder } from "./binders.js";
import {
  axisSizes,
  type Context,
  emptyContext,
  filterContext,
  spread,
  withLocal,
} from "./context.js";
import { constantData, hostInts, type Lowerer } from "./lowerer.js";

type StmtOf<K extends Stmt["kind"]> = Extract<Stmt, { kind: K }>;
export type Definition = {
  readonly stmt: StmtOf<"site"> | StmtOf<"let"> | StmtOf<"param">;
  readonly scope: Scope;
};
export type Term = {
  readonly stmt: StmtOf<"site"> | StmtOf<"observe"> | StmtOf<"factor">;
  readonly scope: Scope;
};

export type Step =
  | { readonly kind: "for"; readonly binder: Binder }
  | { readonly kind: "if"; readonly condition: Expr; readonly holds: boolean }
  | { readonly kind: "local"; readonly name: string; readonly value: Expr };

/** A place in the model's text: the steps from the model's top down to it. */
export interface Scope {
  readonly parent?: Scope;
  readonly step?: Step;
}

export interface Statements {
  readonly definitions: ReadonlyMap<string, readonly Definition[]>;
  readonly terms: readonly Term[];
}

export function collectStatements(model: Model): Statements {
  const definitions = new Map<string, Definition[]>();
  const terms: Term[] = [];
  const define = (d: Definition) => {
    const list = definitions.get(d.stmt.name);
    if (list === undefined) definitions.set(d.stmt.name, [d]);
    else list.push(d);
  };
  const walk = (body: readonly Stmt[], start: Scope) => {
    let scope = start;
    for (const stmt of body) {
      switch (stmt.kind) {
        case "site":
          define({ stmt, scope });
          terms.push({ stmt, scope });
          break;
        case "let":
        case "param":
          define({ stmt, scope });
          break;
        case "observe":
        case "factor":
          terms.push({ stmt, scope });
          break;
        case "local":
          scope = { parent: scope, step: stmt };
          break;
        case "for":
          walk(stmt.body, { parent: scope, step: stmt });
          break;
        case "if":
          walk(stmt.then, { parent: scope, step: { ...stmt, kind: "if", holds: true } });
          walk(stmt.else, { parent: scope, step: { ...stmt, kind: "if", holds: false } });
          break;
      }
    }
  };
  walk(model.body, {});
  return { definitions, terms };
}

/** Contexts by scope, one cache per lowering. */
export type ContextCache = Map<Scope, Context>;

/** The context of a scope: loops as axes, conditions as the index tuples they leave. */
export function contextOf(l: Lowerer, cache: ContextCache, scope: Scope): Context {
  const known = cache.get(scope);
  if (known !== undefined) return known;
  const made = makeContext(l, cache, scope);
  cache.set(scope, made);
  return made;
}

function makeContext(l: Lowerer, cache: ContextCache, scope: Scope): Context {
  const { parent, step } = scope;
  if (parent === undefined || step === undefined) return emptyContext;
  const outer = contextOf(l, cache, parent);
  switch (step.kind) {
    case "local":
      return withLocal(outer, step.name, step.value);
    case "for": {
      const inner = pushBinder(l, step.binder, outer);
      // Bounds that depend on outer loops: keep just the index tuples of the ragged shape.
      if (inner.mask === undefined) return inner;
      const { mask, ...rest } = inner;
      return filterContext(rest, mask.axes, mask.data);
    }
    case "if": {
      const condition = l.lower(step.condition, outer);
      const data = constantData(l, condition.node);
      if (data === undefined) return fail("random_condition", step.condition.span, {});
      const keep = data.map((c) => ((c !== 0) === step.holds ? 1 : 0));
      if (keep.every((k) => k === 1)) return outer;
      if (condition.axes.length > 0) return filterContext(outer, condition.axes, keep);
      // The same for all: nothing is left of this branch.
      return { ...outer, axes: [...outer.axes, { name: "never", size: 0 }] };
    }
  }
}

export function tupleCount(context: Context): number {
  return axisSizes(context.axes).reduce((n, d) => n * d, 1);
}

/**
 * The row-major positions among `dims` that a target's indices take, one for each index tuple of
 * the context.
 */
export function targetPositions(
  l: Lowerer,
  name: string,
  indices: readonly Expr[],
  dims: readonly number[],
  context: Context,
): Float64Array {
  const positions = new Float64Array(tupleCount(context));
  indices.forEach((index, axis) => {
    const lowered = l.lower(index, context);
    const values = spread(hostInts(l, lowered), lowered.axes, context.axes);
    const size = dims[axis];
    for (let i = 0; i < positions.length; i++) {
      const at = values[i];
      if (!(at >= 0 && at < size)) {
        fail("index_out_of_range", index.span, { what: name, index: at, size, axis });
      }
      positions[i] = positions[i] * size + at;
    }
  });
  return positions;
}
