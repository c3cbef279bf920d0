/**
 * Standard normals by the ziggurat of src/inference/hamiltonian: 64 bits settle 98.8 % of them; the
 * others go on together, each with words of its own, until all are settled.
 */
import type { ZigguratTables } from "../../contract.js";
import { cast, Maths, typed } from "../graph/maths.js";
import type { Scope, Tensor } from "../graph/scope.js";
import { boolAttr, typeAttr } from "../graph/types.js";
import { whileLoop } from "../graph/while.js";
import { gather } from "../lower/structural.js";
import { reshape } from "../lower/value.js";
import { type Four, joined, Whole } from "./words.js";

/** Attempts that a draw may take: so many blocks are its own. */
const MOST_ATTEMPTS = 256;

/** Words for attempt `attempt` of elements of a step, in a scope. */
export type RetryWords = (element: Tensor, attempt: Tensor, step: Tensor, scope: Scope) => Four;

/** What a candidate's 64 bits say. */
interface Candidate {
  readonly layer: Tensor;
  readonly x: Tensor;
  readonly isInside: Tensor;
}

class Layers {
  readonly m: Maths;
  readonly w: Whole;

  constructor(
    readonly scope: Scope,
    readonly tables: ZigguratTables,
  ) {
    this.m = new Maths(scope, "double");
    this.w = new Whole(scope);
  }

  /** The 53 high bits as a fraction in [0, 1). */
  fraction(bits: Tensor): Tensor {
    const { w, m } = this;
    const high = w.call("BitwiseAnd", w.call("RightShift", bits, 11), 2 ** 53 - 1);
    return m.mul(cast(high, "double"), 2 ** -53);
  }
  /** The same in (0, 1). */
  open(bits: Tensor): Tensor {
    return this.m.add(this.fraction(bits), 2 ** -54);
  }
  #table(data: Float64Array, layer: Tensor): Tensor {
    return gather(this.scope.constant("double", data, [data.length]), layer);
  }
  edge(layer: Tensor): Tensor {
    return this.#table(this.tables.edges, layer);
  }
  height(layer: Tensor): Tensor {
    return this.#table(this.tables.heights, layer);
  }
  /** Of the layer above. */
  nextEdge(layer: Tensor): Tensor {
    return this.#table(this.tables.edges.subarray(1), layer);
  }
  nextHeight(layer: Tensor): Tensor {
    return this.#table(this.tables.heights.subarray(1), layer);
  }
  candidate(bits: Tensor): Candidate {
    const layer = cast(this.w.call("BitwiseAnd", bits, 255), "int32");
    const x = this.m.mul(this.fraction(bits), this.edge(layer));
    return { layer, x, isInside: this.m.compare("Less", x, this.nextEdge(layer)) };
  }
}

/** Of 64 bits each, `[rows, length]`, and the rows' steps `[rows, 1]`: draws `[rows, length]`. */
export function zigguratNormals(
  scope: Scope,
  bits: Tensor,
  steps: Tensor,
  tables: ZigguratTables,
  retry: RetryWords,
): Tensor {
  const own = new Layers(scope, tables);
  const { m, w } = own;
  const first = own.candidate(bits);
  const places = scope.op("Where", [m.logical("LogicalNot", first.isInside)], "int64", {
    attrs: typed("bool"),
  });
  const element = gather(places, scope.ints(1), 1);
  const step = gather(reshape(steps, [-1]), gather(places, scope.ints(0), 1));
  const pick = (t: Tensor): Tensor =>
    scope.op("GatherNd", [t, places], t.type, {
      attrs: { Tparams: typeAttr(t.type), Tindices: typeAttr("int64") },
    });
  const pending = m.logical("LogicalNot", pick(first.isInside));
  const start = [w.lift(0), pending, pick(first.x), pick(first.layer)];
  const settled = whileLoop(scope, start, {
    condition: (s, [attempt, isPending]) => {
      const any = s.op("Any", [isPending, s.ints([0])], "bool", {
        attrs: { Tidx: typeAttr("int32"), keep_dims: boolAttr(false) },
      });
      const few = s.op("Less", [attempt, s.constant("int64", [MOST_ATTEMPTS])], "bool", {
        attrs: typed("int64"),
      });
      return s.op("LogicalAnd", [any, few], "bool");
    },
    body: (s, [attempt, isPending, x, layer]) => {
      const inner = new Layers(s, tables);
      const words = retry(s.bring(element), attempt, s.bring(step), s);
      return [inner.w.call("AddV2", attempt, 1), ...settle(inner, words, isPending, x, layer)];
    },
  });
  const values = scope.op("TensorScatterUpdate", [first.x, places, settled[2]], "double", {
    attrs: { ...typed("double"), Tindices: typeAttr("int64") },
  });
  const isNegative = scope.op("NotEqual", [w.call("BitwiseAnd", bits, 256), w.lift(0)], "bool", {
    attrs: typed("int64"),
  });
  return m.select(isNegative, m.neg(values), values);
}

/** One attempt: who is still pending, the draws, and their layers. */
function settle(
  l: Layers,
  [w0, w1, w2, w3]: Four,
  isPending: Tensor,
  x: Tensor,
  layer: Tensor,
): Tensor[] {
  const { m, scope } = l;
  const { tailStart } = l.tables;
  const [bits, moreBits] = [joined(scope, w0, w1), joined(scope, w2, w3)];
  const [first, second] = [l.open(bits), l.open(moreBits)];
  const not = (t: Tensor): Tensor => m.logical("LogicalNot", t);
  const and = (s: Tensor, t: Tensor): Tensor => m.logical("LogicalAnd", s, t);
  const isTail = scope.op("Equal", [layer, scope.ints(0)], "bool", { attrs: typed("int32") });
  // The tail, by Marsaglia (1964): an exponential beyond its start.
  const beyond = m.div(m.neg(m.call("Log", first)), tailStart);
  const isTailDone = m.compare("Greater", m.mul(-2, m.call("Log", second)), m.mul(beyond, beyond));
  // The part of the layer that the density cuts.
  const f0 = l.height(layer);
  const level = m.add(f0, m.mul(first, m.sub(l.nextHeight(layer), f0)));
  const density = m.call("Exp", m.mul(m.mul(-0.5, x), x));
  const isUnder = m.compare("Less", level, density);
  const fresh = l.candidate(moreBits);
  const isBodyDone = m.logical("LogicalOr", isUnder, fresh.isInside);
  const boolSelect = (c: Tensor, a: Tensor, b: Tensor): Tensor =>
    m.logical("LogicalOr", and(c, a), and(not(c), b));
  const isDone = boolSelect(isTail, isTailDone, isBodyDone);
  const inTail = m.select(isTailDone, m.add(tailStart, beyond), x);
  const drawn = m.select(isTail, inTail, m.select(isUnder, x, fresh.x));
  const moves = and(isPending, and(not(isTail), not(isUnder)));
  const layers = scope.op("SelectV2", [moves, fresh.layer, layer], "int32", {
    attrs: typed("int32"),
  });
  return [and(isPending, not(isDone)), m.select(isPending, drawn, x), layers];
}
