/**
 * Scalar code for single elements of nodes. Code is written into a stack of scopes, one per loop
 * level; a value goes to the outermost scope in which its coordinates are known, and is made once
 * per scope.
 */
import { internalError } from "../../base/internal.js";
import * as k from "../../kernel/build.js";
import type { Expr, Stmt } from "../../kernel/ir.js";
import type { BinaryNode, Node, Shape, UnaryNode } from "../../tensor/ops.js";
import { sizeOf, stridesOf } from "../../tensor/shape-rules.js";
import type { FunctionContext, Storage } from "./context.js";
import { type Coordinates, sourceOf } from "./descend.js";
import { binaryRules, conditionOf, numberOf, ternaryRules, unaryRules } from "./elementwise.js";
import {
  type Affine,
  depthOf,
  type IndexVar,
  indexExpr,
  indexKey,
  linear,
  plus,
  variableIndex,
} from "./index-maps.js";
import { affineIndexAt, keepsAxes } from "./nodes.js";
import type { Roots } from "./roots.js";

export interface Scope {
  readonly code: Stmt[];
  readonly known: Map<string, Expr>;
}

export class ValueEmitter {
  readonly context: FunctionContext;
  readonly roots: Roots;
  /** Of roots that are stored, and of inputs. */
  readonly storage: Map<Node, Storage>;
  readonly scopes: Scope[] = [];
  /** The index within the block, while a loop runs block by block. */
  blockIndex: Expr | undefined;
  /** The scope that code goes to. */
  #level = 0;

  constructor(context: FunctionContext, roots: Roots, storage: Map<Node, Storage>, code: Stmt[]) {
    this.context = context;
    this.roots = roots;
    this.storage = storage;
    this.scopes.push({ code, known: new Map() });
  }

  /** Runs `f` in a new innermost scope and returns its code. */
  inScope(f: () => void): Stmt[] {
    const code: Stmt[] = [];
    this.scopes.push({ code, known: new Map() });
    this.#level = this.scopes.length - 1;
    f();
    this.scopes.pop();
    this.#level = this.scopes.length - 1;
    return code;
  }

  get code(): Stmt[] {
    return this.scopes[this.#level].code;
  }

  /** The level of scopes below the present one. */
  get depth(): number {
    return this.#level;
  }

  /** From now on, in this scope, the element of `node` at the coordinates is `value`. */
  define(node: Node, at: Coordinates, value: Expr): void {
    this.scopes[this.#level].known.set(`${node.id}:${indexKey(at)}`, value);
  }

  /** The number at the coordinates. */
  value(node: Node, at: Coordinates): Expr {
    const uniform = this.roots.uniform(node);
    if (uniform !== undefined) return k.f64(uniform);
    if (node.op === "input" || this.roots.isRoot(node)) {
      const storage = this.storage.get(node);
      if (storage?.kind === "local") return k.get(storage.local);
    }
    const key = `${node.id}:${indexKey(at)}`;
    return this.#once(key, depthOf(at), this.roots.usesOf(node) > 1, () => {
      const stored = node.op === "const" || node.op === "input" || this.roots.isRoot(node);
      return stored ? this.#load(node, at) : this.compute(node, at);
    });
  }

  /** The element of an element map from its operands. */
  compute(node: Node, at: Coordinates): Expr {
    switch (node.op) {
      case "unary":
        return this.#unary(node, at);
      case "binary":
        return this.#binary(node, at);
      case "ternary": {
        const rule = ternaryRules[node.fn];
        const x = rule.condition ? this.condition(node.x, at) : this.value(node.x, at);
        return rule.emit(x, this.value(node.y, at), this.value(node.z, at));
      }
      case "reshape":
        if (!keepsAxes(node.x.shape, node.shape)) return this.#loadReshaped(node.x, node.shape, at);
        return this.#moved(node, at);
      default:
        return this.#moved(node, at);
    }
  }

  /** The truth value at the coordinates, as an i32. */
  condition(node: Node, at: Coordinates): Expr {
    const direct = !this.roots.isRoot(node) && this.roots.usesOf(node) <= 1;
    if (direct && node.op === "unary" && node.fn === "not") {
      return k.unary("eqz", this.condition(node.x, at));
    }
    if (direct && node.op === "binary") {
      const rule = binaryRules[node.fn];
      if (rule.kind === "comparison") {
        return k.binary(rule.fn, this.value(node.x, at), this.value(node.y, at));
      }
      if (rule.kind === "logic") {
        return k.binary(rule.fn, this.condition(node.x, at), this.condition(node.y, at));
      }
    }
    return conditionOf(this.value(node, at));
  }

