/**
 * Writes the code of scheduled tasks: loop nests with accumulators, block-wise loops where a range
 * has several phases, stores where a root is kept, and the hand-out of scratch memory.
 */
import { internalError } from "../../base/internal.js";
import * as k from "../../kernel/build.js";
import type { Expr, Local, Reduction, Stmt } from "../../kernel/ir.js";
import { printExpr } from "../../kernel/print.js";
import type { Node } from "../../tensor/ops.js";
import { sizeOf, stridesOf } from "../../tensor/shape-rules.js";
import type { FunctionContext, Storage } from "./context.js";
import type { Coordinates } from "./descend.js";
import { foldOf } from "./folds.js";
import { endsInKeptAxis, makeInPlace } from "./in-place.js";
import {
  type Affine,
  constantIndex,
  type IndexVar,
  indexExpr,
  plus,
  shift,
  variableIndex,
  zeroIndex,
} from "./index-maps.js";
import { emitMatvecBlock, emitMatvecStart } from "./matvec.js";
import { gatheredCoordinates, indexCoordinates } from "./nodes.js";
import { emitOpaque } from "./opaque.js";
import type { AccumulateTask, MapTask, Plan, Task } from "./plan.js";
import {
  BLOCK,
  type Item,
  type Keeping,
  keepingOf,
  LONG_SUM,
  type LoopItem,
  type Phase,
  scheduleTasks,
} from "./schedule.js";
import { chunksOf, emitSharedLoop } from "./share.js";
import { linearIn, ValueEmitter } from "./values.js";

/** Up to here one block takes all rows. */
const ONE_BLOCK = 512;

/** A block of a loop: first row, number of rows, and the index of a row in the block. */
export interface Block {
  readonly first: Expr;
  readonly rows: Expr;
}

export class RegionEmitter {
  readonly plan: Plan;
  readonly context: FunctionContext;
  readonly values: ValueEmitter;
  readonly #keeping: ReadonlyMap<Node, Keeping>;
  readonly #items: readonly Item[];
  readonly #fixed: ReadonlyMap<Node, Storage>;
  readonly #taken: { readonly name: string; readonly until: number }[] = [];
  /** Where sums in locals are made, while the loops at hand run. */
  readonly accumulators = new Map<Task, Local>();
  /** The index variables of the loops at hand. */
  readonly #loops: IndexVar[] = [];

  /** `inputs` and `fixed` say where inputs, and the roots that are outputs, live. */
  constructor(
    context: FunctionContext,
    plan: Plan,
    inputs: ReadonlyMap<Node, Storage>,
    fixed: ReadonlyMap<Node, Storage>,
    code: Stmt[],
  ) {
    this.context = context;
    this.plan = plan;
    this.#fixed = fixed;
    this.values = new ValueEmitter(context, plan.roots, new Map(inputs), code);
    const schedule = scheduleTasks(plan);
    this.#items = schedule.items;
    this.#keeping = keepingOf(plan, schedule, new Set(fixed.keys()));
  }

