/**
 * Whether, and how, a `parallel` loop runs as SIMD lanes. Two iterations run in the lanes of one
 * vector; a local is `varying` if its value differs between iterations and uniform otherwise.
 */
import type { Expr, KernelFunction, Reduction, Stmt } from "../../kernel/ir.js";
import type { ModuleScope } from "./builder.js";
import { operands, straightLine } from "./inline.js";

type ForStmt = Extract<Stmt, { readonly kind: "for" }>;

export interface VectorPlan {
  /** The parallel loop's index; none in the vector form of a function. */
  readonly index?: string;
  /** Where the loop runs once, the index of its first lane: it is a literal then. */
  readonly only?: number;
  readonly varying: ReadonlySet<string>;
  /** Varying i32 locals that only ever hold 0 or 1: kept as lane masks. */
  readonly masks: ReadonlySet<string>;
  readonly reductions: ReadonlyMap<string, Reduction["fn"]>;
  /** Locals assigned and buffers stored by the body: what reads them is not invariant. */
  readonly assigned: ReadonlySet<string>;
  readonly stored: ReadonlySet<string>;
  /** Expression nodes of the body. */
  readonly size: number;
}

interface Facts {
  readonly sets: { readonly name: string; readonly type: string; readonly value: Expr }[];
  readonly assigned: Set<string>;
  readonly stored: Set<string>;
  readonly uniformNeeded: Expr[];
  readonly storeIndices: Expr[];
  size: number;
}

/**
 * The plan for a loop, or undefined where it has to stay scalar: a branch or inner loop that
 * depends on the iteration, a call with effects, a local carried between iterations other than as
 * a listed reduction, or a store to one element from all iterations.
 */
export function planLoop(loop: ForStmt, module: ModuleScope): VectorPlan | undefined {
  if (loop.step !== 1) return undefined;
  const reductions = new Map(loop.parallel?.reductions.map(({ local, fn }) => [local, fn]));
  const facts = emptyFacts();
  if (!collect(loop.body, facts, reductions, module)) return undefined;
  facts.assigned.add(loop.index);
  const locals = [...facts.assigned].filter((name) => !reductions.has(name));
  if (!isPrivate(loop.body, new Set([loop.index]), new Set(locals))) return undefined;
  const varying = findVarying(facts, new Set([loop.index]));
  if (facts.uniformNeeded.some((e) => varies(e, varying))) return undefined;
  if (facts.storeIndices.some((e) => !varies(e, varying))) return undefined;
  return {
    index: loop.index,
    varying,
    masks: findMasks(facts, varying),
    reductions,
    assigned: facts.assigned,
    stored: facts.stored,
    size: facts.size,
  };
}

/**
 * The plan for the vector form of a function of f64 (all parameters varying), or undefined unless
 * it is straight-line code of operations that all have a two-lane form.
 */
export function planFunction(fn: KernelFunction, module: ModuleScope): VectorPlan | undefined {
  const body = straightLine(fn);
  if (body === undefined || fn.result !== "f64") return undefined;
  if (fn.params.some(({ type }) => type !== "f64")) return undefined;
  const facts = emptyFacts();
  if (!collect(body.sets, facts, new Map(), module)) return undefined;
  const varying = findVarying(facts, new Set(fn.params.map(({ name }) => name)));
  const masks = findMasks(facts, varying);
  const lanesOnly = (e: Expr): boolean => {
    if (e.kind === "load") return true;
    if (!varies(e, varying)) return false;
    if (e.kind === "local" && e.type === "i32") return !masks.has(e.name);
    if (e.kind === "call") {
      if (module.vectorPlan(e.fn) === undefined) return true;
    }
    if (e.kind === "convert" && e.fn !== "i64_bits" && e.fn !== "f64_bits") return true;
    if (e.kind === "binary" && e.type === "i64" && !vectorIntegers.has(e.fn)) return true;
    if (e.kind === "binary" && e.type === "i32" && !isMask(e, masks)) return true;
    return operands(e).some(lanesOnly);
  };
  if ([...body.sets.map(({ value }) => value), body.result].some(lanesOnly)) return undefined;
  const { assigned, stored, size } = facts;
  return { varying, masks, reductions: new Map(), assigned, stored, size };
}

/** i64 operations with a two-lane instruction (shifts: by a uniform count). */
const vectorIntegers: ReadonlySet<string> = new Set([
  "add",
  "sub",
  "mul",
  "and",
  "or",
  "xor",
  "shl",
  "shr_s",
  "shr_u",
]);

function emptyFacts(): Facts {
  return {
    sets: [],
    assigned: new Set(),
    stored: new Set(),
    uniformNeeded: [],
    storeIndices: [],
    size: 0,
  };
}

