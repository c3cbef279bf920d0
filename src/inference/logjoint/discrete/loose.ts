/**
 * Components that are neither aligned nor paths. Many of them are nearly one: leaves hang on a chain (a
 * label at each step of a hidden Markov model), a few elements at each step hang together (chains of
 * second order, several chains with one emission), or one element hangs on all others (a label of the
 * whole series). So leaves are summed out first, all of a kind at once; what is left is a chain of the
 * layers in which it is reached from one end (Cuthill & McKee 1969), or is summed value by value of its
 * most connected element; the rest goes to variable elimination.
 */
import { internalError } from "../../../base/internal.js";
import type { GraphBuilder } from "../../../tensor/builder.js";
import type { Node } from "../../../tensor/ops.js";
import { forward } from "./chain.js";
import type { Factor } from "./factors.js";
import type { DiscreteSite, Reference } from "./references.js";

/** Factors with their tables, `[tuples, …values]`, over elements in one numbering. */
export interface Tables {
  readonly g: GraphBuilder;
  readonly siteOf: (element: number) => DiscreteSite;
  readonly factors: readonly Factor[];
  readonly rows: readonly Node[];
}

/** Fewer leaves than this, or than this share of what is left, are not worth a round. */
const LEAST_LEAVES = 8;
const LEAST_SHARE = 0.2;
/** Joint values of a layer, and numbers in all tables of a chain of layers. */
const LAYER_VALUES = 128;
const CHAIN_NUMBERS = 1 << 24;
/** An element with at least this many neighbours, so many times what is usual around it, */
const HUB_NEIGHBOURS = 8;
const HUB_TIMES = 4;
/** and at most this many values, may be summed value by value. */
const HUB_VALUES = 64;

/** The tuples of the factors that read the given elements. */
export function among(t: Tables, elements: ReadonlySet<number>): Tables {
  return filtered(t, (f, i) => elements.has(f.references[0].elements[i]));
}

function filtered(t: Tables, keep: (f: Factor, tuple: number) => boolean): Tables {
  const factors: Factor[] = [];
  const rows: Node[] = [];
  t.factors.forEach((f, k) => {
    const n = f.references[0].elements.length;
    const tuples: number[] = [];
    for (let i = 0; i < n; i++) if (keep(f, i)) tuples.push(i);
    if (tuples.length === 0) return;
    if (tuples.length === n) {
      factors.push(f);
      rows.push(t.rows[k]);
      return;
    }
    const node = pick(t.g, t.rows[k], tuples);
    factors.push(
      factorOver(
        f.label,
        f.references.map((r) => readings(r, tuples)),
        node,
      ),
    );
    rows.push(node);
  });
  return { ...t, factors, rows };
}

const readings = (r: Reference, tuples: readonly number[]): Reference => {
  return { ...r, elements: Float64Array.from(tuples, (i) => r.elements[i]) };
};

/** A factor whose table is over its tuples. */
function factorOver(label: string, references: readonly Reference[], node: Node): Factor {
  const loop = { name: `tuples of ${node.id}`, size: node.shape[0] };
  const table = { node, axes: [loop, ...references.map((r) => r.axis)] };
  return { label, references, loops: [loop], table };
}

function pick(g: GraphBuilder, rows: Node, tuples: readonly number[]): Node {
  return g.gather(rows, g.constant(tuples, [tuples.length], "int"), 0);
}

function scatter(g: GraphBuilder, rows: Node, to: readonly number[], count: number): Node {
  const [, ...rest] = rows.shape;
  return g.scatterAdd(rows, g.constant(to, [to.length], "int"), 0, [count, ...rest]);
}

/** The elements that share a tuple with each element. */
export function neighboursOf(
  factors: readonly Pick<Factor, "references">[],
): Map<number, Set<number>> {
  const found = new Map<number, Set<number>>();
  const own = (e: number): Set<number> => {
    const known = found.get(e) ?? new Set<number>();
    found.set(e, known);
    return known;
  };
  for (const { references } of factors) {
    for (const a of references) {
      a.elements.forEach((e, i) => {
        const set = own(e);
        for (const b of references) if (b !== a) set.add(b.elements[i]);
      });
    }
  }
  return found;
}

/** Sums out elements with one neighbour, round by round, where they are many; also what is left. */
export function withoutLeaves(
  given: Tables,
  elements: ReadonlySet<number>,
): { readonly tables: Tables; readonly left: ReadonlySet<number> } {
  let tables = given;
  const left = new Set(elements);
  for (;;) {
    const neighbours = neighboursOf(tables.factors);
    const leaves = new Map<number, number>();
    for (const e of left) {
      const near = neighbours.get(e);
      if (near?.size !== 1) continue;
      const [other] = near;
      if (neighbours.get(other)?.size !== 1) leaves.set(e, other);
    }
    if (leaves.size < Math.max(LEAST_LEAVES, LEAST_SHARE * left.size)) return { tables, left };
    tables = summedLeaves(tables, leaves);
    for (const e of leaves.keys()) left.delete(e);
  }
}

