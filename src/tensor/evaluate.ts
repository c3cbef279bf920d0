/**
 * The reference evaluator: every operation by its definition, in f64, with no concern for speed.
 * Devices are tested against it, and constants are folded by it. Sums are compensated, so that its
 * result is the better one where a fast sum differs from it.
 */

import { internalError } from "../base/internal.js";
import { linalgValueRules } from "./evaluate-linalg.js";
import { structuralValueRules } from "./evaluate-structural.js";
import type { Graph, Node, NodeOf, Op } from "./ops.js";
import { binaryAt, reduceAt, ternaryAt, unaryAt } from "./scalar-fns.js";
import { otherAxes, sizeOf, stridesOf } from "./shape-rules.js";
import { topological } from "./traverse.js";
import type { ValueOf, ValueRule, Values } from "./values.js";

/** Input values by name. */
export type InputValues = Readonly<Record<string, ArrayLike<number>>>;

const elementwiseValueRules: { readonly [K in "unary" | "binary" | "ternary"]: ValueRule<K> } = {
  unary: (n, at) => at(n.x).map((v) => unaryAt[n.fn](v)),
  binary: (n, at) => {
    const f = binaryAt[n.fn];
    const y = at(n.y);
    return at(n.x).map((v, i) => f(v, y[i]));
  },
  ternary: (n, at) => {
    const f = ternaryAt[n.fn];
    const y = at(n.y);
    const z = at(n.z);
    return at(n.x).map((v, i) => f(v, y[i], z[i]));
  },
};

const reductionValueRules: { readonly [K in "reduce" | "cumulative"]: ValueRule<K> } = {
  reduce: (n, at) => {
    const x = at(n.x);
    const { start, step } = reduceAt[n.fn];
    const out = new Float64Array(sizeOf(n.shape)).fill(start);
    const lost = new Float64Array(out.length);
    const kept = otherAxes(n.x.shape.length, n.axes);
    const from = stridesOf(n.x.shape);
    const to = stridesOf(n.shape);
    for (let i = 0; i < x.length; i++) {
      let o = 0;
      kept.forEach((axis, k) => {
        o += (Math.floor(i / from[axis]) % n.x.shape[axis]) * to[k];
      });
      const before = out[o];
      out[o] = step(before, x[i]);
      if (n.fn === "sum") lost[o] += roundingOfSum(before, x[i], out[o]);
    }
    return out.map((v, o) => (Number.isFinite(lost[o]) ? v + lost[o] : v));
  },
  cumulative: (n, at) => {
    const x = at(n.x);
    const { start, step } = reduceAt[n.fn];
    const out = new Float64Array(x.length);
    const length = n.shape[n.axis];
    const stride = stridesOf(n.shape)[n.axis];
    for (let base = 0; base < x.length; base++) {
      if (Math.floor(base / stride) % length !== 0) continue;
      let running = start;
      for (let k = 0; k < length; k++) {
        const i = base + (n.reverse ? length - 1 - k : k) * stride;
        const next = step(running, x[i]);
        out[i] = n.exclusive ? running : next;
        running = next;
      }
    }
    return out;
  },
};

/** What a + b lost to rounding (Neumaier 1974); not finite where the sum is not. */
function roundingOfSum(a: number, b: number, sum: number): number {
  return Math.abs(a) >= Math.abs(b) ? a - sum + b : b - sum + a;
}

/** The rule of each op whose value depends on its operands alone. */
export const valueRules: {
  readonly [K in Exclude<Op, "input" | "scan" | "output">]: ValueRule<K>;
} = {
  const: (n) => n.data,
  ...elementwiseValueRules,
  ...reductionValueRules,
  ...structuralValueRules,
  ...linalgValueRules,
};

/** The value of one node that is neither an input, a scan nor an output, from its operands'. */
export function valueOfNode(n: Node, at: ValueOf): Values {
  if (n.op === "input" || n.op === "scan" || n.op === "output") {
    return internalError(`no value rule for ${n.op}`);
  }
  // The entry at `n.op` takes exactly this member of the union.
  return (valueRules[n.op] as (n: Node, at: ValueOf) => Values)(n, at);
}

/** The values of `outputs`, given the values of inputs by name (sizes are checked). */
export function evaluate(outputs: readonly Node[], inputs: InputValues): Values[] {
  const given = new Map<Node, Values>();
  for (const n of topological(outputs)) {
    if (n.op !== "input") continue;
    const data = inputs[n.name];
    if (data === undefined || data.length !== sizeOf(n.shape)) {
      internalError(`input ${n.name} needs ${sizeOf(n.shape)} values, got ${data?.length}`);
    }
    given.set(n, Float64Array.from(data));
  }
  return evaluateWith(outputs, given);
}

/** The named outputs of a graph. */
export function evaluateGraph(graph: Graph, inputs: InputValues): Record<string, Values> {
  const values = evaluate(
    graph.outputs.map((o) => o.node),
    inputs,
  );
  return Object.fromEntries(graph.outputs.map((o, k) => [o.name, values[k]]));
}

/** The value of a node that depends on no input. */
export function evaluateNode(n: Node): Values {
  return evaluateWith([n], new Map())[0];
}

/** The values of `outputs` where the values of some nodes (all inputs, at least) are given. */
export function evaluateWith(outputs: readonly Node[], given: ReadonlyMap<Node, Values>): Values[] {
  const values = new Map<Node, Values>(given);
  const scans = new Map<Node, Values[]>();
  const at: ValueOf = (n) => values.get(n) ?? internalError(`no value for input ${n.id}`);
  for (const n of topological(outputs)) {
    if (values.has(n)) continue;
    if (n.op === "scan") scans.set(n, scanValues(n, at));
    else if (n.op === "output") values.set(n, scans.get(n.source)![n.index]);
    else if (n.op === "input") internalError(`input ${n.name} has no value`);
    else values.set(n, valueOfNode(n, at));
  }
  return outputs.map(at);
}

/** Final carries, then stacked ys. */
function scanValues(n: NodeOf<"scan">, at: ValueOf): Values[] {
  const { body } = n;
  let carry = n.init.map(at);
  const ys = body.ys.map((y) => new Float64Array(n.length * sizeOf(y.shape)));
  for (let step = 0; step < n.length; step++) {
    const row = n.reverse ? n.length - 1 - step : step;
    const given = new Map<Node, Values>();
    body.carry.forEach((c, k) => {
      given.set(c, carry[k]);
    });
    body.slices.forEach((s, k) => {
      const size = sizeOf(s.shape);
      given.set(s, at(n.xs[k]).slice(row * size, (row + 1) * size));
    });
    body.consts.forEach((c, k) => {
      given.set(c, at(n.consts[k]));
    });
    const results = evaluateWith([...body.nextCarry, ...body.ys], given);
    carry = results.slice(0, carry.length);
    ys.forEach((y, k) => {
      const value = results[carry.length + k];
      y.set(value, row * value.length);
    });
  }
  return [...carry, ...ys];
}