  /** See `in-place.ts`. */
  makeInPlace(): void {
    makeInPlace(this, this.#fixed, this.#keeping);
  }

  /** All tasks in order. Scratch memory stays taken until `release`. */
  emit(): void {
    this.#items.forEach((item, position) => {
      this.#provide(item, position);
      this.#emitItems([item], 0);
      this.#release(position);
    });
  }

  /** The lowering of a graph inside this one, into `code`. */
  child(
    plan: Plan,
    inputs: ReadonlyMap<Node, Storage>,
    fixed: ReadonlyMap<Node, Storage>,
    code: Stmt[],
  ): RegionEmitter {
    return new RegionEmitter(this.context, plan, inputs, fixed, code);
  }

  /** Gives back all scratch memory: the results have been read. */
  release(): void {
    this.#release(Number.POSITIVE_INFINITY);
  }

  /** Gives storage to the roots that are made in the item. */
  #provide(item: Item, position: number): void {
    for (const task of item.kind === "loop" ? item.tasks : [item.task]) {
      if (task.kind === "map" && task.target !== undefined) continue;
      const made =
        task.root.op === "scan"
          ? this.plan.roots.order.filter(
              (n) => n.op === "output" && n.source === task.root && this.plan.live.has(n),
            )
          : [task.root];
      for (const root of made) this.#provideRoot(root, position);
    }
  }

  #provideRoot(root: Node, position: number): void {
    const { storage } = this.values;
    if (storage.has(root)) return;
    const keeping = this.#keeping.get(root) ?? internalError("a root was not scheduled");
    const fixed = this.#fixed.get(root);
    const size = sizeOf(root.shape);
    if (fixed !== undefined) storage.set(root, fixed);
    else if (size === 1) storage.set(root, { kind: "local", local: this.context.local("s") });
    else if (keeping.storage === "block") {
      const rows = Math.min(size, ONE_BLOCK);
      storage.set(root, { kind: "block", buffer: this.take(rows, position) });
    } else if (keeping.storage === "buffer") {
      const strides = stridesOf(root.shape);
      let length = size;
      for (let axis = 0, left = keeping.contracted; left > 0; axis++) {
        if (root.shape[axis] === 1) continue;
        strides[axis] = 0;
        length /= Math.max(1, root.shape[axis]);
        left--;
      }
      const buffer = this.take(length, keeping.to);
      storage.set(root, { kind: "buffer", buffer, offset: zeroIndex, strides });
    }
  }

  /** Of a root that is kept for one iteration of the outermost loop only, its elements. */
  iterationLength(root: Node): number | undefined {
    const keeping = this.#keeping.get(root);
    if (keeping?.storage !== "buffer" || keeping.contracted === 0) return undefined;
    let left = keeping.contracted;
    return root.shape.reduce((length, n) => (n === 1 || left-- > 0 ? length : length * n), 1);
  }

  /** A scratch buffer that is given back after the top-level item `until`. */
  take(length: number, until = 0, element: "f64" | "f32" = "f64"): string {
    const name = this.context.scratch.take(length, element);
    this.#taken.push({ name, until });
    return name;
  }

  #release(position: number): void {
    for (let i = this.#taken.length - 1; i >= 0; i--) {
      if (this.#taken[i].until > position) continue;
      this.context.scratch.give(this.#taken[i].name);
      this.#taken.splice(i, 1);
    }
  }

  #emitItems(items: readonly Item[], depth: number): void {
    for (const item of items) {
      if (item.kind === "loop") this.#emitLoop(item, depth);
      else this.#emitTask(item.task);
    }
  }

  #emitTask(task: Task): void {
    switch (task.kind) {
      case "map":
        this.#emitMap(task);
        return;
      case "accumulate":
        this.#accumulate(task);
        return;
      case "opaque":
        emitOpaque(this, task.root);
        return;
      case "matvec":
        internalError("a matrix product outside its loop");
        return;
    }
  }

  // Loops ----------------------------------------------------------------------------------------

  #emitLoop(item: LoopItem, depth: number): void {
    const { code } = this.values;
    const carried = item.tasks.filter(
      (task): task is AccumulateTask => task.kind === "accumulate" && task.shared === depth,
    );
    for (const task of carried) this.#startAccumulator(task);
    if (depth === 0) {
      for (const task of item.tasks) {
        if (task.kind === "matvec") emitMatvecStart(this, task);
      }
    }
    const sums = item.extent > LONG_SUM && carried.some((task) => task.inLocal);
    const chunks = depth === 0 ? chunksOf(this, item) : undefined;
    if (chunks !== undefined) emitSharedLoop(this, item, chunks);
    else if (depth === 0 && (item.phases.length > 1 || item.phases[0].kind === "special" || sums)) {
      this.#emitBlocks(item);
    } else {
      const [phase] = item.phases;
      const index = this.context.local("i", "i32").name;
      const body = this.loopBody(phase, depth, item.extent, k.index(index));
      if (body.length > 0) {
        code.push(k.loop(index, k.i32(0), k.i32(item.extent), body, this.parallelOf(phase)));
      }
    }
    for (const task of carried) this.#finishAccumulator(task);
  }

  /** The body of a loop whose index is `position`. */
  loopBody(phase: Phase, depth: number, extent: number, position: Expr): Stmt[] {
    const level = this.values.depth + 1;
    return this.values.inScope(() => {
      const id = this.context.variableId();
      this.#loops.push({ id, expr: position, depth: level, extent });
      this.#emitItems(phase.items, depth + 1);
      this.#loops.pop();
    });
  }

  /** Runs the phases of a loop one after the other on blocks of rows. */
  #emitBlocks(item: LoopItem): void {
    const { code } = this.values;
    if (item.extent <= ONE_BLOCK) {
      this.#emitPhases(item, { first: k.i32(0), rows: k.i32(item.extent) });
      return;
    }
    const first = this.context.local("block", "i32").name;
    const body = this.values.inScope(() => {
      const left = k.sub(k.i32(item.extent), k.index(first));
      const rows =
        item.extent % BLOCK === 0
          ? k.i32(BLOCK)
          : this.context.bind(
              this.values.code,
              "rows",
              k.select(k.lt(left, k.i32(BLOCK)), left, k.i32(BLOCK)),
            );
      const total = new Map<Task, Local>();
      for (const task of item.tasks) {
        const whole = this.accumulators.get(task);
        if (task.kind !== "accumulate" || task.shared > 0 || whole === undefined) continue;
        const part = this.context.local("part");
        this.values.code.push(k.set(part, k.f64(foldOf(task.root).start)));
        total.set(task, whole);
        this.accumulators.set(task, part);
      }
      this.#emitPhases(item, { first: k.index(first), rows });
      for (const [task, whole] of total) {
        const part = this.accumulators.get(task)!;
        const sum = foldOf(task.root as AccumulateTask["root"]).combine(k.get(whole), k.get(part));
        this.values.code.push(k.set(whole, sum));
        this.accumulators.set(task, whole);
      }
    });
    const from = k.i32(0);
    const to = k.i32(item.extent);
    code.push({ kind: "for", index: first, from, to, step: BLOCK, body });
  }

  #emitPhases(item: LoopItem, block: Block): void {
    for (const phase of item.phases) {
      if (phase.kind === "special") {
        for (const task of phase.tasks) this.#emitSpecial(task, item.extent, block);
        continue;
      }
      this.blockLoop(item.extent, block, this.parallelOf(phase), () => {
        this.#emitItems(phase.items, 1);
      });
    }
  }

  /** A loop over the rows of a block. */
  blockLoop(
    extent: number,
    block: Block,
    parallel: Parallel | undefined,
    emit: (row: Affine) => void,
  ): void {
    const { code } = this.values;
    const index = this.context.local("i", "i32").name;
    const row = k.index(index);
    const position = isZero(block.first) ? row : k.add(block.first, row);
    const outer = this.values.blockIndex;
    this.values.blockIndex = row;
    const level = this.values.depth + 1;
    const body = this.values.inScope(() => {
      const id = this.context.variableId();
      const variable: IndexVar = { id, expr: position, depth: level, extent };
      this.#loops.push(variable);
      emit(variableIndex(variable));
      this.#loops.pop();
    });
    this.values.blockIndex = outer;
    code.push(k.loop(index, k.i32(0), block.rows, body, parallel));
  }

  /** An element of a root with one axis longer than 1 (or none), by its index. */
  loadRow(root: Node, row: Affine): Expr {
    const storage = this.values.storageOf(root);
    if (storage.kind === "local") return k.get(storage.local);
    if (storage.kind === "block") return k.load(storage.buffer, this.values.blockIndex!);
    return k.load(storage.buffer, indexExpr(plus(storage.offset, row)));
  }

  storeRow(root: Node, row: Affine, value: Expr): void {
    const storage = this.values.storageOf(root);
    const { code } = this.values;
    if (storage.kind === "local") code.push(k.set(storage.local, value));
    else if (storage.kind === "block") {
      code.push(k.store(storage.buffer, this.values.blockIndex!, value));
    } else code.push(k.store(storage.buffer, indexExpr(plus(storage.offset, row)), value));
  }

  #emitSpecial(task: Task, extent: number, block: Block): void {
    if (task.kind === "matvec") {
      emitMatvecBlock(this, task, block);
      return;
    }
    if (task.kind !== "accumulate") internalError(`${task.kind} in a special phase`);
    this.blockLoop(extent, block, undefined, () => this.#accumulate(task));
  }

  /** What a loop promises: independent iterations, but for sums and extrema in locals. */
  parallelOf(phase: Phase): Parallel | undefined {
    const reductions: Reduction[] = [];
    for (const item of phase.items) {
      if (item.kind === "loop") return undefined;
      const { task } = item;
      if (task.kind === "opaque") return undefined;
      if (task.kind !== "accumulate" || task.shared === task.domain.length) continue;
      if (!task.inLocal && endsInKeptAxis(task.root)) continue;
      const { parallel } = foldOf(task.root);
      if (!task.inLocal || parallel === undefined) return undefined;
      reductions.push({ local: this.accumulators.get(task)!.name, fn: parallel });
    }
    return { reductions };
  }

  // Tasks ----------------------------------------------------------------------------------------

  /** The present coordinates for a shape whose axes longer than 1 are the loops at hand. */
  #coordinates(sizes: readonly number[], starts?: readonly number[]): Affine[] {
    let depth = 0;
    return sizes.map((extent, axis) => {
      const start = starts === undefined ? 0 : starts[axis];
      if (extent === 1) return constantIndex(start);
      return shift(variableIndex(this.#loops[depth++]), start);
    });
  }

  #emitMap(task: MapTask): void {
    const { root, box } = task;
    const at = this.#coordinates(box.sizes, box.starts);
    if (task.target !== undefined) {
      const value = this.values.value(root, at);
      const position = indexExpr(linearIn(task.target, at));
      this.values.code.push(k.store(task.target.buffer, position, value));
      return;
    }
    this.#keep(root, at, this.values.compute(root, at));
  }

  /** Puts the value of a root where its readers look for it. */
  #keep(root: Node, at: Coordinates, computed: Expr): void {
    const { code } = this.values;
    const keeping = this.#keeping.get(root)!;
    const storage = this.values.storage.get(root);
    let value = computed;
    if (storage?.kind === "local") {
      code.push(k.set(storage.local, value));
      return;
    }
    if (keeping.asLocal && value.kind !== "local" && value.kind !== "const") {
      value = this.context.bind(code, "v", value);
    }
    if (keeping.asLocal) this.values.define(root, at, value);
    if (storage?.kind === "block") {
      code.push(k.store(storage.buffer, this.values.blockIndex!, value));
    } else if (storage?.kind === "buffer") {
      const place = indexExpr(linearIn(storage, at));
      // Parts of an output may have been made where they belong.
      const isThere =
        value.kind === "load" &&
        value.buffer === storage.buffer &&
        printExpr(value.index) === printExpr(place);
      if (!isThere) code.push(k.store(storage.buffer, place, value));
    }
  }

  /** Before the loops that a reduction is made in. */
  #startAccumulator(task: AccumulateTask): void {
    const { code } = this.values;
    const { root } = task;
    const storage = this.values.storage.get(root);
    const start = k.f64(foldOf(task.root).start);
    if (task.inLocal) {
      const local = storage?.kind === "local" ? storage.local : this.context.local("acc");
      this.accumulators.set(task, local);
      code.push(k.set(local, start));
      return;
    }
    if (storage?.kind === "local") {
      code.push(k.set(storage.local, start));
      return;
    }
    if (storage?.kind !== "buffer") internalError("a sum over outer loops has no buffer");
    // The leading axes are the loops at hand; the rest is filled.
    let offset = storage.offset;
    let length = 1;
    let depth = 0;
    const leading: Affine[] = root.shape.map((extent) => {
      if (extent !== 1 && depth < task.shared) return variableIndex(this.#loops[depth++]);
      length *= extent;
      return zeroIndex;
    });
    offset = linearIn(storage, leading);
    this.fill(storage.buffer, offset, length, start);
  }

  /** Sets `length` elements from `offset` on. */
  fill(buffer: string, offset: Affine, length: number, value: Expr): void {
    const index = this.context.local("i", "i32").name;
    const at = isConstantZero(offset) ? k.index(index) : k.add(indexExpr(offset), k.index(index));
    const body = [k.store(buffer, at, value)];
    this.values.code.push(k.loop(index, k.i32(0), k.i32(length), body, { reductions: [] }));
  }

  #finishAccumulator(task: AccumulateTask): void {
    const local = this.accumulators.get(task);
    if (local === undefined || this.values.storage.get(task.root)?.kind === "local") return;
    this.#keep(task.root, this.#coordinates(task.root.shape), k.get(local));
  }

  #accumulate(task: AccumulateTask): void {
    const { root } = task;
    const at = this.#coordinates(root.x.shape);
    const value = this.values.value(root.x, at);
    const fold = foldOf(task.root);
    if (task.shared === task.domain.length) {
      // No loop carries it.
      const folded = fold.combine(k.f64(fold.start), value);
      const rank = root.shape.filter((extent) => extent !== 1).length;
      if (rank === task.shared) {
        this.#keep(root, this.#coordinates(root.shape), folded);
        return;
      }
      this.#startAccumulator(task);
    }
    const { code } = this.values;
    const local = this.accumulators.get(task);
    if (local !== undefined) {
      code.push(k.set(local, fold.combine(k.get(local), value)));
      return;
    }
    const to = this.#target(task, at);
    const storage = this.values.storage.get(root);
    if (storage?.kind === "local") {
      code.push(k.set(storage.local, fold.combine(k.get(storage.local), value)));
    } else if (storage?.kind === "buffer") {
      const position = indexExpr(linearIn(storage, to));
      const sum = fold.combine(k.load(storage.buffer, position), value);
      code.push(k.store(storage.buffer, position, sum));
    } else internalError("a sum over outer loops has no buffer");
  }

  /** The element of the result that the element of the operand at `at` goes to. */
  #target(task: AccumulateTask, at: Coordinates): Coordinates {
    const { root } = task;
    if (root.op === "reduce") return at.filter((_, axis) => !root.axes.includes(axis));
    const where = indexCoordinates(root, at);
    const index = this.values.index(root.indices, where, root.shape[root.axis]);
    return gatheredCoordinates(root, at, index);
  }
}

type Parallel = { readonly reductions: readonly Reduction[] };

function isZero(e: Expr): boolean {
  return e.kind === "const" && e.value === 0;
}
function isConstantZero(a: Affine): boolean {
  return a.constant === 0 && a.terms.length === 0;
}
