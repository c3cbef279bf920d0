/**
 * The body of a scan: what its statements read from outside is computed there for all steps at once
 * and handed in row by row, or once for all steps.
 */
import { internalError } from "../../base/internal.js";
import type { Expr } from "../../model/ir.js";
import { freeVariables } from "../../model/traverse.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import type { DType, InputNode, Node } from "../../tensor/ops.js";
import { type Axis, axisSizes, type Context, type Lowered, type Mask } from "./context.js";
import { makeLowerer } from "./expr.js";
import { hostValue } from "./guards.js";
import { constantData, type Lowerer } from "./lowerer.js";

export type Refuse = (reason: string) => never;

/** What is handed to a scan's body, with the inputs that stand for it there. */
export class Handed {
  /** A row a step. */
  readonly xs: Node[] = [];
  readonly slices: InputNode[] = [];
  /** The same for every step. */
  readonly consts: Node[] = [];
  readonly shared: InputNode[] = [];
  readonly #inputs = new Map<Node, InputNode>();

  hand(body: GraphBuilder, node: Node, isRow: boolean): InputNode {
    const known = this.#inputs.get(node);
    if (known !== undefined) return known;
    const name = `${isRow ? "slice" : "const"}${(isRow ? this.xs : this.consts).length}`;
    const shape = isRow ? node.shape.slice(1) : node.shape;
    const input = body.input(name, shape, node.dtype);
    (isRow ? this.xs : this.consts).push(node);
    (isRow ? this.slices : this.shared).push(input);
    this.#inputs.set(node, input);
    return input;
  }
}

/**
 * Reads of the body from outside. There all steps stand along `axis`; inside they are gone, or, where
 * a step has several places, the places of one step are `slot`, and `axis` lists those of all steps.
 */
export class Imports {
  readonly #outer = new WeakMap<Context, Context>();
  #top: Context | undefined;

  constructor(
    readonly lowerer: Lowerer,
    readonly body: GraphBuilder,
    readonly handed: Handed,
    readonly axis: Axis,
    readonly slot?: Axis,
  ) {}

  /** Notes the context outside that a body context comes from. */
  remember(inner: Context, outer: Context): void {
    this.#outer.set(inner, outer);
    this.#top = outer;
  }

  /** The same place with all steps as its first axis. */
  outerOf(inner: Context): Context {
    const known = this.#outer.get(inner);
    if (known !== undefined) return known;
    const top = this.#top ?? internalError("a scan's body has no context");
    const vars = new Map([...inner.vars]);
    for (const [name, v] of top.vars) if (v.axis.name === this.axis.name) vars.set(name, v);
    const rest = inner.axes.filter((a) => a.name !== this.slot?.name);
    const made: Context = { ...inner, axes: [this.axis, ...rest], vars };
    this.#outer.set(inner, made);
    return made;
  }

  read(e: Expr, context: Context): Lowered {
    return this.handIn(this.lowerer.lower(e, this.outerOf(context)));
  }

  /** A value from outside as the body sees it. */
  handIn(value: Lowered): Lowered {
    const { node, axes } = value;
    // All steps are the first axis of a context outside, so that rows are already in front.
    if (axes[0]?.name === this.axis.name) return this.#row(node, axes.slice(1));
    const data = constantData(this.lowerer, node);
    if (data === undefined) return { node: this.handed.hand(this.body, node, false), axes };
    return { node: this.body.constant(data, node.shape, node.dtype), axes };
  }

  /** Data over all steps, then `axes` and `event`: one value for all where the steps agree. */
  data(
    values: Float64Array,
    axes: readonly Axis[],
    event: readonly number[],
    dtype: DType,
  ): Lowered {
    const shape = [this.axis.size, ...axisSizes(axes), ...event];
    const inner = [...(this.slot === undefined ? [] : [this.slot]), ...axes];
    const width = [...axisSizes(inner), ...event].reduce((n, d) => n * d, 1);
    if (width > 0 && values.every((v, i) => v === values[i % width])) {
      const own = values.slice(0, width);
      return { node: this.body.constant(own, [...axisSizes(inner), ...event], dtype), axes: inner };
    }
    return this.#row(this.lowerer.g.constant(values, shape, dtype), axes);
  }

  #row(node: Node, axes: readonly Axis[]): Lowered {
    if (this.slot === undefined) return { node: this.handed.hand(this.body, node, true), axes };
    const { size } = this.slot;
    const steps = size === 0 ? 0 : this.axis.size / size;
    const rows = this.lowerer.g.reshape(node, [steps, size, ...node.shape.slice(1)]);
    return { node: this.handed.hand(this.body, rows, true), axes: [this.slot, ...axes] };
  }

  maskAt({ axes, data }: Mask): Lowered {
    const { node, axes: own } = this.data(data, axes.slice(1), [], "real");
    return { node: this.body.gt(node, 0), axes: own };
  }
}

/**
 * The lowerer of a body's statements.
 * @param members the variables that the scan computes
 * @param inside how they are read
 */
export function bodyLowerer(
  imports: Imports,
  members: ReadonlyMap<string, unknown>,
  refuse: Refuse,
  inside: (e: Expr, context: Context) => Lowered | undefined,
): Lowerer {
  const isInside = (e: Expr, context: Context) => dependsOn(e, members, context, new Map());
  return makeLowerer({
    g: imports.body,
    conditioned: imports.lowerer.conditioned,
    variable: (name) => internalError(`${name} is read whole inside a scan`),
    localValues: new WeakMap(),
    constants: new Map(),
    recurrence: {
      outside: (e, context) =>
        e.kind === "const" || isInside(e, context) ? undefined : imports.read(e, context),
      refuse,
      hostValue: (e, context) =>
        isInside(e, context) ? undefined : hostValue(imports.lowerer, e, imports.outerOf(context)),
      inside,
      maskAt: (mask) => imports.maskAt(mask),
    },
  });
}

/** Whether a body expression reads the recurrence, also through local definitions. */
function dependsOn(
  e: Expr,
  members: ReadonlyMap<string, unknown>,
  context: Context,
  seen: Map<string, boolean>,
): boolean {
  for (const name of freeVariables(e)) {
    if (members.has(name)) return true;
    const local = context.locals.get(name);
    if (local === undefined || seen.has(name)) continue;
    seen.set(name, false);
    if (dependsOn(local, members, context, seen)) return true;
  }
  return false;
}

export function withoutAxis(context: Context, axis: Axis): Context {
  const vars = new Map([...context.vars].filter(([, v]) => v.axis.name !== axis.name));
  return { ...context, axes: context.axes.filter((a) => a.name !== axis.name), vars };
}

/** Integers in a real recurrence, such as `let m[0] = 0`, under the recurrence's type. */
export function withType(l: Lowerer, node: Node, dtype: DType): Node {
  if (node.dtype === dtype) return node;
  const data = constantData(l, node);
  if (data !== undefined) return l.g.constant(data, node.shape, dtype);
  return dtype === "real" ? l.g.mul(node, l.g.constant(1)) : l.g.trunc(node);
}
