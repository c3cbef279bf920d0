/**
 * Loops that stay on the device: one `while` takes k steps a call. The state is in variables; random
 * inputs are those of the CPU's streams.
 */
import { internalError } from "../../base/internal.js";
import type { InputNode } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import type { LoopProgram, LoopSpec, LoopTurn } from "../contract.js";
import { inputsOfTurns, outputIn, outputOfTurns, turnsOf } from "../turns.js";
import { KeptConstants } from "./constants.js";
import { chooseBranch } from "./graph/choice.js";
import { cast, type RealType } from "./graph/maths.js";
import type { TfOp } from "./graph/ops.js";
import { Scope, type Tensor } from "./graph/scope.js";
import { type Attrs, typeAttr } from "./graph/types.js";
import { below, next, whileLoop } from "./graph/while.js";
import { Block } from "./lower/block.js";
import { makeList, setItem, stack } from "./lower/scan.js";
import { gather } from "./lower/structural.js";
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
  const { state, noise, trace, mostSteps } = spec;
  const turns = turnsOf(spec);
  const allInputs = inputsOfTurns(turns);
  const isSplit = turns.length > 1;
  const scope = Scope.graph({ lowersLoops: addon.isUsingGpuDevice() });
  const constants = new KeptConstants(scope, real);
  const products = spec.products === "f32" ? "float" : real;
  const outer = new Block(scope, real, constants.keep, undefined, products);
  const inputOf = (name: string): InputNode =>
    allInputs.find((n) => n.name === name) ?? internalError(`no input ${name}`);
  const drawn = new Set(noise.map((n) => n.input));
  const store = new Store(scope, real);
  const variables = new Map<string, Variable>();
  const nodesOfName = (name: string): InputNode[] =>
    turns.flatMap((t) => t.graph.inputs.filter((n) => n.name === name));
  allInputs.forEach((n, k) => {
    if (drawn.has(n.name)) return;
    const id = `input_${k}`;
    if (n.name in state) {
      variables.set(n.name, store.state(n.name, id, n.shape));
      return;
    }
    const value = store.fixed(n.name, id, n.shape);
    for (const node of nodesOfName(n.name)) outer.set(node, value);
  });
  const changed = Object.entries(state).map(([name, output]) => {
    const { shape } = inputOf(name);
    const to = outputOfTurns(turns, output);
    if (sizeOf(to.shape) !== sizeOf(shape)) internalError(`${output} is no next ${name}`);
    const variable = variables.get(name) ?? internalError(`no state ${name}`);
    return { name, output, variable };
  });
  const traced = trace.map((name) => ({ name, shape: outputOfTurns(turns, name).shape }));

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
    return { name: n.input, shape: node.shape, draw: streams.prepare(n, rows, mostSteps), shuffle };
  });
  const lists = traced.map(({ shape }) => makeList(scope, shape, count, real));
  const own = isSplit ? placeholder(scope, "turn", "int32", [2]) : undefined;
  const initial = [scope.ints(0), count, ...changed.map((c) => c.variable.read()), ...lists];
  const shuffles = draws.flatMap((d) => (d.shuffle === undefined ? [] : [d.shuffle]));
  const final = whileLoop(scope, initial, {
    hasEffects: shuffles.length > 0,
    condition: (s, [i, n]) => below(s, i, n),
    body: (s, [i, n, ...carried]) => {
      const effects: string[] = [];
      const rows = new Map<string, TensorValue>();
      for (const { name, shape, draw, shuffle } of draws) {
        if (shuffle === undefined) continue;
        const { rows: found, done } = shuffle.step(s, draw(s, i, shape));
        effects.push(done);
        // Doubles also where the loop's numbers are single: rows above 2²⁴ are whole.
        rows.set(name, new TensorValue(found, shape, real));
      }
      // The state and traced numbers of a turn's step.
      const branches = turns.map(({ graph }) => (inside: Scope): readonly Tensor[] => {
        const inner = outer.inner(inside);
        const inputs = new Map(graph.inputs.map((node) => [node.name, node]));
        changed.forEach(({ name }, k) => {
          const node = inputs.get(name);
          if (node !== undefined) inner.set(node, carried[k]);
        });
        for (const { name, shape, draw, shuffle } of draws) {
          const node = inputs.get(name);
          if (node === undefined) continue;
          const value = rows.get(name);
          if (value !== undefined) inner.give(node, value);
          else if (shuffle === undefined) {
            inner.set(node, cast(draw(inside, i, shape), real));
          }
        }
        const ends = changed.map(({ output }) => outputIn(graph, output));
        const told = traced.map(
          ({ name }) => outputIn(graph, name) ?? internalError(`no output ${name}`),
        );
        inner.compute([...ends.flatMap((e) => e ?? []), ...told]);
        return [
          ...ends.map((e, k) => (e === undefined ? carried[k] : inner.full(e))),
          ...told.map((node) => inner.full(node)),
        ];
      });
      const made =
        own === undefined ? branches[0](s) : chooseBranch(s, turnTests(turns, own, i), branches);
      const ends = made.slice(0, changed.length);
      const kept = traced.map((_, k) => {
        const row = made[changed.length + k];
        return setItem(s, carried[changed.length + k], i, row);
      });
      return [next(s, i, effects), n, ...ends, ...kept];
    },
  });
  const assigned = changed.map(({ variable }, k) => variable.assign(final[2 + k]));
  event(scope, DONE, assigned);
  traced.forEach(({ shape }, k) => {
    const rows = stack(scope, final[2 + changed.length + k], shape, real);
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
    steps: async (first, steps, turn) => {
      if (steps > mostSteps) internalError(`${steps} steps in a call, above ${mostSteps}`);
      const words = Int32Array.from(key);
      words[6] = first;
      store.flush(session);
      const feeds: Feed[] = [
        ...store.feeds(),
        { name: "count", shape: [], type: "int32", data: Int32Array.of(steps) },
        { name: "call", shape: [4], type: "int64", data: words },
        ...(isSplit ? [turnFeed(turns, first, turn)] : []),
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

/** The place of a call's first step in a round, and whose all steps are; −1: as their places say. */
function turnFeed(turns: readonly LoopTurn[], first: number, turn = -1): Feed {
  const data = Int32Array.of(first % periodOf(turns), turn);
  return { name: "turn", shape: [2], type: "int32", data };
}

function periodOf(turns: readonly LoopTurn[]): number {
  return turns.reduce((n, t) => n + t.steps, 0);
}

/** Whether step `i` of a call is that of a turn, if it is none of those before; not of the last. */
function turnTests(
  turns: readonly LoopTurn[],
  own: Tensor,
  i: Tensor,
): readonly ((scope: Scope) => Tensor)[] {
  const int32: Attrs = { T: typeAttr("int32") };
  let end = 0;
  return turns.slice(0, -1).map(({ steps }, k) => {
    end += steps;
    const before = end;
    return (s) => {
      const [start, turn] = [0, 1].map((at) => gather(s.bring(own), s.ints(at)));
      const at = s.op("AddV2", [start, i], "int32", { attrs: int32 });
      const place = s.op("FloorMod", [at, s.ints(periodOf(turns))], "int32", { attrs: int32 });
      const compare = (op: TfOp, x: Tensor, y: number): Tensor =>
        s.op(op, [x, s.ints(y)], "bool", { attrs: int32 });
      const isNamed = s.op("Equal", [turn, s.ints(k)], "bool", { attrs: int32 });
      const inPlace = s.op(
        "LogicalAnd",
        [compare("Less", turn, 0), compare("Less", place, before)],
        "bool",
      );
      return s.op("LogicalOr", [isNamed, inPlace], "bool");
    };
  });
}
