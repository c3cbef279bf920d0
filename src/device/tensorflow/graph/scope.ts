/**
 * Where TensorFlow nodes are put: the graph, or the body of a function of its library. A function
 * that reads a tensor from outside gets it as one more argument.
 */
import { internalError } from "../../../base/internal.js";
import type { Shape } from "../../../tensor/ops.js";
import { bytesOf } from "./bytes.js";
import { type TfOp, tfOps } from "./ops.js";
import type { Attrs, TfArgument, TfFunction, TfGraph, TfNode, TfType } from "./types.js";
import { typeAttr } from "./types.js";

/** A result of a node, or an argument of a function. */
export interface Tensor {
  readonly scope: Scope;
  /** As readers in its scope write it. */
  readonly ref: string;
  readonly type: TfType;
}

/** What all scopes of one graph share: names and the library. */
class Library {
  readonly functions: TfFunction[] = [];
  constructor(
    /** Whether loops become nodes of the graph, or stay calls of functions. */
    readonly lowersLoops: boolean,
  ) {}
  #count = 0;
  name(stem: string): string {
    return `${stem}_${this.#count++}`;
  }
}

export interface OpOptions {
  readonly attrs?: Attrs;
  /** Tensors that are computed before, whatever is read. */
  readonly after?: readonly string[];
  readonly name?: string;
}

export class Scope {
  readonly #nodes: TfNode[] = [];
  readonly #constants = new Map<string, Tensor>();
  readonly #captured = new Map<string, { readonly outer: Tensor; readonly own: Tensor }>();
  readonly #inputs: TfArgument[] = [];

  private constructor(
    readonly library: Library,
    readonly parent: Scope | undefined,
  ) {}

  /** The scope of a new graph. */
  static graph(options: { readonly lowersLoops: boolean }): Scope {
    return new Scope(new Library(options.lowersLoops), undefined);
  }

  /** A scope for a function that is used in this one. */
  function(): Scope {
    return new Scope(this.library, this);
  }

  /** Adds a node. Inputs from outer scopes are captured. Its results, in order; of these types. */
  ops(
    op: TfOp,
    inputs: readonly Tensor[],
    types: readonly TfType[],
    options: OpOptions = {},
  ): Tensor[] {
    const name = options.name ?? this.library.name(op);
    const own = inputs.map((t) => this.bring(t).ref);
    const after = (options.after ?? []).map((n) => `^${n}`);
    this.#nodes.push({ name, op, inputs: [...own, ...after], attrs: options.attrs ?? {} });
    const results: readonly string[] = tfOps[op];
    return types.map((type, k) => {
      // A single result that is a list is counted within.
      const isList = results.length === 1;
      const inFunction = isList ? `${name}:${results[0]}:${k}` : `${name}:${results[k]}:0`;
      return { scope: this, type, ref: this.parent === undefined ? `${name}:${k}` : inFunction };
    });
  }

  /** A node of one result. */
  op(op: TfOp, inputs: readonly Tensor[], type: TfType, options?: OpOptions): Tensor {
    return this.ops(op, inputs, [type], options)[0];
  }

  /** A constant of few elements; equal ones of a scope are one node. */
  constant(type: TfType, data: ArrayLike<number>, shape: Shape = []): Tensor {
    const bytes = bytesOf(type, data);
    if (bytes.length > 4096) return this.#constant(type, bytes, shape);
    const key = `${type} ${shape.join(",")} ${bytes.join()}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const made = this.#constant(type, bytes, shape);
    this.#constants.set(key, made);
    return made;
  }

  #constant(type: TfType, bytes: Uint8Array, shape: Shape): Tensor {
    const attrs: Attrs = {
      dtype: typeAttr(type),
      value: { kind: "tensor", value: { type, shape, bytes } },
    };
    return this.op("Const", [], type, { attrs });
  }

  /** A whole number or a vector of them, as sizes and axes are given. */
  ints(values: number | readonly number[]): Tensor {
    return typeof values === "number"
      ? this.constant("int32", [values])
      : this.constant("int32", values, [values.length]);
  }

  /** An argument of this function. */
  argument(type: TfType): Tensor {
    const name = this.library.name("x").toLowerCase();
    this.#inputs.push({ name, type });
    return { scope: this, ref: name, type };
  }

  /** The tensor as this scope reads it. */
  bring(t: Tensor): Tensor {
    if (t.scope === this) return t;
    if (this.parent === undefined) return internalError("a tensor of a function read outside it");
    const outer = this.parent.bring(t);
    const known = this.#captured.get(outer.ref);
    if (known !== undefined) return known.own;
    const own = this.argument(t.type);
    this.#captured.set(outer.ref, { outer, own });
    return own;
  }

  /** What this function captured: the outer tensors and the arguments for them. */
  captured(): readonly { readonly outer: Tensor; readonly own: Tensor }[] {
    return [...this.#captured.values()];
  }

  /**
   * Ends a function; its name in the library. Arguments are in the order in which they were made, or
   * in that of `order`, by their names.
   */
  finish(stem: string, results: readonly Tensor[], order?: readonly string[]): string {
    const name = this.library.name(stem);
    const outputs = results.map((t, k) => ({ name: `y_${k}`, type: t.type }));
    const sources = results.map((t, k) => [`y_${k}`, this.bring(t).ref]);
    this.library.functions.push({
      name,
      inputs: order === undefined ? this.#inputs : inOrder(this.#inputs, order),
      outputs,
      nodes: this.#nodes,
      results: Object.fromEntries(sources),
    });
    return name;
  }

  /** The whole graph. */
  toGraph(): TfGraph {
    if (this.parent !== undefined) return internalError("a function is no graph");
    const { functions, lowersLoops } = this.library;
    return { nodes: this.#nodes, functions, isFinal: !lowersLoops };
  }
}

function inOrder(inputs: readonly TfArgument[], names: readonly string[]): readonly TfArgument[] {
  if (names.length !== inputs.length) internalError("arguments of a function are left out");
  return names.map(
    (name) => inputs.find((i) => i.name === name) ?? internalError(`no argument ${name}`),
  );
}
