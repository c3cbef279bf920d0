/** From the nodes of a block to its items: a total table over the operations. */
import { internalError } from "../../../base/internal.js";
import type { InputNode, Node, NodeOf, Op, ScanNode } from "../../../tensor/ops.js";
import { sizeOf } from "../../../tensor/shape-rules.js";
import { topological } from "../../../tensor/traverse.js";
import { fixed, type Ix } from "../emit/indices.js";
import {
  choleskyTasks,
  cumulativeTasks,
  logAbsDetTasks,
  solveTasks,
  triangularTasks,
} from "../emit/linalg.js";
import { item, labelOf, mapTask, threadsTask, writesOwn } from "../emit/map.js";
import { matmulTasks } from "../emit/matmul.js";
import { reduceTasks, scatterTasks } from "../emit/reduce.js";
import { ValueEmitter } from "../emit/values.js";
import {
  type Alias,
  type BlockContext,
  type Item,
  stepName,
  type Tuning,
  USUAL_TUNING,
} from "./context.js";
import { decideRoots } from "./roots.js";
import type { ConstantTables, Region, Regions } from "./storage.js";

export class Block implements BlockContext {
  readonly aliases = new Map<Node, Alias>();
  readonly items: Item[] = [];

  constructor(
    readonly regions: Regions,
    readonly tables: ConstantTables,
    readonly level: number,
    readonly tuning: Tuning = USUAL_TUNING,
  ) {}

  alias(node: InputNode): Alias | undefined {
    return this.aliases.get(node);
  }

  /**
   * Adds the items that compute `outputs`, and what else `readable` nodes need to be read. Nodes
   * that have a region already (inputs, results that are wanted at a place) keep it.
   */
  compute(outputs: readonly Node[], readable: readonly Node[] = []): void {
    const order = topological([...outputs, ...readable]);
    const roots = decideRoots(order, outputs, readable);
    for (const node of order) {
      if (!roots.has(node) || node.op === "output") continue;
      if (sizeOf(node.shape) === 0 && node.op !== "scan") continue;
      // The entry at `node.op` takes exactly this member of the union.
      const rule = itemRules[node.op] as (block: Block, n: Node) => readonly Item[];
      this.items.push(...rule(this, node));
    }
  }

  /** The region of a node, made where it has none. */
  regionOf(node: Node): Region {
    const known = this.regions.of(node);
    if (known !== undefined) return known;
    const region = this.regions.make("r", sizeOf(node.shape));
    this.regions.set(node, region);
    return region;
  }
}

type ItemRule<K extends Op> = (block: Block, node: NodeOf<K>) => readonly Item[];
const stored = (block: Block, node: Node): readonly Item[] => [
  mapTask(block, node, block.regionOf(node)),
];
const never = (_: Block, node: Node): readonly Item[] => internalError(`${node.op} is no task`);

/** How the device answers each operation where its result is stored. */
const itemRules: { readonly [K in Op]: ItemRule<K> } = {
  const: never,
  input: never,
  output: never,
  unary: stored,
  binary: stored,
  ternary: stored,
  broadcast: stored,
  reshape: stored,
  transpose: stored,
  slice: stored,
  pad: stored,
  concat: stored,
  gather: stored,
  scatter_add: (b, n) => scatterTasks(b, n, b.regionOf(n)),
  reduce: (b, n) => reduceTasks(b, n, b.regionOf(n)),
  cumulative: (b, n) => cumulativeTasks(b, n, b.regionOf(n)),
  matmul: (b, n) => matmulTasks(b, n, b.regionOf(n)),
  cholesky: (b, n) => choleskyTasks(b, n, b.regionOf(n)),
  triangular_solve: (b, n) => triangularTasks(b, n, b.regionOf(n)),
  solve: (b, n) => solveTasks(b, n, b.regionOf(n)),
  log_abs_det: (b, n) => logAbsDetTasks(b, n, b.regionOf(n)),
  scan: scanItems,
};

/**
 * A loop whose steps read the carries of the step before, compute the next ones, and copy them over
 * when all are there.
 */
function scanItems(block: Block, scan: ScanNode): readonly Item[] {
  const { body, length } = scan;
  const level = block.level + 1;
  const inner = new Block(block.regions, block.tables, level, block.tuning);
  const carries = body.carry.map((node) => block.regions.make("c", sizeOf(node.shape)));
  const rows = body.ys.map((node) => block.regions.make("y", sizeOf(node.shape) * length));
  block.regions.setResults(scan, [...carries, ...rows]);
  const items: Item[] = scan.init.map((node, k) =>
    mapTask(block, node, carries[k], { copy: true }),
  );
  const live = items.filter((_, k) => sizeOf(scan.init[k].shape) > 0);
  if (length === 0) return live;
  const step = stepName(level);
  const row: Ix = { text: scan.reverse ? `(${length - 1}u - ${step})` : step, depth: 0 };
  body.carry.forEach((node, k) => {
    inner.regions.set(node, carries[k]);
  });
  body.slices.forEach((node, k) => {
    inner.aliases.set(node, { node: scan.xs[k], row: length === 1 ? fixed(0) : row });
  });
  body.consts.forEach((node, k) => {
    inner.aliases.set(node, { node: scan.consts[k] });
  });
  for (const [node, alias] of block.aliases) inner.aliases.set(node, alias);
  advance(inner, body.carry, body.nextCarry, carries, body.ys, () => {
    body.ys.forEach((node, k) => {
      if (sizeOf(node.shape) === 0) return;
      inner.items.push(mapTask(inner, node, rows[k], { copy: true, row: row.text }));
    });
  });
  return [...live, { kind: "loop", level, length, body: inner.items }];
}

/**
 * One step of a loop: the next state is computed beside the present one, `after` stores what it
 * will of the `readable` nodes, and then the next state is copied over the present.
 */
export function advance(
  inner: Block,
  present: readonly (Node | undefined)[],
  next: readonly Node[],
  regions: readonly Region[],
  readable: readonly Node[],
  after: () => void,
): void {
  // A carry that stays as it is needs no copy; one that is another carry, an input or a constant
  // is copied through a place of its own, since all change at once.
  const moved = next
    .map((node, k) => ({ node, k }))
    .filter(({ node, k }) => node !== present[k] && sizeOf(node.shape) > 0);
  const computed = (n: Node): boolean => n.op !== "input" && n.op !== "const";
  inner.compute([...new Set(moved.map((m) => m.node).filter(computed))], readable);
  after();
  const places = moved.map(({ node }) => {
    if (computed(node)) return undefined;
    const place = inner.regions.make("t", sizeOf(node.shape));
    inner.items.push(mapTask(inner, node, place, { copy: true }));
    return place;
  });
  moved.forEach(({ node, k }, m) => {
    const place = places[m];
    inner.items.push(
      place === undefined
        ? mapTask(inner, node, regions[k], { copy: true })
        : copyTask(inner, place, regions[k], node),
    );
  });
}

function copyTask(block: Block, from: Region, to: Region, node: Node): Item {
  const emitter = new ValueEmitter(block);
  const value = emitter.loadRegion(from, item);
  emitter.scopes.line(`ws[${to.name} + item] = ${value.text};`);
  const task = threadsTask(emitter, sizeOf(node.shape), 1, [to], labelOf(node), node.origin);
  return writesOwn(emitter, task);
}
