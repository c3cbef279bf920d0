/** Expressions of the model IR to tensor nodes: a total table over the kinds of expression. */
import { internalError } from "../../base/internal.js";
import type { Expr, ReduceOp } from "../../model/ir.js";
import { gradient } from "../../passes/grad/index.js";
import { substitute } from "../../tensor/transform.js";
import { pushBinders } from "./binders.js";
import { lowerBuiltin } from "./builtins.js";
import {
  axisSizes,
  type Context,
  eventRank,
  eventShape,
  expand,
  type Lowered,
  type Mask,
  unionAxes,
  withLocal,
} from "./context.js";
import { lowerDistMethod } from "./dist.js";
import { guardOf } from "./guards.js";
import { lowerIndex } from "./indexing.js";
import { type Lowerer, type LowererState, scalarLowered } from "./lowerer.js";

type ExprOf<K extends Expr["kind"]> = Extract<Expr, { kind: K }>;
type Rule<K extends Expr["kind"]> = (l: Lowerer, e: ExprOf<K>, context: Context) => Lowered;

const rules: { [K in Expr["kind"]]: Rule<K> } = {
  const: (l, e) => scalarLowered(l.g.constant(e.value, [], e.type.scalar)),
  var: lowerVar,
  call: (l, e, context) => lowerBuiltin(l, e, context),
  index: (l, e, context) => lowerIndex(l, e, context),
  array: lowerArray,
  if: lowerIf,
  comprehension: lowerComprehension,
  reduce: lowerReduce,
  block: (l, e, context) => {
    let inner = context;
    for (const { name, value } of e.lets) inner = withLocal(inner, name, value);
    return lowerExpr(l, e.result, inner);
  },
  grad: lowerGrad,
  dist_method: (l, e, context) => lowerDistMethod(l, e, context),
};

/** A lowerer over the given state. */
export function makeLowerer(state: LowererState): Lowerer {
  const l: Lowerer = {
    ...state,
    lower: (e, context) => lowerExpr(l, e, context),
    withEnumerated: (enumerated) =>
      makeLowerer({ ...state, enumerated, localValues: new WeakMap() }),
  };
  return l;
}

/** The value of `e` for all index tuples of the context at once. */
function lowerExpr(l: Lowerer, e: Expr, context: Context): Lowered {
  if (l.recurrence !== undefined) {
    const known = l.recurrence.outside(e, context) ?? l.recurrence.inside(e, context);
    if (known !== undefined) return known;
  }
  const values = l.enumerated?.(e, context);
  if (values !== undefined) return values;
  // The rule's node narrows with the key, which indexing a union cannot express.
  return (rules[e.kind] as Rule<Expr["kind"]>)(l, e as never, context);
}

function lowerVar(l: Lowerer, e: ExprOf<"var">, context: Context): Lowered {
  switch (e.role) {
    case "index": {
      const v = context.vars.get(e.name);
      if (v === undefined) return internalError(`the loop variable ${e.name} is not in scope`);
      return { node: l.g.constant(v.values, [v.axis.size], "int"), axes: [v.axis] };
    }
    case "local": {
      const held = context.held?.get(e.name);
      if (held !== undefined) return held;
      const value = context.locals.get(e.name);
      if (value === undefined) return internalError(`the local ${e.name} is not in scope`);
      let values = l.localValues.get(context);
      if (values === undefined) {
        values = new Map();
        l.localValues.set(context, values);
      }
      let lowered = values.get(e.name);
      if (lowered === undefined) {
        lowered = lowerExpr(l, value, context);
        values.set(e.name, lowered);
      }
      return lowered;
    }
    case "input": {
      const value = l.conditioned.inputs.get(e.name);
      if (value !== undefined) {
        return scalarLowered(l.g.constant(value.data, value.dims, e.type.scalar));
      }
      const size = l.conditioned.sizes.get(e.name);
      if (size === undefined) return internalError(`the input ${e.name} has no value`);
      return scalarLowered(l.g.constant(size, [], "int"));
    }
    default:
      return scalarLowered(l.variable(e.name, context));
  }
}

/**
 * The gradient by reverse mode in an input that stands for the point. That has every loop that the
 * body depends on, so that no index tuple sees another's point.
 */
function lowerGrad(l: Lowerer, e: ExprOf<"grad">, context: Context): Lowered {
  l.recurrence?.refuse("`grad(…)` stands inside it");
  const point = lowerExpr(l, e.point, context);
  const at = (axes: readonly Lowered["axes"][number][]) => {
    const value = expand(l.g, point, axes);
    const place = l.g.input(`${e.variable}.at#${l.g.inputs.length}`, value.shape);
    const held = new Map(context.held).set(e.variable, { node: place, axes });
    const body = lowerExpr(l, e.body, { ...context, held });
    return { value, place, body, axes };
  };
  let made = at(point.axes);
  const axes = unionAxes(context, [point, made.body]);
  if (axes.length > made.axes.length) made = at(axes);
  const { g } = l;
  const [slope] = gradient(g, g.sum(made.body.node), [made.place]);
  g.stand(made.place, made.value);
  const [node] = substitute(g, [slope], new Map([[made.place, made.value]]));
  return { node, axes: made.axes };
}

