/**
 * Scans: one loop over the steps whose body is lowered like a graph of its own. Carries of one
 * element are locals; larger ones have two buffers, of which each step reads one and writes the
 * other. Slices and stacked results are rows of memory.
 */
import * as k from "../../kernel/build.js";
import type { Local, Stmt } from "../../kernel/ir.js";
import type { Node, OutputNode, ScanNode } from "../../tensor/ops.js";
import { sizeOf, stridesOf } from "../../tensor/shape-rules.js";
import {
  type ArrayRef,
  arrayIn,
  arrayOf,
  denseArray,
  load,
  loopOver,
  loopsOver,
  store,
} from "./arrays.js";
import { shortenCarries } from "./carry-latency.js";
import type { Storage } from "./context.js";
import type { RegionEmitter } from "./emit-loops.js";
import {
  type Affine,
  constantIndex,
  linear,
  plus,
  scale,
  variableIndex,
  zeroIndex,
} from "./index-maps.js";
import { claimOutputs, planTasks } from "./plan.js";

/** Where a carry lives between steps. */
type Carry =
  | { readonly kind: "local"; readonly local: Local }
  | { readonly kind: "pair"; readonly buffer: string; readonly now: Affine; readonly next: Affine };

export function emitScan(region: RegionEmitter, node: ScanNode): void {
  const { context } = region;
  const { code } = region.values;
  const outputs = region.plan.roots.order.filter(
    (n): n is OutputNode => n.op === "output" && n.source === node && region.plan.live.has(n),
  );
  const pairOffset = new PairOffset(region);
  const body = shortenCarries(node.body);
  const carries = node.init.map((init) => startCarry(region, init, pairOffset));
  const constants = node.consts.map((x) => constantOf(region, x));
  const slices = node.xs.map((x) => {
    const array = arrayOf(region, x);
    return isDense(array, 1) ? array : denseCopy(region, array);
  });
  loopOver(
    context,
    code,
    node.length,
    (step, inner) => {
      const scan = { slices, body };
      emitStep(region, scan, step, carries, constants, outputs, inner, pairOffset);
    },
    { down: node.reverse },
  );
  for (const output of outputs) {
    if (output.index < carries.length) finishCarry(region, output, carries[output.index]);
  }
}

/** The local that tells the halves of the pairs apart: 0 or 1, swapped after each step. */
class PairOffset {
  readonly half: Local;
  readonly other: Local;
  readonly #region: RegionEmitter;
  used = false;

  constructor(region: RegionEmitter) {
    this.#region = region;
    this.half = region.context.local("half", "i32");
    this.other = region.context.local("other", "i32");
  }

  /** Offsets of the half that is read and of the one that is written. */
  of(size: number): { readonly now: Affine; readonly next: Affine } {
    const { context, values } = this.#region;
    if (!this.used) values.code.push(k.set(this.half, k.i32(0)), k.set(this.other, k.i32(1)));
    this.used = true;
    const [now, next] = [this.half, this.other].map((local) => {
      const id = context.variableId();
      return scale(variableIndex({ id, expr: k.get(local), depth: 0, extent: 2 }), size);
    });
    return { now, next };
  }

  swap(body: Stmt[]): void {
    if (!this.used) return;
    body.push(k.set(this.half, k.get(this.other)));
    body.push(k.set(this.other, k.sub(k.i32(1), k.get(this.half))));
  }
}

function startCarry(region: RegionEmitter, init: Node, pairs: PairOffset): Carry {
  const { context, values } = region;
  const size = sizeOf(init.shape);
  if (size === 1) {
    const local = context.local("carry");
    values.code.push(
      k.set(
        local,
        values.value(
          init,
          init.shape.map(() => zeroIndex),
        ),
      ),
    );
    return { kind: "local", local };
  }
  const buffer = region.take(2 * size);
  const { now, next } = pairs.of(size);
  const from = arrayOf(region, init);
  const to = pairArray(init, buffer, now);
  loopsOver(context, values.code, init.shape, (at, inner) => {
    inner.push(store(to, at, load(from, at)));
  });
  return { kind: "pair", buffer, now, next };
}

function pairArray(node: Node, buffer: string, offset: Affine): ArrayRef {
  const strides = stridesOf(node.shape);
  return { shape: node.shape, home: { kind: "buffer", buffer, offset }, strides };
}

