/**
 * Random inputs of a loop's steps, from the same streams as on the CPU
 * (src/inference/stochastic/noise.ts) to the bit; exp and log of a normal's retries may round
 * otherwise. All arithmetic is f64.
 */
import type { Shape } from "../../../tensor/ops.js";
import type { DeviceNoise } from "../../contract.js";
import { cast, Maths, type RealType, typed } from "../graph/maths.js";
import type { Scope, Tensor } from "../graph/scope.js";
import { intAttr, typeAttr } from "../graph/types.js";
import { gather } from "../lower/structural.js";
import { reshape, sized } from "../lower/value.js";
import { type Four, joined, type Key, philox, streamPairs, Whole } from "./words.js";
import { zigguratNormals } from "./ziggurat.js";

/** Numbers of all steps of a call that are drawn at once, before the loop. */
const MANY = 1 << 21;

/** The tensor for step `i` (int32) of the call, as a body of the loop reads it. */
export type Draw = (body: Scope, i: Tensor, shape: Shape) => Tensor;

/** 64 random bits for each number of so many rows (steps). */
interface BitRows {
  /** Steps of the rows, int64 `[rows, 1]`. */
  readonly steps: Tensor;
  /** int64 `[rows, numbers]`: two blocks' halves are neighbours. */
  readonly bits: Tensor;
}

export class Streams {
  readonly #key: Key;
  readonly #run: Tensor;
  readonly #first: Tensor;

  /** `call`: low and high word of the seed, run and first step, int64. `count`: steps, int32. */
  constructor(
    readonly scope: Scope,
    call: Tensor,
    readonly count: Tensor,
    /** What the numbers are rounded to. */
    readonly real: RealType,
  ) {
    const w = new Whole(scope);
    const word = (k: number): Tensor => w.word(gather(call, scope.ints(k)));
    this.#key = { low: word(0), high: word(1) };
    [this.#run, this.#first] = [word(2), word(3)];
  }

  /** Prepares the noise of an input of `length` numbers; of rows, the uniforms they come from. */
  prepare(noise: DeviceNoise, length: number, mostSteps: number): Draw {
    const blocks = Math.ceil(length / 2);
    if (length > 0 && length * mostSteps <= MANY) {
      const rows = this.#allRows(noise.site, blocks);
      const values = this.#values(this.scope, noise, rows, length);
      return (_, i, shape) => reshape(gather(values, i), shape);
    }
    return (body, i, shape) => {
      if (length === 0) return body.constant("double", [], shape);
      const w = new Whole(body);
      const step = w.word(w.call("AddV2", this.#first, cast(i, "int64")));
      const pairs = streamPairs(body, blocks, this.#key, {
        step,
        site: noise.site,
        run: this.#run,
      });
      const rows = { steps: reshape(step, [1, 1]), bits: reshape(pairs, [1, 2 * blocks]) };
      return reshape(this.#values(body, noise, rows, length), shape);
    };
  }

  /** Bits of every step of the call: one row a step. */
  #allRows(site: number, blocks: number): BitRows {
    const { scope } = this;
    const w = new Whole(scope);
    const range = (to: Tensor): Tensor =>
      scope.op("Range", [scope.ints(0), to, scope.ints(1)], "int32", {
        attrs: { Tidx: typeAttr("int32") },
      });
    const at = reshape(cast(range(this.count), "int64"), [-1, 1]);
    const steps = w.word(w.call("AddV2", at, this.#first));
    const block = reshape(cast(range(scope.ints(blocks)), "int64"), [1, blocks]);
    const counter: Four = [block, steps, w.lift(site), this.#run];
    const [w0, w1, w2, w3] = philox(scope, this.#key, counter);
    const halves = [joined(scope, w0, w1), joined(scope, w2, w3)];
    return { steps, bits: sideBySide(scope, halves[0], halves[1], 2 * blocks) };
  }

  /** Numbers of the law, `[rows, length]`, in f64. */
  #values(scope: Scope, { law }: DeviceNoise, rows: BitRows, length: number): Tensor {
    const bits = columns(rows.bits, length);
    if (law.kind === "normal") {
      const retry = (element: Tensor, attempt: Tensor, step: Tensor, inside: Scope): Four => {
        const w = new Whole(inside);
        const block = w.word(w.call("AddV2", w.call("Mul", element, 256), attempt));
        return philox(inside, this.#key, [block, step, w.lift(law.retrySite), this.#run]);
      };
      return zigguratNormals(scope, bits, rows.steps, law.tables, retry);
    }
    const u = openUniform(scope, bits);
    const m = new Maths(scope, "double");
    if (law.kind === "rows") return u;
    // Below 1 in single precision too.
    if (law.kind === "uniform")
      return this.real === "double" ? u : m.call("Minimum", u, 1 - 2 ** -24);
    return m.call("Floor", m.mul(u, law.of));
  }
}

/** Two `[rows, blocks]` side by side, block by block: `[rows, numbers]`. */
function sideBySide(scope: Scope, x: Tensor, y: Tensor, numbers: number): Tensor {
  const attrs = { ...typed("int64"), N: intAttr(2), axis: intAttr(2) };
  return reshape(scope.op("Pack", [x, y], "int64", { attrs }), [-1, numbers]);
}

/** The first columns. */
function columns(t: Tensor, length: number): Tensor {
  const inputs = [t, t.scope.ints([0, 0]), t.scope.ints([-1, length])];
  return t.scope.op("Slice", inputs, t.type, { attrs: sized(t.type, "Index") });
}

/** Odd multiples of 2⁻⁵⁴: 26 high bits of the second word, 27 of the first. */
function openUniform(scope: Scope, bits: Tensor): Tensor {
  const w = new Whole(scope);
  const m = new Maths(scope, "double");
  const some = (from: number, count: number): Tensor =>
    w.call("BitwiseAnd", w.call("RightShift", bits, from), 2 ** count - 1);
  const whole = w.call("BitwiseOr", w.call("LeftShift", some(38, 26), 27), some(5, 27));
  return m.mul(m.add(m.mul(cast(whole, "double"), 2), 1), 2 ** -54);
}
