/**
 * Philox4x32-10 of src/math/rng/philox.ts in TensorFlow's operations. Words are int64 from 0 to
 * 2³² − 1: products of two fit, as their low 64 bits.
 */
import { bitcast, typed } from "../graph/maths.js";
import type { TfOp } from "../graph/ops.js";
import type { Scope, Tensor } from "../graph/scope.js";
import { intAttr, typeAttr } from "../graph/types.js";
import { below, next, whileLoop } from "../graph/while.js";
import { reshape } from "../lower/value.js";

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;
const ROUNDS = 10;
const MASK = 0xffffffff;
/** `RNG_ALG_PHILOX`. */
const PHILOX = 1;

export type Four = readonly [Tensor, Tensor, Tensor, Tensor];

/** int64 arithmetic in a scope. */
export class Whole {
  constructor(readonly scope: Scope) {}

  lift(x: Tensor | number): Tensor {
    return typeof x === "number" ? this.scope.constant("int64", [x]) : x;
  }
  call(op: TfOp, x: Tensor | number, y: Tensor | number): Tensor {
    const inputs = [this.lift(x), this.lift(y)];
    return this.scope.op(op, inputs, "int64", { attrs: typed("int64") });
  }
  /** 32 bits from bit `from` on. */
  word(x: Tensor, from = 0): Tensor {
    return this.call("BitwiseAnd", from === 0 ? x : this.call("RightShift", x, from), MASK);
  }
  xor(x: Tensor, y: Tensor): Tensor {
    return this.call("BitwiseXor", x, y);
  }
}

/** A seed's two words, the first round's key. */
export interface Key {
  readonly low: Tensor;
  readonly high: Tensor;
}

/** Four words of each counter; counters broadcast. */
export function philox(scope: Scope, key: Key, counter: Four): Four {
  const start = [...counter, key.low, key.high];
  // On a GPU loops would join the graph, and each round wait for the host.
  if (scope.library.lowersLoops) {
    let state: readonly Tensor[] = start;
    for (let k = 0; k < ROUNDS; k++) state = round(scope, state);
    return state.slice(0, 4) as unknown as Four;
  }
  const [, ...end] = whileLoop(scope, [scope.ints(0), ...start], {
    // Counters broadcast in the first round.
    changesShapes: true,
    condition: (s, [i]) => below(s, i, s.ints(ROUNDS)),
    body: (s, [i, ...state]) => [next(s, i), ...round(s, state)],
  });
  return end.slice(0, 4) as unknown as Four;
}

/** One round: the words and the key after it. */
function round(scope: Scope, [x0, x1, x2, x3, k0, k1]: readonly Tensor[]): readonly Tensor[] {
  const w = new Whole(scope);
  const p0 = w.call("Mul", x0, M0);
  const p1 = w.call("Mul", x2, M1);
  return [
    w.xor(w.xor(w.word(p1, 32), x1), k0),
    w.word(p1),
    w.xor(w.xor(w.word(p0, 32), x3), k1),
    w.word(p0),
    w.word(w.call("AddV2", k0, W0)),
    w.word(w.call("AddV2", k1, W1)),
  ];
}

/** Two words as one of 64 bits, the first one low. */
export function joined(scope: Scope, low: Tensor, high: Tensor): Tensor {
  const w = new Whole(scope);
  return w.call("BitwiseOr", low, w.call("LeftShift", high, 32));
}

/**
 * Words of blocks 0 … blocks − 1 of one stream, joined two by two: `[2 blocks]`. TensorFlow's own
 * generator is the same bijection, and counts in its first word as we do. `key` is both words of the
 * seed.
 */
export function streamPairs(
  scope: Scope,
  blocks: number,
  key: Key,
  counter: { readonly step: Tensor; readonly site: number; readonly run: Tensor },
): Tensor {
  const w = new Whole(scope);
  const wide = (low: Tensor, high: Tensor): Tensor => bitcast(joined(scope, low, high), "uint64");
  const pair = [wide(w.lift(0), counter.step), wide(w.lift(counter.site), counter.run)];
  const inputs = [
    scope.ints([2 * blocks, 2]),
    reshape(wide(key.low, key.high), [1]),
    scope.op("Pack", pair, "uint64", {
      attrs: { ...typed("uint64"), N: intAttr(2), axis: intAttr(0) },
    }),
    scope.ints(PHILOX),
  ];
  const words = scope.op("StatelessRandomUniformFullIntV2", inputs, "uint32", {
    attrs: { dtype: typeAttr("uint32"), Tshape: typeAttr("int32") },
  });
  return bitcast(words, "int64");
}