/** @param leaves each with its neighbour */
function summedLeaves(t: Tables, leaves: ReadonlyMap<number, number>): Tables {
  const { g } = t;
  /** Leaves of one site that hang on elements of one site. */
  const kinds = new Map<string, { readonly leaf: number[]; readonly on: number[] }>();
  for (const [e, on] of leaves) {
    const key = `${t.siteOf(e).name} on ${t.siteOf(on).name}`;
    const kind = kinds.get(key) ?? { leaf: [], on: [] };
    kind.leaf.push(e);
    kind.on.push(on);
    kinds.set(key, kind);
  }
  const rest = filtered(t, (f, i) => !f.references.some((r) => leaves.has(r.elements[i])));
  const factors = [...rest.factors];
  const rows = [...rest.rows];
  for (const [label, { leaf, on }] of kinds) {
    const place = new Map(leaf.map((e, i) => [e, i]));
    const [values, onValues] = [t.siteOf(leaf[0]).count, t.siteOf(on[0]).count];
    const shape = [leaf.length, onValues, values];
    let whole: Node = g.zeros(shape);
    t.factors.forEach((f, k) => {
      f.references.forEach((r, which) => {
        const tuples: number[] = [];
        const to: number[] = [];
        r.elements.forEach((e, i) => {
          const at = place.get(e);
          if (at === undefined) return;
          tuples.push(i);
          to.push(at);
        });
        if (tuples.length === 0) return;
        const own = scatter(g, pick(g, t.rows[k], tuples), to, leaf.length);
        const axes = f.references.length === 1 ? [0, 2] : which === 0 ? [0, 2, 1] : [0, 1, 2];
        whole = g.add(whole, spreadOver(g, own, shape, axes));
      });
    });
    const node = g.logsumexp(whole, [2]);
    const site = t.siteOf(on[0]);
    const axis = { name: `${label} of ${node.id}`, size: onValues };
    factors.push(factorOver(label, [{ site, axis, elements: Float64Array.from(on) }], node));
    rows.push(node);
  }
  return { ...t, factors, rows };
}

/** A table over axes in any order, in `shape`. */
function spreadOver(g: GraphBuilder, node: Node, shape: readonly number[], axes: number[]): Node {
  const order = axes.map((_, k) => k).sort((a, b) => axes[a] - axes[b]);
  const sorted = order.map((k) => axes[k]);
  return g.broadcast(g.transpose(node, order), [...shape], sorted);
}

/** The layers in which a component is reached from an end of it. */
export function layersOf(
  elements: readonly number[],
  neighbours: ReadonlyMap<number, ReadonlySet<number>>,
): number[][] {
  const from = (start: readonly number[]): number[][] => {
    const seen = new Set(start);
    const layers: number[][] = [];
    for (let layer = [...start]; layer.length > 0; ) {
      layers.push(layer.sort((a, b) => a - b));
      const next: number[] = [];
      for (const e of layer) {
        for (const o of neighbours.get(e) ?? []) {
          if (seen.has(o)) continue;
          seen.add(o);
          next.push(o);
        }
      }
      layer = next;
    }
    return layers;
  };
  let best = from([Math.min(...elements)]);
  const ends = from([best[best.length - 1][0]]);
  if (ends.length >= best.length) best = ends;
  // From the end with the smaller number, so that time runs forward.
  return best[0][0] <= best[best.length - 1][0] ? best : best.reverse();
}

/** How many joint values the widest layer has. */
export function layerValues(t: Tables, layers: readonly (readonly number[])[]): number {
  return layers.reduce(
    (most, layer) =>
      Math.max(
        most,
        layer.reduce((n, e) => n * t.siteOf(e).count, 1),
      ),
    1,
  );
}

/** Whether tables over neighbouring layers are small enough. */
export function isChainOfLayers(t: Tables, layers: readonly (readonly number[])[]): boolean {
  const values = layerValues(t, layers);
  return (
    layers.length > 2 && values <= LAYER_VALUES && layers.length * values ** 2 <= CHAIN_NUMBERS
  );
}

/** A layer's place: which chain, which step, and the step from value to value of each element. */
interface Slot {
  readonly chain: number;
  readonly step: number;
  readonly stride: number;
  readonly count: number;
}

