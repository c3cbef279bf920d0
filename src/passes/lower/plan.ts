/**
 * From a graph to tasks: one per root (or per box of it), each with the loops it needs and the
 * other roots it reads. `schedule.ts` then decides which tasks share loops.
 */
import { internalError } from "../../base/internal.js";
import { i32 } from "../../kernel/build.js";
import type { MatmulNode, Node, ReduceNode, ScatterAddNode } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import { operandsOf } from "../../tensor/traverse.js";
import type { Storage } from "./context.js";
import { type Coordinates, sourceOf } from "./descend.js";
import {
  type Affine,
  type IndexVar,
  indexKey,
  shift,
  variableIndex,
  zeroIndex,
} from "./index-maps.js";
import { type Matvec, matvecOf, vectorCoordinates } from "./matvec.js";
import {
  affineIndexAt,
  indexCoordinates,
  isElementMap,
  isElementwise,
  keepsAxes,
} from "./nodes.js";
import { type Box, Roots } from "./roots.js";

interface TaskBase {
  readonly id: number;
  /** Extents of the loops around the task's code, outermost first; none is 1. */
  readonly domain: readonly number[];
  /** Values are final within one iteration of this many outer loops. */
  readonly shared: number;
  /**
   * Roots that are read, each with the number of leading coordinates (axes of length 1 left out)
   * that are the reader's own loop indices.
   */
  readonly reads: ReadonlyMap<Node, number>;
}
/** Computes the elements of a box of `root`; stores them to `target` if given. */
export interface MapTask extends TaskBase {
  readonly kind: "map";
  readonly root: Node;
  readonly box: Box;
  /** Where a node is copied to that lives elsewhere. */
  readonly target?: BufferStorage;
}
export interface AccumulateTask extends TaskBase {
  readonly kind: "accumulate";
  readonly root: ReduceNode | ScatterAddNode;
  /** The accumulator is a local: the loops from `shared` on are all reduced. */
  readonly inLocal: boolean;
}
export interface MatvecTask extends TaskBase {
  readonly kind: "matvec";
  readonly root: MatmulNode;
  readonly matvec: Matvec;
}
/** Brings its own loops and reads whole operands. */
export interface OpaqueTask extends TaskBase {
  readonly kind: "opaque";
  readonly root: Node;
}
export type Task = MapTask | AccumulateTask | MatvecTask | OpaqueTask;

export interface Plan {
  readonly roots: Roots;
  readonly tasks: readonly Task[];
  /** Of each root the tasks that make it. */
  readonly producers: ReadonlyMap<Node, readonly Task[]>;
  /** Roots that something reads, or that are stored. */
  readonly live: ReadonlySet<Node>;
  /** Roots that are read after all tasks, by outputs that are not stored. */
  readonly readAtEnd: ReadonlySet<Node>;
}

export type BufferStorage = Extract<Storage, { readonly kind: "buffer" }>;

/** An output that is stored. */
export interface StoredOutput {
  readonly node: Node;
  readonly storage: Storage;
}

/**
 * Which outputs are made where they are wanted (`fixed`), and which are copied there: numbers,
 * which are made in locals, what is an input or constant, and what is wanted twice.
 */
export function claimOutputs(wanted: readonly StoredOutput[]): {
  readonly fixed: ReadonlyMap<Node, Storage>;
  readonly copies: readonly StoredOutput[];
} {
  const fixed = new Map<Node, Storage>();
  const copies: StoredOutput[] = [];
  for (const output of wanted) {
    const { node, storage } = output;
    const leaf = node.op === "input" || node.op === "const";
    if (leaf || sizeOf(node.shape) === 1 || fixed.has(node)) copies.push(output);
    else fixed.set(node, storage);
  }
  return { fixed, copies };
}

/** The root whose tasks make a node's storage: the scan of an output node. */
export function producerOf(root: Node): Node {
  return root.op === "output" ? root.source : root;
}

/**
 * Tasks of everything that `outputs` need. `copies` are stored to buffers by tasks of their own,
 * `stored` must be roots. Outputs that are neither are numbers, read after all tasks.
 */
