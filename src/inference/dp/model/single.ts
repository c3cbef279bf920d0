/**
 * Kernels of one component: the density of one item in it, and its own density. The model with one
 * component is lowered with the item's number as an input, so that an item costs what it reads.
 */
import type { Buffer, KernelModule } from "../../../kernel/ir.js";
import { ConstantPool, type Lowered, lowerGraph } from "../../../passes/lower/index.js";
import { simplify } from "../../../passes/simplify/index.js";
import type { GraphBuilder } from "../../../tensor/builder.js";
import type { InputNode, Node } from "../../../tensor/ops.js";
import { sizeOf } from "../../../tensor/shape-rules.js";
import { topological } from "../../../tensor/traverse.js";
import { inputBuffer } from "../../conditionals/kernels.js";
import { type DirectFactor, type DirectJoint, STATES } from "../../logjoint/direct.js";
import { entriesAt } from "../../logjoint/entries.js";

/** The buffer and input that hold the item's number. */
export const ITEM = ".item";

/**
 * Functions `item` (log K(y_item | θ), at `ITEM`), `base` (the terms of the log joint that read θ
 * and no label) and, where there is one, `concentration` (the terms that read α).
 * @param joint of the model with one component
 * @param components sites of the plate, by index
 * @param alpha the concentration's site
 */
export function singleKernels(
  joint: DirectJoint,
  items: number,
  components: readonly number[],
  alpha: number | undefined,
): KernelModule {
  const { g } = joint;
  const pool = new ConstantPool();
  const parts: Lowered[] = [];
  const item = g.input(ITEM, [1], "int");
  const inputs: InputNode[] = [...joint.sites.map((s) => s.input), item];
  if (joint.states !== undefined) inputs.push(joint.states);
  const names: Record<string, string> = { [ITEM]: ITEM, [STATES]: STATES };
  const buffers: Buffer[] = [];
  joint.sites.forEach((site, k) => {
    names[site.input.name] = inputBuffer(k);
    buffers.push(workspace(inputBuffer(k), sizeOf(site.input.shape)));
  });
  buffers.push(workspace(ITEM, 1), workspace(STATES, items));
  const add = (name: string, node: Node): void => {
    const graph = simplify({ inputs, outputs: [{ name, node }] });
    parts.push(
      lowerGraph(graph, { name, result: name, inputs: names, outputs: {}, constants: pool }),
    );
  };
  const total = (terms: readonly Node[]): Node =>
    terms.reduce<Node>((sum, t) => g.add(sum, t), g.constant(0));
  const reading = (sites: readonly number[]): Node[] => {
    const wanted = new Set<Node>(sites.map((k) => joint.sites[k].input));
    return joint.plain.filter((t) => topological([t]).some((n) => wanted.has(n)));
  };
  add("item", total(joint.factors.map((f) => itemDensity(g, f, item, items))));
  add("base", total(reading(components)));
  if (alpha !== undefined) add("concentration", total(reading([alpha])));
  return {
    buffers: [...buffers, ...pool.buffers(), ...pool.scratchBuffers()],
    functions: parts.flatMap((p) => p.functions),
  };
}

function workspace(name: string, length: number): Buffer {
  return { name, element: "f64", length, region: "workspace" };
}

/** A factor's part of one item's density: the sum of its rows that read the item's label. */
function itemDensity(g: GraphBuilder, factor: DirectFactor, item: Node, items: number): Node {
  const [reference] = factor.references;
  const tuples: number[][] = Array.from({ length: items }, () => []);
  reference.elements.forEach((e, t) => {
    tuples[e].push(t);
  });
  const most = tuples.reduce((m, list) => Math.max(m, list.length), 0);
  const isPlain = most === 1 && tuples.every((list, i) => list[0] === i);
  const ints = (n: number, f: (list: readonly number[], k: number) => number) =>
    Float64Array.from({ length: items * n }, (_, at) => f(tuples[Math.floor(at / n)], at % n));
  const rowsOf = (values: Float64Array, dtype: "int" | "real"): Node =>
    g.reshape(g.gather(g.constant(values, [items, most], dtype), item, 0), [most]);
  const at = isPlain
    ? item
    : rowsOf(
        ints(most, (list, k) => list[k] ?? 0),
        "int",
      );
  const zeros = g.constant(new Float64Array(most), [most], "int");
  const entries = entriesAt(
    g,
    factor.rows,
    new Map([
      [0, at],
      [1, zeros],
    ]),
  );
  if (tuples.every((list) => list.length === most)) return g.sum(entries);
  const counted = rowsOf(
    ints(most, (list, k) => (k < list.length ? 1 : 0)),
    "real",
  );
  return g.sum(g.select(g.gt(counted, 0), entries, g.zeros([most])));
}