/** Log sums of components of as many layers each, with layers as the elements of a chain. */
export function layeredSum(t: Tables, chains: readonly (readonly (readonly number[])[])[]): Node {
  const { g } = t;
  const length = chains[0].length;
  const values = Math.max(...chains.map((layers) => layerValues(t, layers)));
  const slots = new Map<number, Slot>();
  const allowed = new Float64Array(length * chains.length * values).fill(Number.NEGATIVE_INFINITY);
  chains.forEach((layers, chain) => {
    layers.forEach((layer, step) => {
      let stride = 1;
      for (const e of layer) {
        const { count } = t.siteOf(e);
        slots.set(e, { chain, step, stride, count });
        stride *= count;
      }
      const at = (step * chains.length + chain) * values;
      allowed.fill(0, at, at + stride);
    });
  });
  const links = (length - 1) * chains.length;
  let single: Node = g.constant(allowed, [length * chains.length, values]);
  let pair: Node = g.zeros([links, values * values]);
  t.factors.forEach((f, k) => {
    for (const { tuples, to, index, isPair } of laidOut(f, slots, chains.length, values)) {
      const [, ...sizes] = t.rows[k].shape;
      const flat = g.reshape(pick(g, t.rows[k], tuples), [
        tuples.length,
        sizes.reduce((n, d) => n * d, 1),
      ]);
      const wide = g.gather(flat, g.constant(index, [index.length], "int"), 1);
      if (isPair) pair = g.add(pair, scatter(g, wide, to, links));
      else single = g.add(single, scatter(g, wide, to, length * chains.length));
    }
  });
  return forward(g, {
    length,
    single: g.reshape(single, [length, chains.length, values]),
    pair: g.reshape(pair, [length - 1, chains.length, values, values]),
  });
}

/** Tuples that lie in their layers alike, and where joint values stand in their tables. */
interface Laid {
  readonly tuples: number[];
  /** The step, or the link, of each, over all chains. */
  readonly to: number[];
  /** For each joint value of the layer, or of both, the entry of the table. */
  readonly index: number[];
  readonly isPair: boolean;
}

function laidOut(
  f: Factor,
  slots: ReadonlyMap<number, Slot>,
  chains: number,
  values: number,
): Iterable<Laid> {
  const found = new Map<string, Laid>();
  const n = f.references[0].elements.length;
  for (let i = 0; i < n; i++) {
    const own = f.references.map((r) => slots.get(r.elements[i]));
    const [first] = own;
    if (first === undefined) continue;
    const step = Math.min(...own.map((s) => s?.step ?? 0));
    const isPair = own.some((s) => s?.step !== step);
    const key = own.map((s) => `${(s?.step ?? 0) - step}:${s?.stride}`).join();
    let laid = found.get(key);
    if (laid === undefined) {
      const index: number[] = [];
      for (let a = 0; a < values; a++) {
        for (let b = 0; b < (isPair ? values : 1); b++) {
          let at = 0;
          for (const s of own) {
            if (s === undefined) return internalError("a tuple across components");
            const joint = s.step === step ? a : b;
            at = at * s.count + (Math.floor(joint / s.stride) % s.count);
          }
          index.push(at);
        }
      }
      laid = { tuples: [], to: [], index, isPair };
      found.set(key, laid);
    }
    laid.tuples.push(i);
    laid.to.push(step * chains + first.chain);
  }
  return found.values();
}

/** The element that most others hang on, where summing value by value is worth it. */
export function hubOf(
  t: Tables,
  elements: readonly number[],
  neighbours: ReadonlyMap<number, ReadonlySet<number>>,
): number | undefined {
  const degrees = elements.map((e) => neighbours.get(e)?.size ?? 0);
  const usual = [...degrees].sort((a, b) => a - b)[degrees.length >> 1];
  let hub: number | undefined;
  let most = Math.max(HUB_NEIGHBOURS, HUB_TIMES * usual) - 1;
  for (const [i, e] of elements.entries()) {
    const degree = degrees[i];
    if (degree <= most || t.siteOf(e).count > HUB_VALUES) continue;
    hub = e;
    most = degree;
  }
  return hub;
}

/** The factors where an element has its k-th value; those that read it alone as one number. */
export function given(t: Tables, element: number, k: number): { tables: Tables; alone: Node } {
  const { g } = t;
  const rest = filtered(t, (f, i) => !f.references.some((r) => r.elements[i] === element));
  const factors = [...rest.factors];
  const rows = [...rest.rows];
  let alone: Node = g.constant(0);
  t.factors.forEach((f, which) => {
    f.references.forEach((r, axis) => {
      const tuples: number[] = [];
      r.elements.forEach((e, i) => {
        if (e === element) tuples.push(i);
      });
      if (tuples.length === 0) return;
      const node = g.at(pick(g, t.rows[which], tuples), axis + 1, k);
      const others = f.references.filter((o) => o !== r).map((o) => readings(o, tuples));
      if (others.length === 0) {
        alone = g.add(alone, g.sum(node));
        return;
      }
      factors.push(factorOver(f.label, others, node));
      rows.push(node);
    });
  });
  return { tables: { ...t, factors, rows }, alone };
}
