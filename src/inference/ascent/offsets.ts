/**
 * Products of data columns that are formed on a device (x xᵀ of large data) are not centred, as those
 * that are formed here are (`whiten.ts`): in single precision columns far from 0 beside their spread
 * would lose it, as the square of an offset m beside a spread s has an error of 2⁻²⁴ m² / s².
 */
import type { ConstNode, Node } from "../../tensor/ops.js";
import { operandsOf, topological } from "../../tensor/traverse.js";

/** A column of data that products on a device are made of. */
export interface FarColumn {
  readonly column: number;
  readonly mean: number;
  readonly spread: number;
}

/** Offsets up to so many spreads leave the products four digits. */
const MOST_SPREADS = 30;

/** The column that is farthest from 0, where that is too far for single precision. */
export function farColumn(roots: readonly Node[], items: number): FarColumn | undefined {
  let worst: FarColumn | undefined;
  const far = (c: FarColumn): number => Math.abs(c.mean) / c.spread;
  for (const data of factorsOf(roots, items)) {
    const width = data.data.length / items;
    for (let column = 0; column < width; column++) {
      const found = columnOf(data, items, width, column);
      if (!(found.spread > 0) || !(far(found) > MOST_SPREADS)) continue;
      if (worst === undefined || far(found) > far(worst)) worst = found;
    }
  }
  return worst;
}

/** Known arrays of the items that stand in products with each other. */
function factorsOf(roots: readonly Node[], items: number): ReadonlySet<ConstNode> {
  const order = topological(roots);
  /** The items' arrays below nodes that are known. */
  const below = new Map<Node, ReadonlySet<ConstNode>>();
  const found = new Set<ConstNode>();
  for (const n of order) {
    if (n.op === "const") {
      const isOfItems = n.dtype === "real" && n.shape[0] === items;
      below.set(n, isOfItems ? new Set([n]) : new Set());
      continue;
    }
    if (n.op === "input") continue;
    const operands = operandsOf(n);
    const known = operands.flatMap((x) => below.get(x) ?? []);
    if (known.length < operands.length) continue;
    below.set(n, new Set(known.flatMap((k) => [...k])));
    const isProduct = n.op === "binary" && n.fn === "mul";
    const isSquare = n.op === "unary" && n.fn === "square";
    if ((isProduct && known.every((k) => k.size > 0)) || isSquare) {
      for (const k of known) for (const data of k) found.add(data);
    }
  }
  return found;
}

function columnOf({ data }: ConstNode, items: number, width: number, column: number): FarColumn {
  let mean = 0;
  for (let i = 0; i < items; i++) mean += data[i * width + column] / items;
  let sum = 0;
  for (let i = 0; i < items; i++) sum += (data[i * width + column] - mean) ** 2;
  return { column, mean, spread: Math.sqrt(sum / items) };
}