export function planTasks(
  outputs: readonly Node[],
  stored: readonly Node[],
  copies: readonly StoredOutput[],
): Plan {
  const roots = new Roots(outputs, stored);
  const tasks: Task[] = [];
  const producers = new Map<Node, Task[]>();
  const add = (task: Task, root: Node): void => {
    tasks.push(task);
    const known = producers.get(root);
    if (known === undefined) producers.set(root, [task]);
    else known.push(task);
  };
  for (const node of roots.order) {
    if (!roots.isRoot(node) || node.op === "output") continue;
    // Nothing to compute. (The shape of a scan says nothing about its results.)
    if (sizeOf(node.shape) === 0 && node.op !== "scan") continue;
    for (const task of tasksOf(node, roots, tasks.length)) add(task, node);
  }
  for (const { node, storage } of copies) {
    if (storage.kind !== "buffer") internalError("an output is not in a buffer");
    if (sizeOf(node.shape) === 0) continue;
    const whole = { starts: node.shape.map(() => 0), sizes: node.shape };
    tasks.push({ ...mapTask(node, whole, roots, tasks.length, true), target: storage });
  }
  const atEnd = new ReadWalk(roots);
  const elsewhere = new Set([...stored, ...copies.map((copy) => copy.node)]);
  for (const node of outputs) {
    if (!elsewhere.has(node))
      atEnd.visit(
        node,
        node.shape.map(() => zeroIndex),
      );
  }
  const readAtEnd = new Set(atEnd.reads.keys());
  const live = liveRoots(tasks, [...stored, ...readAtEnd]);
  return { roots, tasks: tasks.filter((task) => isLive(task, live)), producers, live, readAtEnd };
}

/** Roots that are read, directly or not, from what is stored. Operands may lie outside a slice. */
function liveRoots(tasks: readonly Task[], wanted: readonly Node[]): Set<Node> {
  const live = new Set<Node>();
  const mark = (root: Node): void => void live.add(root).add(producerOf(root));
  wanted.forEach(mark);
  for (let k = tasks.length - 1; k >= 0; k--) {
    const task = tasks[k];
    if (isLive(task, live)) for (const root of task.reads.keys()) mark(root);
  }
  return live;
}

function isLive(task: Task, live: ReadonlySet<Node>): boolean {
  return live.has(task.root) || (task.kind === "map" && task.target !== undefined);
}

function tasksOf(node: Node, roots: Roots, id: number): Task[] {
  if (isElementMap(node)) {
    return roots.boxesOf(node).map((box, k) => mapTask(node, box, roots, id + k, false));
  }
  switch (node.op) {
    case "reduce":
    case "scatter_add":
      if (sizeOf(node.x.shape) === 0) return [fillTask(node, id)];
      return [node.op === "reduce" ? reduceTask(node, roots, id) : scatterTask(node, roots, id)];
    case "matmul": {
      const matvec = matvecOf(node, roots);
      return [
        matvec === undefined ? opaqueTask(node, roots, id) : matvecTask(node, matvec, roots, id),
      ];
    }
    default:
      return [opaqueTask(node, roots, id)];
  }
}

function mapTask(node: Node, box: Box, roots: Roots, id: number, copy: boolean): MapTask {
  const loops = new LoopVars(box.sizes);
  const at = loops.at.map((a, k) => shift(a, box.starts[k]));
  const walk = new ReadWalk(roots);
  if (copy) walk.visit(node, at);
  else walk.descend(node, at);
  const whole = sizeOf(box.sizes) === sizeOf(node.shape);
  const shared = whole ? loops.domain.length : 0;
  return { kind: "map", id, root: node, box, domain: loops.domain, shared, reads: walk.reads };
}

function reduceTask(node: ReduceNode, roots: Roots, id: number): AccumulateTask {
  const { shape } = node.x;
  const loops = new LoopVars(shape);
  const walk = new ReadWalk(roots);
  walk.visit(node.x, loops.at);
  const reduced = loops.axes.map((axis) => node.axes.includes(axis));
  const first = reduced.indexOf(true);
  const shared = first < 0 ? loops.domain.length : first;
  const inLocal = reduced.every((r, depth) => r === depth >= shared);
  return {
    kind: "accumulate",
    id,
    root: node,
    domain: loops.domain,
    shared,
    inLocal,
    reads: walk.reads,
  };
}

function scatterTask(node: ScatterAddNode, roots: Roots, id: number): AccumulateTask {
  const loops = new LoopVars(node.x.shape);
  const walk = new ReadWalk(roots);
  walk.visit(node.x, loops.at);
  walk.index(node.indices, indexCoordinates(node, loops.at), node.shape[node.axis]);
  const before = loops.axes.findIndex((axis) => axis >= node.axis);
  const shared = before < 0 ? loops.domain.length : before;
  // A result of one element per iteration is a sum like any other.
  const inLocal = node.shape.filter((extent) => extent !== 1).length === shared;
  return {
    kind: "accumulate",
    id,
    root: node,
    domain: loops.domain,
    shared,
    inLocal,
    reads: walk.reads,
  };
}