/** Gathers what a body does; false if a statement or call has no vector form. */
function collect(
  body: readonly Stmt[],
  facts: Facts,
  reductions: ReadonlyMap<string, Reduction["fn"]>,
  module: ModuleScope,
): boolean {
  const usable = (e: Expr): boolean => {
    facts.size += 1;
    if (e.kind === "local" && reductions.has(e.name)) return false;
    if (e.kind === "call" && !module.isPure(e.fn)) return false;
    return operands(e).every(usable);
  };
  return body.every((stmt) => {
    switch (stmt.kind) {
      case "set": {
        facts.assigned.add(stmt.local.name);
        const fn = reductions.get(stmt.local.name);
        if (fn === undefined) {
          facts.sets.push({ ...stmt.local, value: stmt.value });
          return usable(stmt.value);
        }
        const term = reductionTerm(stmt.local.name, fn, stmt.value);
        return stmt.local.type === "f64" && term !== undefined && usable(term);
      }
      case "store":
        facts.stored.add(stmt.buffer);
        facts.storeIndices.push(stmt.index);
        return usable(stmt.index) && usable(stmt.value);
      case "for":
        facts.assigned.add(stmt.index);
        facts.uniformNeeded.push(stmt.from, stmt.to);
        return (
          usable(stmt.from) && usable(stmt.to) && collect(stmt.body, facts, reductions, module)
        );
      case "if":
        facts.uniformNeeded.push(stmt.condition);
        return (
          usable(stmt.condition) &&
          collect(stmt.then, facts, reductions, module) &&
          collect(stmt.else, facts, reductions, module)
        );
      default:
        return false;
    }
  });
}

/** `e` of `a = a ⊕ e` (either order), or undefined if the value has another form. */
export function reductionTerm(name: string, fn: Reduction["fn"], value: Expr): Expr | undefined {
  if (value.kind !== "binary" || value.fn !== fn) return undefined;
  if (value.x.kind === "local" && value.x.name === name) return value.y;
  if (value.y.kind === "local" && value.y.name === name) return value.x;
  return undefined;
}

/**
 * Whether every local of `own` is assigned before it is read in each iteration. Names in
 * `defined` are; the body's assignments are added to it.
 */
function isPrivate(body: readonly Stmt[], defined: Set<string>, own: ReadonlySet<string>): boolean {
  const ready = (e: Expr): boolean =>
    e.kind === "local" ? defined.has(e.name) || !own.has(e.name) : operands(e).every(ready);
  return body.every((stmt) => {
    switch (stmt.kind) {
      case "set": {
        const ok = ready(stmt.value);
        defined.add(stmt.local.name);
        return ok;
      }
      case "store":
        return ready(stmt.index) && ready(stmt.value);
      case "for": {
        const inside = new Set(defined).add(stmt.index);
        return ready(stmt.from) && ready(stmt.to) && isPrivate(stmt.body, inside, own);
      }
      case "if": {
        const then = new Set(defined);
        const otherwise = new Set(defined);
        const ok =
          ready(stmt.condition) &&
          isPrivate(stmt.then, then, own) &&
          isPrivate(stmt.else, otherwise, own);
        for (const name of then) if (otherwise.has(name)) defined.add(name);
        return ok;
      }
      default:
        return false;
    }
  });
}

/** Whether the value of `e` depends on the lane. */
export function varies(e: Expr, varying: ReadonlySet<string>): boolean {
  if (e.kind === "local") return varying.has(e.name);
  return operands(e).some((operand) => varies(operand, varying));
}

function findVarying(facts: Facts, from: Set<string>): Set<string> {
  for (;;) {
    const before = from.size;
    for (const { name, value } of facts.sets) if (varies(value, from)) from.add(name);
    if (from.size === before) return from;
  }
}

const comparisons: ReadonlySet<string> = new Set(["eq", "ne", "lt", "le", "gt", "ge", "lt_u"]);

/** Whether an i32 expression is 0 or 1 by its form. */
export function isMask(e: Expr, masks: ReadonlySet<string>): boolean {
  switch (e.kind) {
    case "const":
      return e.value === 0 || e.value === 1;
    case "local":
      return masks.has(e.name);
    case "unary":
      return e.fn === "eqz";
    case "binary":
      if (comparisons.has(e.fn)) return true;
      return (
        (e.fn === "and" || e.fn === "or" || e.fn === "xor") &&
        isMask(e.x, masks) &&
        isMask(e.y, masks)
      );
    case "select":
      return isMask(e.then, masks) && isMask(e.else, masks);
    default:
      return false;
  }
}

/** Greatest set of varying i32 locals whose every value is a mask, given the set itself. */
function findMasks(facts: Facts, varying: ReadonlySet<string>): Set<string> {
  const sets = facts.sets.filter(({ name, type }) => type === "i32" && varying.has(name));
  const masks = new Set(sets.map(({ name }) => name));
  for (;;) {
    const before = masks.size;
    for (const { name, value } of sets) if (!isMask(value, masks)) masks.delete(name);
    if (masks.size === before) return masks;
  }
}

/** `rest` of `index + rest` where `rest` is uniform: elements of successive lanes are adjacent. */
export function unitStride(e: Expr, plan: VectorPlan): boolean {
  if (e.kind === "local") return e.name === plan.index;
  if (e.kind !== "binary") return false;
  if (e.fn === "add") {
    return (
      (unitStride(e.x, plan) && !varies(e.y, plan.varying)) ||
      (unitStride(e.y, plan) && !varies(e.x, plan.varying))
    );
  }
  return e.fn === "sub" && unitStride(e.x, plan) && !varies(e.y, plan.varying);
}
