/**
 * Loops that stay on the device: one `while` takes k steps a call. The state is in variables; random
 * inputs are those of the CPU's streams.
 */
import { internalError } from "../../base/internal.js";
import type { InputNode } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import type { LoopProgram, LoopSpec, LoopTurn } from "../contract.js";
import { inputsOfTurns, outputIn, outputOfTurns, turnsOf } from "../turns.js";
import { constantKeeper } from "./constants.js";
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
import { type AllSteps, returning } from "./results.js";
import { Sender } from "./sender.js";
import { type Feed, Session } from "./session.js";
import { Store } from "./store.js";
import { placeholder } from "./variables.js";

/** The call's words: the seed's two halves, the run, the first step, and how many there are. */
const STEPS = 4;
/** A call's first step's place in a round, and whose all steps are; −1: as their places say. */
const TURN = 5;
const WORDS = 7;

/** Compiles a loop. Errors are diagnostics (`tensorflow_…`). */
export function compileLoop(addon: TensorFlowAddon, spec: LoopSpec, real: RealType): LoopProgram {
  const { state, noise, trace, mostSteps } = spec;
  const turns = turnsOf(spec);
  const allInputs = inputsOfTurns(turns);
  const isSplit = turns.length > 1;
  const scope = Scope.graph({ lowersLoops: addon.isUsingGpuDevice() });
  const sender = new Sender(scope);
  const keep = constantKeeper(scope, real, sender);
  const products = spec.products === "f32" ? "float" : real;
  const inputOf = (name: string): InputNode =>
    allInputs.find((n) => n.name === name) ?? internalError(`no input ${name}`);
  const drawn = new Set(noise.map((n) => n.input));
  const store = new Store(scope, real, sender);
  allInputs.forEach((n, k) => {
    if (!drawn.has(n.name)) store.add(n.name, `input_${k}`, n.shape, n.name in state);
  });
  const changed = Object.entries(state).map(([name, output]) => {
    const { shape } = inputOf(name);
    const to = outputOfTurns(turns, output);
    if (sizeOf(to.shape) !== sizeOf(shape)) internalError(`${output} is no next ${name}`);
    return { name, output };
  });
  const traced = trace.map((name) => ({ name, shape: outputOfTurns(turns, name).shape }));
  const shuffles = noise.map((n, k) => {
    const rows = sizeOf(inputOf(n.input).shape);
    return n.law.kind === "rows" && rows > 0
      ? new Shuffle(scope, sender, `order_${k}`, n.law.of, rows)
      : undefined;
  });
  const drawnRows = shuffles.flatMap((s) => s ?? []);
  const hasEffects = drawnRows.length > 0;
  const given = store.placeholder();
  const call = placeholder(scope, "call", "int64", [WORDS]);

  const allSteps: AllSteps = (whole, inputs) => {
    const outer = new Block(whole, real, keep, undefined, products);
    const values = store.values(whole, inputs.given);
    const valueAt = (name: string): Tensor =>
      whole.bring(values.get(name) ?? internalError(`no value for ${name}`));
    for (const node of turns.flatMap((t) => t.graph.inputs)) {
      if (!drawn.has(node.name) && !(node.name in state)) outer.set(node, valueAt(node.name));
    }
    const words = whole.bring(inputs.call);
    const word = (k: number): Tensor => cast(gather(words, whole.ints(k)), "int32");
    const count = word(STEPS);
    const own = isSplit ? [word(TURN), word(TURN + 1)] : undefined;
    const streams = new Streams(whole, words, count, real);
    const draws = noise.map((n, k) => {
      const { shape } = inputOf(n.input);
      if (real === "float" && n.law.kind === "index" && n.law.of > 2 ** 24) {
        internalError("an index above 2²⁴ in single precision");
      }
      const draw = streams.prepare(n, sizeOf(shape), mostSteps);
      return { name: n.input, shape, draw, shuffle: shuffles[k] };
    });
    const lists = traced.map(({ shape }) => makeList(whole, shape, count, real));
    const start = [whole.ints(0), count, ...changed.map((c) => valueAt(c.name)), ...lists];
    const final = whileLoop(whole, start, {
      hasEffects,
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
    const ends = new Map(changed.map(({ name }, k) => [name, final[2 + k]]));
    const rows = traced.map(({ shape }, k) =>
      stack(whole, final[2 + changed.length + k], shape, real),
    );
    const large = store.variables().map(({ name }) => ends.get(name) ?? internalError(name));
    return { rows, large, small: store.joined(whole, ends) };
  };
  const variables = store.variables().map(({ variable }) => variable);
  const run = returning(
    scope,
    {
      real,
      call,
      given,
      traced: traced.map((t) => t.shape),
      variables,
      hasSmall: changed.length > variables.length,
      hasEffects,
      positive: STEPS,
    },
    allSteps,
  );
  sender.finish();
  const session = new Session(addon, scope.toGraph());
  const rewind = (orders?: readonly Float64Array[]): void => {
    drawnRows.forEach((shuffle, k) => {
      shuffle.rewind(orders?.[k]);
    });
  };
  rewind();

  const key = new Int32Array(2 * WORDS);
  return {
    set: (values) => {
      for (const [name, data] of Object.entries(values)) store.set(name, data);
    },
    seed: (seed, run) => {
      const bits = BigInt.asUintN(64, BigInt(seed));
      // Words of 32 bits as int64: the high halves stay 0.
      key[0] = Number(BigInt.asIntN(32, bits));
      key[2] = Number(BigInt.asIntN(32, bits >> 32n));
      key[4] = run;
    },
    rewind,
    orders: async () => drawnRows.map((shuffle) => shuffle.read(session)),
    steps: async (first, steps, turn = -1) => {
      if (steps > mostSteps) internalError(`${steps} steps in a call, above ${mostSteps}`);
      const words = Int32Array.from(key);
      setWord(words, 3, first);
      setWord(words, STEPS, steps);
      setWord(words, TURN, isSplit ? first % periodOf(turns) : 0);
      setWord(words, TURN + 1, turn);
      sender.flush(session);
      const feeds: Feed[] = [
        ...store.feeds(),
        { name: "call", shape: [WORDS], type: "int64", data: words },
      ];
      const doing = `taking steps ${first} to ${first + steps - 1}`;
      const { rows, small } = run(session, doing, feeds, steps);
      if (small !== undefined) store.take(small);
      return Object.fromEntries(traced.map((t, k) => [t.name, rows[k]]));
    },
    read: async (names) => store.read(session, names),
    close: () => session.close(),
  };
}

/** A whole number as word `k`, of 64 bits. */
function setWord(words: Int32Array, k: number, value: number): void {
  words[2 * k] = value;
  words[2 * k + 1] = value < 0 ? -1 : 0;
}

function periodOf(turns: readonly LoopTurn[]): number {
  return turns.reduce((n, t) => n + t.steps, 0);
}

/** Whether step `i` of a call is that of a turn, if it is none of those before; not of the last. */
function turnTests(
  turns: readonly LoopTurn[],
  own: readonly Tensor[],
  i: Tensor,
): readonly ((scope: Scope) => Tensor)[] {
  const int32: Attrs = { T: typeAttr("int32") };
  let end = 0;
  return turns.slice(0, -1).map(({ steps }, k) => {
    end += steps;
    const before = end;
    return (s) => {
      const [start, turn] = own.map((t) => s.bring(t));
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