/** An array that every step reads whole; one element is loaded once. */
function constantOf(region: RegionEmitter, node: Node): Storage {
  const { context, values } = region;
  if (sizeOf(node.shape) === 1) {
    const local = context.local("c");
    values.code.push(
      k.set(
        local,
        values.value(
          node,
          node.shape.map(() => zeroIndex),
        ),
      ),
    );
    return { kind: "local", local };
  }
  const whole = arrayOf(region, node);
  const { home, strides } = isDense(whole, 0) ? whole : denseCopy(region, whole);
  return home.kind === "local" ? home : { ...home, strides };
}

/** Whether the axes from `first` on lie as a dense array's do. */
function isDense({ shape, home, strides }: ArrayRef, first: number): boolean {
  const dense = stridesOf(shape);
  return (
    home.kind === "local" || shape.every((n, k) => k < first || n === 1 || strides[k] === dense[k])
  );
}

/** The body reads its inputs as dense arrays, windows of which may be read by their own strides. */
function denseCopy(region: RegionEmitter, from: ArrayRef): ArrayRef {
  const to = denseArray(from.shape, region.take(sizeOf(from.shape)));
  loopsOver(region.context, region.values.code, from.shape, (at, inner) => {
    inner.push(store(to, at, load(from, at)));
  });
  return to;
}

function emitStep(
  region: RegionEmitter,
  node: Pick<ScanNode, "body"> & { readonly slices: readonly ArrayRef[] },
  step: Affine,
  carries: readonly Carry[],
  constants: readonly Storage[],
  outputs: readonly OutputNode[],
  body: Stmt[],
  pairs: PairOffset,
): void {
  const { context } = region;
  const inputs = new Map<Node, Storage>();
  node.body.carry.forEach((input, c) => {
    const carry = carries[c];
    const strides = stridesOf(input.shape);
    if (carry.kind === "local") inputs.set(input, carry);
    else inputs.set(input, { kind: "buffer", buffer: carry.buffer, offset: carry.now, strides });
  });
  node.body.slices.forEach((input, s) => {
    inputs.set(input, rowOf(node.slices[s], step));
  });
  node.body.consts.forEach((input, c) => {
    inputs.set(input, constants[c]);
  });
  const wanted: { readonly node: Node; readonly storage: Storage }[] = [];
  const numbers: { readonly node: Node; readonly local: Local }[] = [];
  node.body.nextCarry.forEach((next, c) => {
    const carry = carries[c];
    if (carry.kind === "local") {
      numbers.push({ node: next, local: carry.local });
      return;
    }
    const { buffer, next: offset } = carry;
    const strides = stridesOf(next.shape);
    wanted.push({ node: next, storage: { kind: "buffer", buffer, offset, strides } });
  });
  const rows: { readonly node: Node; readonly array: ArrayRef }[] = [];
  for (const output of outputs) {
    const y = node.body.ys[output.index - carries.length];
    if (y === undefined) continue;
    const array = arrayIn(region.values.storageOf(output), output.shape);
    if (sizeOf(y.shape) === 1) rows.push({ node: y, array });
    else wanted.push({ node: y, storage: rowOf(array, step) });
  }
  const { fixed, copies } = claimOutputs(wanted);
  const results = [...numbers, ...rows, ...wanted].map((x) => x.node);
  const plan = planTasks(results, [...fixed.keys()], copies);
  const child = region.child(plan, inputs, fixed, body);
  child.emit();
  // All numbers are read before any carry changes.
  const at = (n: Node): Affine[] => n.shape.map(() => zeroIndex);
  for (const { node: y, array } of rows) {
    const where = [step, ...at(y)];
    body.push(store(array, where, child.values.value(y, at(y))));
  }
  const values = numbers.map(({ node: next }) =>
    context.bind(body, "next", child.values.value(next, at(next))),
  );
  numbers.forEach(({ local }, c) => {
    body.push(k.set(local, values[c]));
  });
  child.release();
  pairs.swap(body);
}

/** Row `step` of an array. */
function rowOf(array: ArrayRef, step: Affine): Storage {
  const { home, strides } = array;
  if (home.kind === "local") return home;
  const offset = plus(home.offset, linear([step], strides));
  return { kind: "buffer", buffer: home.buffer, offset, strides: strides.slice(1) };
}

function finishCarry(region: RegionEmitter, output: OutputNode, carry: Carry): void {
  const { context, values } = region;
  const to = arrayIn(values.storageOf(output), output.shape);
  if (carry.kind === "local") {
    const at = output.shape.map(() => constantIndex(0));
    values.code.push(store(to, at, k.get(carry.local)));
    return;
  }
  const from = pairArray(output, carry.buffer, carry.now);
  loopsOver(context, values.code, output.shape, (at, inner) => {
    inner.push(store(to, at, load(from, at)));
  });
}