function lowerArray(l: Lowerer, e: ExprOf<"array">, context: Context): Lowered {
  const items = e.items.map((item) => lowerExpr(l, item, context));
  const axes = unionAxes(context, items);
  if (items.length === 0) return scalarLowered(l.g.constant([], [0], e.type.scalar));
  const rows = items.map((item) => {
    const full = expand(l.g, item, axes);
    const shape = [...axisSizes(axes), 1, ...eventShape(item)];
    return l.g.reshape(full, shape);
  });
  return { node: l.g.concat(rows, axes.length), axes };
}

function lowerIf(l: Lowerer, e: ExprOf<"if">, context: Context): Lowered {
  const condition = lowerExpr(l, e.condition, context);
  const guard = guardOf(l, e.condition, context);
  if (guard?.data.every((c) => c !== 0)) return lowerExpr(l, e.then, context);
  if (guard?.data.every((c) => c === 0)) return lowerExpr(l, e.else, context);
  const then = lowerExpr(l, e.then, guard?.where(true) ?? context);
  const otherwise = lowerExpr(l, e.else, guard?.where(false) ?? context);
  const axes = unionAxes(context, [condition, then, otherwise]);
  const event = eventShape(eventRank(then) >= eventRank(otherwise) ? then : otherwise);
  const fill = (v: Lowered) => expand(l.g, v, axes, eventRank(v) < event.length ? event : []);
  const node = l.g.select(
    expand(l.g, condition, axes, event as number[]),
    fill(then),
    fill(otherwise),
  );
  return { node, axes };
}

function lowerComprehension(l: Lowerer, e: ExprOf<"comprehension">, context: Context): Lowered {
  const inner = pushBinders(l, e.binders, context);
  const body = lowerExpr(l, e.body, inner);
  return { node: bodyOverBinders(l, body, context, inner), axes: outerAxes(context, body) };
}

function outerAxes(context: Context, body: Lowered): readonly Lowered["axes"][number][] {
  return unionAxes(context, [body]);
}

/** The body repeated over all binder axes, which become event dims. */
function bodyOverBinders(l: Lowerer, body: Lowered, outer: Context, inner: Context) {
  const axes = [...outerAxes(outer, body), ...inner.axes.slice(outer.axes.length)];
  return expand(l.g, body, axes);
}

function lowerReduce(l: Lowerer, e: ExprOf<"reduce">, context: Context): Lowered {
  const inner = pushBinders(l, e.binders, context);
  const body = lowerExpr(l, e.body, inner);
  const bound = inner.axes.slice(context.axes.length);
  // Masks from around the reduction need not be applied: nothing reads it where they exclude it.
  const { mask: _, ...unmasked } = context;
  const { mask: own } = pushBinders(l, e.binders, unmasked);
  const mask = own === undefined ? undefined : maskLowered(l, own, inner);
  const outer = unionAxes(context, mask === undefined ? [body] : [body, mask]);
  const axes = [...outer, ...bound];
  let node = expand(l.g, body, axes);
  if (mask !== undefined) {
    const m = expand(l.g, mask, axes);
    const identity = l.g.full(node.shape, reduceIdentity[e.op], node.dtype);
    node = l.g.select(m, node, identity);
  }
  const over = bound.map((_, k) => outer.length + k);
  const counts =
    mask === undefined
      ? l.g.constant(bound.reduce((n, a) => n * a.size, 1))
      : l.g.sum(expand(l.g, mask, axes), over);
  const rule = reduceRules[e.op];
  return { node: rule(l, node, over, counts), axes: outer };
}

/** A mask's value; inside a scan it may be over all of its steps, which the context lacks. */
function maskLowered(l: Lowerer, mask: Mask, context: Context): Lowered {
  const own = new Set(context.axes.map((a) => a.name));
  if (l.recurrence !== undefined && mask.axes.some((a) => !own.has(a.name))) {
    return l.recurrence.maskAt(mask);
  }
  return { node: l.g.constant(mask.data, axisSizes(mask.axes), "bool"), axes: mask.axes };
}

const reduceIdentity: { [K in ReduceOp]: number } = {
  sum: 0,
  prod: 1,
  max: Number.NEGATIVE_INFINITY,
  min: Number.POSITIVE_INFINITY,
  mean: 0,
  logsumexp: Number.NEGATIVE_INFINITY,
  all: 1,
  any: 0,
};

type ReduceRule = (
  l: Lowerer,
  x: Lowered["node"],
  axes: readonly number[],
  counts: Lowered["node"],
) => Lowered["node"];
const reduceRules: { [K in ReduceOp]: ReduceRule } = {
  sum: (l, x, axes) => l.g.reduce("sum", x, axes),
  prod: (l, x, axes) => l.g.reduce("prod", x, axes),
  max: (l, x, axes) => l.g.reduce("max", x, axes),
  min: (l, x, axes) => l.g.reduce("min", x, axes),
  mean: (l, x, axes, counts) => l.g.div(l.g.reduce("sum", x, axes), counts),
  logsumexp: (l, x, axes) => l.g.logsumexp(x, axes),
  // Of nothing: all hold, none does.
  all: (l, x, axes) => l.g.min(l.g.reduce("min", x, axes), 1),
  any: (l, x, axes) => l.g.max(l.g.reduce("max", x, axes), 0),
};
