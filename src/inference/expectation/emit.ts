/**
 * Prepared terms as nodes. Sums that only readings carry are taken first; what is left is a known
 * array times a small one, and all of those of one value become a single matrix product: rows of
 * data statistics times columns of expected statistics.
 */
import { internalError } from "../../base/internal.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import { constant, scalarConstant, spreadData, zip } from "./arrays.js";
import { spreadNode } from "./coefficients.js";
import type { Prepared } from "./prepare.js";
import type { StatisticTable } from "./statistics.js";
import { type Axis, axesSize, type Constant, unionOf } from "./terms.js";

interface Operand {
  readonly axes: readonly Axis[];
  readonly node: Node;
}

/** Σ over `inner` of rows(…rows, inner) · columns(inner, …columns). */
interface Product {
  readonly rows: readonly Axis[];
  readonly columns: readonly Axis[];
  /** `[rows, width]`. */
  readonly left: Float64Array;
  /** `[width, columns]`. */
  readonly right: Node;
  readonly width: number;
}

type Part =
  | { readonly kind: "known"; readonly value: Constant }
  | { readonly kind: "plain"; readonly value: Operand }
  | { readonly kind: "product"; readonly value: Product };

const sizes = (axes: readonly Axis[]): number[] => axes.map((a) => a.size);
const isSubset = (a: readonly Axis[], b: readonly Axis[]): boolean => a.every((x) => b.includes(x));
const isSame = (a: readonly Axis[], b: readonly Axis[]): boolean =>
  a.length === b.length && isSubset(a, b);

export class Emitter {
  constructor(
    private readonly g: GraphBuilder,
    private readonly table: StatisticTable,
  ) {}

  /** The sum of terms over `axes` in that order. */
  emit(terms: readonly Prepared[], axes: readonly Axis[]): Node {
    const { g } = this;
    const parts = terms.map((t) => this.part(t));
    let products = merged(
      parts.flatMap((p) => (p.kind === "product" ? [p.value] : [])),
      (ps) => this.joined(ps),
    );
    let known: Constant[] = [];
    for (const p of parts) if (p.kind === "known") known = withKnown(known, p.value);
    const plain = this.addedUp(parts.flatMap((p) => (p.kind === "plain" ? [p.value] : [])));
    // One product takes what fits in it as a column of ones and a row of ones.
    const rest: Operand[] = [];
    const [host] = products;
    const inColumns: Operand[] = [];
    const inRows: Constant[] = [];
    for (const o of plain) {
      if (host !== undefined && isSubset(o.axes, host.columns)) inColumns.push(o);
      else rest.push(o);
    }
    for (const c of known) {
      const isScalar = c.axes.length === 0;
      if (isScalar && inColumns.length > 0) {
        inColumns.push({ axes: [], node: g.constant(c.data[0]) });
      } else if (host !== undefined && isSubset(c.axes, host.rows)) inRows.push(c);
      else rest.push({ axes: c.axes, node: g.constant(c.data, sizes(c.axes)) });
    }
    const taken: Product[] = [];
    if (inColumns.length > 0) {
      taken.push(
        this.asColumn(
          host,
          inColumns.reduce((x, y) => this.plus(x, y)),
        ),
      );
    }
    if (inRows.length > 0) {
      const sum = inRows.reduce((x, y) => zip(x, y, (v, w) => v + w));
      taken.push(this.asRow(host, sum));
    }
    products = merged([...products, ...taken], (ps) => this.joined(ps));
    for (const p of products) rest.push(this.productNode(p));
    const sum = this.addedUp(rest)
      .sort((a, b) => a.axes.length - b.axes.length)
      .reduce<Operand | undefined>((x, y) => (x === undefined ? y : this.plus(x, y)), undefined);
    if (sum === undefined) return g.zeros(sizes(axes));
    return spreadNode(g, sum.node, sum.axes, axes);
  }

  private plus(x: Operand, y: Operand): Operand {
    const axes = unionOf([y, x]);
    const [a, b] = [x, y].map((o) => spreadNode(this.g, o.node, o.axes, axes));
    return { axes, node: this.g.add(a, b) };
  }

  /** One operand for each set of axes. */
  private addedUp(list: readonly Operand[]): Operand[] {
    const out: Operand[] = [];
    for (const o of list) {
      const k = out.findIndex((x) => isSame(x.axes, o.axes));
      if (k < 0) out.push(o);
      else out[k] = this.plus(out[k], o);
    }
    return out;
  }