  /** The index that `indices` holds at the coordinates. */
  index(indices: Node, at: Coordinates, extent: number): Affine {
    const affine = affineIndexAt(indices, at);
    if (affine !== undefined) return affine;
    const depth = depthOf(at);
    const expr = this.#once(`i${indices.id}:${indexKey(at)}`, depth, true, () => {
      if (indices.op !== "const") return k.convert("i32_from_f64", this.value(indices, at));
      const buffer = this.context.constants.add(Int32Array.from(indices.data));
      return k.load(buffer, indexExpr(linear(at, stridesOf(indices.shape))), "i32");
    });
    const known = this.#indexVars.get(expr);
    if (known !== undefined) return variableIndex(known);
    const variable: IndexVar = { id: this.context.variableId(), expr, depth, extent };
    this.#indexVars.set(expr, variable);
    return variableIndex(variable);
  }
  readonly #indexVars = new Map<Expr, IndexVar>();

  /**
   * The value under `key`, from code in the scope of level `depth`. It gets a local when it is used
   * `often`, or made outside the scope that asks.
   */
  #once(key: string, depth: number, often: boolean, make: () => Expr): Expr {
    const scope = this.scopes[depth];
    const known = scope.known.get(key);
    if (known !== undefined) return known;
    const asking = this.#level;
    this.#level = depth;
    let value = make();
    if ((often || depth < asking) && value.kind !== "const" && value.kind !== "local") {
      value = this.context.bind(scope.code, "t", value);
    }
    this.#level = asking;
    if (value.kind === "local") scope.known.set(key, value);
    return value;
  }

  #unary(node: UnaryNode, at: Coordinates): Expr {
    const rule = unaryRules[node.fn];
    if (node.fn === "not") return numberOf(k.unary("eqz", this.condition(node.x, at)));
    if (node.fn === "sigmoid" || node.fn === "softplus") {
      if (this.roots.sharesExponential(node.x)) return this.#logistic(node.fn, node.x, at);
    }
    let x = this.value(node.x, at);
    if (rule.copies && x.kind !== "local" && x.kind !== "const") {
      x = this.context.bind(this.code, "t", x);
    }
    return rule.emit(x);
  }

  /** The library's formulas, with exp(−|x|) made once for both functions. */
  #logistic(fn: "sigmoid" | "softplus", node: Node, at: Coordinates): Expr {
    const x = this.value(node, at);
    const e = this.#once(`e${node.id}:${indexKey(at)}`, depthOf(at), true, () =>
      k.call("exp", [k.neg(k.unary("abs", x))]),
    );
    // max(x, 0) that keeps NaN, as a select.
    const positive = k.select(k.lt(x, k.f64(0)), k.f64(0), x);
    if (fn === "softplus") return k.add(positive, k.call("log1p", [e]));
    return k.div(k.select(k.lt(x, k.f64(0)), e, k.f64(1)), k.add(k.f64(1), e));
  }

  #binary(node: BinaryNode, at: Coordinates): Expr {
    const rule = binaryRules[node.fn];
    switch (rule.kind) {
      case "value":
        return rule.emit(this.value(node.x, at), this.value(node.y, at));
      case "comparison":
        return numberOf(k.binary(rule.fn, this.value(node.x, at), this.value(node.y, at)));
      case "logic":
        return numberOf(k.binary(rule.fn, this.condition(node.x, at), this.condition(node.y, at)));
    }
  }

  #moved(node: Node, at: Coordinates): Expr {
    const source = sourceOf(node, at, (indices, where, extent) =>
      this.index(indices, where, extent),
    );
    return source === "zero" ? k.f64(0) : this.value(source.node, source.at);
  }

  #load(node: Node, at: Coordinates): Expr {
    const storage = this.storageOf(node);
    if (storage.kind === "local") return k.get(storage.local);
    if (storage.kind === "block") {
      return k.load(storage.buffer, this.blockIndex ?? internalError("a block was left"));
    }
    return k.load(storage.buffer, indexExpr(linearIn(storage, at)));
  }

  /** An element of `x`, which is contiguous, by its coordinates in another shape. */
  #loadReshaped(x: Node, shape: Shape, at: Coordinates): Expr {
    const view = this.roots.viewOf(x) ?? internalError("a reshape of a node without storage");
    const uniform = this.roots.uniform(view.base);
    if (uniform !== undefined) return k.f64(uniform);
    const storage = this.storageOf(view.base);
    if (storage.kind === "local") return k.get(storage.local);
    if (storage.kind === "block") internalError("a reshape of a block");
    const flat = linear(at, stridesOf(shape), view.offset);
    return k.load(storage.buffer, indexExpr(plus(storage.offset, flat)));
  }

  /** Of an input, a constant or a stored root. */
  storageOf(node: Node): Storage {
    let storage = this.storage.get(node);
    const empty = sizeOf(node.shape) === 0;
    if (storage === undefined && (node.op === "const" || empty)) {
      // Nothing is ever read where there are no elements, but loops over them name a buffer.
      const data = empty || node.op !== "const" ? new Float64Array(1) : node.data;
      const buffer = this.context.constants.add(data);
      const strides = stridesOf(node.shape);
      storage = { kind: "buffer", buffer, offset: { constant: 0, terms: [] }, strides };
      this.storage.set(node, storage);
    }
    return storage ?? internalError(`${node.op} of ${sizeOf(node.shape)} elements has no storage`);
  }
}

/** The position of an element in a buffer. */
export function linearIn(storage: Extract<Storage, { kind: "buffer" }>, at: Coordinates): Affine {
  return plus(storage.offset, linear(at, storage.strides));
}