function matvecTask(node: MatmulNode, matvec: Matvec, roots: Roots, id: number): MatvecTask {
  const walk = new ReadWalk(roots);
  const rows = matvec.kind === "rows";
  const loops = new LoopVars([rows ? matvec.outer : matvec.inner]);
  if (rows) walk.whole(matvec.vector);
  else walk.visit(matvec.vector, vectorCoordinates(matvec, loops.at[0]));
  const shared = rows ? 1 : 0;
  return {
    kind: "matvec",
    id,
    root: node,
    matvec,
    domain: loops.domain,
    shared,
    reads: walk.reads,
  };
}

/** Sums over nothing: a task that reads nothing. */
function fillTask(root: Node, id: number): OpaqueTask {
  return { kind: "opaque", id, root, domain: [], shared: 0, reads: new Map() };
}

function opaqueTask(node: Node, roots: Roots, id: number): OpaqueTask {
  const walk = new ReadWalk(roots);
  if (node.op === "cumulative") walk.visit(node.x, new LoopVars(node.x.shape).at);
  else for (const x of operandsOf(node)) walk.whole(x);
  const reads = new Map<Node, number>();
  for (const root of walk.reads.keys()) reads.set(root, 0);
  return { kind: "opaque", id, root: node, domain: [], shared: 0, reads };
}

/** Loop variables for the axes of a shape, those of length 1 left out. */
class LoopVars {
  readonly domain: number[] = [];
  readonly axes: number[] = [];
  readonly at: Affine[];

  constructor(shape: readonly number[]) {
    this.at = shape.map((extent, axis) => {
      if (extent === 1) return zeroIndex;
      const id = this.domain.length;
      this.domain.push(extent);
      this.axes.push(axis);
      return variableIndex({ id, expr: i32(0), depth: id + 1, extent });
    });
  }
}

/** Collects the roots that code for an element reads. */
class ReadWalk {
  readonly reads = new Map<Node, number>();
  readonly #roots: Roots;
  readonly #seen = new Set<string>();
  #nextIndex = 1 << 20;

  constructor(roots: Roots) {
    this.#roots = roots;
  }

  visit(node: Node, at: Coordinates): void {
    if (node.op === "const" || node.op === "input") return;
    if (this.#roots.isRoot(node)) {
      this.#read(node, leadingVariables(node, at));
      return;
    }
    const key = `${node.id}:${indexKey(at)}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.descend(node, at);
  }

  /** The operands of an element map. */
  descend(node: Node, at: Coordinates): void {
    if (isElementwise(node)) {
      for (const x of operandsOf(node)) this.visit(x, at);
      return;
    }
    if (node.op === "reshape" && !keepsAxes(node.x.shape, node.shape)) {
      this.whole(node.x);
      return;
    }
    const source = sourceOf(node, at, (indices, where, extent) =>
      this.index(indices, where, extent),
    );
    if (source !== "zero") this.visit(source.node, source.at);
  }

  /** Every element, in any order. */
  whole(node: Node): void {
    if (node.op === "scan") {
      this.#read(node, 0);
      return;
    }
    const view = this.#roots.viewOf(node) ?? internalError(`${node.op} was not made a root`);
    if (this.#roots.isRoot(view.base)) this.#read(view.base, 0);
  }

  /** An index that is loaded from memory: a variable of its own. */
  index(indices: Node, at: Coordinates, extent: number): Affine {
    const affine = affineIndexAt(indices, at);
    if (affine !== undefined) return affine;
    this.visit(indices, at);
    return variableIndex({ id: this.#nextIndex++, expr: i32(0), depth: 0, extent });
  }

  #read(root: Node, leading: number): void {
    const known = this.reads.get(root);
    this.reads.set(root, known === undefined ? leading : Math.min(known, leading));
  }
}

/** How many leading coordinates are exactly the loop variables 0, 1, … */
function leadingVariables(root: Node, at: Coordinates): number {
  let count = 0;
  for (let k = 0; k < at.length; k++) {
    if (root.shape[k] === 1) continue;
    const { constant, terms } = at[k];
    if (constant !== 0 || terms.length !== 1 || terms[0].coeff !== 1) return count;
    const of: IndexVar = terms[0].of;
    if (of.id !== count || of.extent !== root.shape[k]) return count;
    count++;
  }
  return count;
}