  private part(t: Prepared): Part {
    const constants = [...t.constants].sort((a, b) => b.data.length - a.data.length);
    const [main, ...small] = constants;
    const operands: Operand[] = [
      ...t.readings.map((r) => ({ axes: r.axes, node: this.table.read(r) })),
      ...t.nodes,
      ...small.map((c) => ({ axes: c.axes, node: this.g.constant(c.data, sizes(c.axes)) })),
    ];
    if (operands.length === 0) {
      if (t.sums.length > 0) internalError("a known term with sums left");
      return { kind: "known", value: main ?? scalarConstant(1) };
    }
    const alone = main === undefined || main.axes.length === 0;
    const state = { operands, sums: [...t.sums] };
    if (!alone && isSubset(main.axes, t.sums)) {
      // Nothing of it is left in the result: one operand among others.
      operands.push({ axes: main.axes, node: this.g.constant(main.data, sizes(main.axes)) });
      this.reduce(state, []);
      return { kind: "plain", value: state.operands[0] };
    }
    this.reduce(state, alone ? [] : main.axes);
    const [p] = state.operands;
    if (main === undefined) return { kind: "plain", value: p };
    if (alone) {
      const node = this.g.mul(p.node, main.data[0]);
      return { kind: "plain", value: { axes: p.axes, node } };
    }
    const shared = main.axes.filter((a) => p.axes.includes(a) && !state.sums.includes(a));
    const rows = main.axes.filter((a) => !p.axes.includes(a));
    if (shared.length > 0 || rows.length === 0) {
      const c = { axes: main.axes, node: this.g.constant(main.data, sizes(main.axes)) };
      return { kind: "plain", value: this.contract(c, p, state.sums) };
    }
    const columns = p.axes.filter((a) => !state.sums.includes(a));
    const left = spreadData(main.data, main.axes, [...rows, ...state.sums]);
    const ordered = spreadNode(this.g, p.node, p.axes, [...state.sums, ...columns]);
    const width = axesSize(state.sums);
    const right = this.g.reshape(ordered, [width, axesSize(columns)]);
    return { kind: "product", value: { rows, columns, left, right, width } };
  }

  /**
   * Multiplies operands until one is left, cheapest sums first; sums over axes of `held` (which a
   * known array carries too) stay.
   */
  private reduce(state: { operands: Operand[]; sums: Axis[] }, held: readonly Axis[]): void {
    for (;;) {
      const { operands, sums } = state;
      const open = sums.filter((a) => !held.includes(a));
      if (operands.length === 1 && open.length === 0) return;
      const holders = (a: Axis): Operand[] => operands.filter((o) => o.axes.includes(a));
      const cost = (list: readonly Operand[]): number => axesSize(unionOf(list));
      let best = operands;
      for (const a of open) {
        const h = holders(a);
        if (best === operands || cost(h) < cost(best)) best = h;
      }
      const pair = best.length <= 2 ? best : cheapestPair(best);
      const others = operands.filter((o) => !pair.includes(o));
      const done = open.filter(
        (a) => pair.some((o) => o.axes.includes(a)) && !others.some((o) => o.axes.includes(a)),
      );
      const [x, y] = pair;
      const made = y === undefined ? this.sum(x, done) : this.contract(x, y, done);
      state.operands = [...others, made];
      state.sums = sums.filter((a) => !done.includes(a));
    }
  }

  private sum(x: Operand, axes: readonly Axis[]): Operand {
    const at = x.axes.flatMap((a, k) => (axes.includes(a) ? [k] : []));
    if (at.length === 0) return x;
    return { axes: x.axes.filter((a) => !axes.includes(a)), node: this.g.sum(x.node, at) };
  }

