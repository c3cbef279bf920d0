/**
 * Hash-consing of nodes: equal nodes are one object, so that a graph has no common subexpressions
 * left and passes may compare nodes by identity. Scans are the exception: each is its own.
 */
import { internalError } from "../base/internal.js";
import type { ConstNode, DType, InputNode, Node, NodeOf, Op, Origin, Shape } from "./ops.js";
import { type Draft, type NodeType, sameShape, shapeRules, sizeOf } from "./shape-rules.js";

/** Constants of more elements are hashed by a sample, and compared in full on a hit. */
const HASH_SAMPLES = 32;

type Mutable<T> = { -readonly [P in keyof T]: T[P] };

export class BuilderCore {
  private nextId = 0;
  private origin: Origin | undefined;
  private readonly table = new Map<string, Node>();
  private readonly arrays = new Map<number, ConstNode[]>();
  private readonly inputTable = new Map<string, InputNode>();

  /** Inputs in the order they were made. */
  get inputs(): readonly InputNode[] {
    return [...this.inputTable.values()];
  }

  /** Nodes made while `f` runs carry `origin` (those that exist already keep their first one). */
  withOrigin<T>(origin: Origin | undefined, f: () => T): T {
    const outer = this.origin;
    this.origin = origin ?? outer;
    try {
      return f();
    } finally {
      this.origin = outer;
    }
  }

  /**
   * A constant. A `Float64Array` is kept, not copied: its owner must not write to it any more.
   * The default shape is a scalar for a number, a vector for an array.
   */
  constant(data: number | ArrayLike<number>, shape?: Shape, dtype: DType = "real"): ConstNode {
    if (typeof data === "number") {
      if (shape !== undefined && sizeOf(shape) !== 1) {
        internalError("one number for an array; use full");
      }
      return this.scalar(data, shape ?? [], dtype);
    }
    const array = data instanceof Float64Array ? data : Float64Array.from(data);
    const dims = shape ?? [array.length];
    if (array.length === 1) return this.scalar(array[0], dims, dtype);
    const hash = hashOf(array);
    let bucket = this.arrays.get(hash);
    if (bucket === undefined) {
      bucket = [];
      this.arrays.set(hash, bucket);
    }
    for (const c of bucket) {
      if (c.dtype === dtype && sameShape(c.shape, dims) && sameData(c.data, array)) return c;
    }
    const node = this.register<"const">({ op: "const", data: array, shape: dims, dtype });
    bucket.push(node);
    return node;
  }

  /** The input of that name; a second request must agree in shape and dtype. */
  input(name: string, shape: Shape, dtype: DType = "real"): InputNode {
    const known = this.inputTable.get(name);
    if (known !== undefined) {
      if (!sameShape(known.shape, shape) || known.dtype !== dtype) {
        internalError(`input ${name} asked for with two types`);
      }
      return known;
    }
    const node = this.register<"input">({ op: "input", name, shape, dtype });
    this.inputTable.set(name, node);
    return node;
  }

  /** Says what an input stands for that is no longer one: for builders that keep stopped values. */
  stand(_input: InputNode, _node: Node): void {}

  /**
   * `x` as a constant of gradients. Here it is `x` itself: graphs whose gradients are taken with
   * such constants are made by a builder that knows them.
   */
  stopGradient(x: Node): Node {
    return x;
  }

  /** The node of `key`, or a new one from `draft`. Equal keys must mean equal drafts. */
  protected intern<K extends Op>(key: string, draft: Draft<K>): NodeOf<K> {
    const known = this.table.get(key);
    // The key starts with the op's letter, so the known node is of the same op.
    if (known !== undefined) return known as NodeOf<K>;
    const node = this.register<K>(draft);
    this.table.set(key, node);
    return node;
  }

  /**
   * A new node with an id of its own; its type is that of the shape rules. The draft becomes the
   * node (a copy would double the cost of building), so callers pass a fresh object.
   */
  protected register<K extends Op>(draft: Draft<K>): NodeOf<K> {
    const rule = shapeRules[draft.op] as unknown as (d: Draft<K>) => NodeType;
    const { shape, dtype } = rule(draft);
    const node = draft as unknown as Mutable<Pick<Node, "id" | "shape" | "dtype" | "origin">>;
    node.shape = shape;
    node.dtype = dtype;
    node.id = this.nextId++;
    if (this.origin !== undefined) node.origin = this.origin;
    // TypeScript cannot follow that a draft with an id is the member of the union.
    return node as unknown as NodeOf<K>;
  }

  private scalar(value: number, shape: Shape, dtype: DType): ConstNode {
    const text = Object.is(value, -0) ? "-0" : String(value);
    const key = `c${dtype}|${shape.join()}|${text}`;
    const known = this.table.get(key);
    if (known !== undefined) return known as ConstNode;
    return this.intern<"const">(key, { op: "const", data: Float64Array.of(value), shape, dtype });
  }
}

/** A cheap hash of a sample of the values and of the length. */
function hashOf(data: Float64Array): number {
  let h = data.length | 0;
  const step = Math.max(1, Math.floor(data.length / HASH_SAMPLES));
  for (let i = 0; i < data.length; i += step) {
    const x = data[i];
    h = (Math.imul(h, 31) + (x | 0) + ((x * 65536) | 0)) | 0;
  }
  return h;
}

/** Equal bit for bit up to the kind of NaN; −0 and 0 differ. */
function sameData(a: Float64Array, b: Float64Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}
