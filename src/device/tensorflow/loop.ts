/**
 * Loops that stay on the device: one `while` takes k steps a call. The state is in variables; random
 * inputs are those of the CPU's streams.
 */
import { internalError } from "../../base/internal.js";
import type { InputNode, Node } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import type { LoopProgram, LoopSpec } from "../contract.js";
import { KeptConstants } from "./constants.js";
import { cast, type RealType } from "./graph/maths.js";
import { Scope, type Tensor } from "./graph/scope.js";
import { below, next, whileLoop } from "./graph/while.js";
import { Block } from "./lower/block.js";
import { makeList, setItem, stack } from "./lower/scan.js";
import { TensorValue } from "./lower/value.js";
import type { TensorFlowAddon } from "./package.js";
import { Shuffle } from "./random/rows.js";
import { Streams } from "./random/streams.js";
import { type Feed, Session } from "./session.js";
import { Store } from "./store.js";
import { event, placeholder, realOutput, type Variable } from "./variables.js";

const DONE = "done";

/** Compiles a loop. Errors are diagnostics (`tensorflow_…`). */
export function compileLoop(addon: TensorFlowAddon, spec: LoopSpec, real: RealType): LoopProgram {
  const { graph, state, noise, trace, mostSteps } = spec;
  const scope = Scope.graph({ lowersLoops: addon.isUsingGpuDevice() });
  const constants = new KeptConstants(scope, real);
  const outer = new Block(scope, real, constants.keep);
  const inputOf = (name: string): InputNode =>
    graph.inputs.find((n) => n.name === name) ?? internalError(`no input ${name}`);
  const outputOf = (name: string): Node =>
    graph.outputs.find((o) => o.name === name)?.node ?? internalError(`no output ${name}`);
  const drawn = new Set(noise.map((n) => n.input));
  const store = new Store(scope, real);
  const variables = new Map<string, Variable>();
  graph.inputs.forEach((n, k) => {
    if (drawn.has(n.name)) return;
    const id = `input_${k}`;
    if (n.name in state) variables.set(n.name, store.state(n.name, id, n.shape));
    else outer.set(n, store.fixed(n.name, id, n.shape));
  });
  const changed = Object.entries(state).map(([name, output]) => {
    const node = inputOf(name);
    const to = outputOf(output);
    if (sizeOf(to.shape) !== sizeOf(node.shape)) internalError(`${output} is no next ${name}`);
    const variable = variables.get(name) ?? internalError(`no state ${name}`);
    return { node, to, variable };
  });
  const traced = trace.map((name) => ({ name, node: outputOf(name) }));

  const count = placeholder(scope, "count", "int32", []);
  const call = placeholder(scope, "call", "int64", [4]);
  const streams = new Streams(scope, call, count, real);
  const draws = noise.map((n, k) => {
    const node = inputOf(n.input);
    const rows = sizeOf(node.shape);
    const shuffle =
      n.law.kind === "rows" && rows > 0
        ? new Shuffle(scope, `order_${k}`, n.law.of, rows)
        : undefined;
    if (real === "float" && n.law.kind === "index" && n.law.of > 2 ** 24) {
      internalError("an index above 2²⁴ in single precision");
    }
    return { node, draw: streams.prepare(n, rows, mostSteps), shuffle };
  });
  const lists = traced.map(({ node }) => makeList(scope, node.shape, count, real));
  const initial = [scope.ints(0), count, ...changed.map((c) => c.variable.read()), ...lists];
  const shuffles = draws.flatMap((d) => (d.shuffle === undefined ? [] : [d.shuffle]));
  const final = whileLoop(scope, initial, {
    hasEffects: shuffles.length > 0,
    condition: (s, [i, n]) => below(s, i, n),
    body: (s, [i, n, ...carried]) => {
      const inner = outer.inner(s);
      changed.forEach(({ node }, k) => {
        inner.set(node, carried[k]);
      });
      const effects: string[] = [];
      for (const { node, draw, shuffle } of draws) {
        const drawn = draw(s, i, node.shape);
        if (shuffle === undefined) {
          inner.set(node, cast(drawn, real));
          continue;
        }
        const { rows, done } = shuffle.step(s, drawn);
        effects.push(done);
        // Doubles also where the loop's numbers are single: rows above 2²⁴ are whole.
        inner.give(node, new TensorValue(rows, node.shape, real));
      }
      const ends: readonly Tensor[] = nodesOf(
        inner,
        changed.map((c) => c.to),
      );
      const rows = nodesOf(
        inner,
        traced.map((t) => t.node),
      );
      const kept = rows.map((row, k) => setItem(s, carried[changed.length + k], i, row));
      return [next(s, i, effects), n, ...ends, ...kept];
    },
  });
  const assigned = changed.map(({ variable }, k) => variable.assign(final[2 + k]));
  event(scope, DONE, assigned);
  traced.forEach(({ node }, k) => {
    const rows = stack(scope, final[2 + changed.length + k], node.shape, real);
    realOutput(scope, `trace_${k}`, rows, assigned);
  });
  constants.finish();
  store.finish();
  const session = new Session(addon, scope.toGraph());
  constants.load(session);
  const rewind = (): void => {
    for (const shuffle of shuffles) shuffle.rewind(session);
  };
  rewind();

  const key = new Int32Array(8);
  return {
    set: (values) => {
      for (const [name, data] of Object.entries(values)) store.set(session, name, data);
    },
    seed: (seed, run) => {
      const bits = BigInt.asUintN(64, BigInt(seed));
      // Words of 32 bits as int64: the high halves stay 0.
      key[0] = Number(BigInt.asIntN(32, bits));
      key[2] = Number(BigInt.asIntN(32, bits >> 32n));
      key[4] = run;
    },
    rewind,
    steps: async (first, steps) => {
      if (steps > mostSteps) internalError(`${steps} steps in a call, above ${mostSteps}`);
      const words = Int32Array.from(key);
      words[6] = first;
      store.flush(session);
      const feeds: Feed[] = [
        ...store.feeds(),
        { name: "count", shape: [], type: "int32", data: Int32Array.of(steps) },
        { name: "call", shape: [4], type: "int64", data: words },
      ];
      const doing = `taking steps ${first} to ${first + steps - 1}`;
      const names = traced.map((_, k) => `trace_${k}`);
      const rows = session.run(doing, feeds, names.length === 0 ? [DONE] : names);
      return Object.fromEntries(traced.map((t, k) => [t.name, rows[k]]));
    },
    read: async (names) => store.read(session, names),
    close: () => session.close(),
  };
}

/** The values of nodes in a block's scope, all elements of each. */
function nodesOf(block: Block, nodes: readonly Node[]): Tensor[] {
  block.compute(nodes);
  return nodes.map((n) => block.full(n));
}