  /** Σ over `axes` of the product. */
  private contract(a: Operand, b: Operand, axes: readonly Axis[]): Operand {
    const { g } = this;
    // Axes of one of them alone are summed before.
    const inBoth = axes.filter((s) => a.axes.includes(s) && b.axes.includes(s));
    const single = axes.filter((s) => !inBoth.includes(s));
    const [x, y] = [this.sum(a, single), this.sum(b, single)];
    const batch = x.axes.filter((s) => y.axes.includes(s) && !inBoth.includes(s));
    const left = x.axes.filter((s) => !y.axes.includes(s));
    const right = y.axes.filter((s) => !x.axes.includes(s));
    if (inBoth.length === 0 || (left.length === 0 && right.length === 0)) {
      const union = unionOf([x, y]);
      const [p, q] = [x, y].map((o) => spreadNode(g, o.node, o.axes, union));
      return this.sum({ axes: union, node: g.mul(p, q) }, inBoth);
    }
    const over = axesSize(inBoth);
    const lead = batch.length === 0 ? [] : [axesSize(batch)];
    const p = spreadNode(g, x.node, x.axes, [...batch, ...left, ...inBoth]);
    const q = spreadNode(g, y.node, y.axes, [...batch, ...inBoth, ...right]);
    const node = g.matmul(
      g.reshape(p, [...lead, axesSize(left), over]),
      g.reshape(q, [...lead, over, axesSize(right)]),
    );
    const out = [...batch, ...left, ...right];
    return { axes: out, node: g.reshape(node, sizes(out)) };
  }

  private joined(products: readonly Product[]): Product {
    const [first] = products;
    if (products.length === 1) return first;
    const width = products.reduce((n, p) => n + p.width, 0);
    const n = axesSize(first.rows);
    const left = new Float64Array(n * width);
    let start = 0;
    const rights = products.map((p) => {
      const rows = [...first.rows, { id: -1, size: p.width }];
      const own = [...p.rows, rows[rows.length - 1]];
      const data = spreadData(p.left, own, rows);
      const { width: piece } = p;
      for (let from = 0, to = start; from < n * piece; from += piece, to += width) {
        for (let k = 0; k < piece; k++) left[to + k] = data[from + k];
      }
      start += p.width;
      if (isOrdered(p.columns, first.columns)) return p.right;
      const whole = this.g.reshape(p.right, [p.width, ...sizes(p.columns)]);
      const order = first.columns.map((a) => 1 + p.columns.indexOf(a));
      return this.g.reshape(this.g.transpose(whole, [0, ...order]), [p.width, axesSize(p.columns)]);
    });
    return {
      rows: first.rows,
      columns: first.columns,
      left,
      right: this.g.concat(rights, 0),
      width,
    };
  }

  private asColumn(host: Product, o: Operand): Product {
    const { rows, columns } = host;
    const spread = spreadNode(this.g, o.node, o.axes, columns);
    const right = this.g.reshape(spread, [1, axesSize(columns)]);
    return { rows, columns, left: new Float64Array(axesSize(rows)).fill(1), right, width: 1 };
  }

  private asRow(host: Product, c: Constant): Product {
    const { rows, columns } = host;
    const left = Float64Array.from(spreadData(c.data, c.axes, rows));
    return { rows, columns, left, right: this.g.ones([1, axesSize(columns)]), width: 1 };
  }

  private productNode(p: Product): Operand {
    const { g } = this;
    const left = g.constant(p.left, [axesSize(p.rows), p.width]);
    const axes = [...p.rows, ...p.columns];
    return { axes, node: g.reshape(g.matmul(left, p.right), sizes(axes)) };
  }
}

const isOrdered = (a: readonly Axis[], b: readonly Axis[]): boolean =>
  a.every((x, k) => x === b[k]);

function merged(
  products: readonly Product[],
  join: (ps: readonly Product[]) => Product,
): Product[] {
  const groups: Product[][] = [];
  for (const p of products) {
    const group = groups.find(([q]) => isSame(p.rows, q.rows) && isSame(p.columns, q.columns));
    if (group === undefined) groups.push([p]);
    else group.push(p);
  }
  return groups.map(join);
}

/** Known arrays of the same axes added up. */
function withKnown(list: readonly Constant[], c: Constant): Constant[] {
  const k = list.findIndex((d) => isSame(d.axes, c.axes));
  if (k < 0) return [...list, c];
  const data = spreadData(c.data, c.axes, list[k].axes);
  const sum = list[k].data.map((v, i) => v + data[i]);
  return list.map((d, i) => (i === k ? constant(d.axes, sum) : d));
}

function cheapestPair(list: readonly Operand[]): Operand[] {
  let best = [list[0], list[1]];
  let least = Infinity;
  list.forEach((x, i) => {
    for (const y of list.slice(i + 1)) {
      const cost = axesSize(unionOf([x, y]));
      if (cost < least) {
        least = cost;
        best = [x, y];
      }
    }
  });
  return best;
}
