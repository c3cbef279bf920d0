/**
 * Places in arrays as functions of the element at hand and of a few axes: integers that are known
 * beforehand, as a table, or that the state decides, as a node. Arithmetic on tables is done at once,
 * and a table forgets the axes along which it does not change.
 */
import { internalError } from "../../../base/internal.js";
import type { GraphBuilder } from "../../../tensor/builder.js";
import type { Node } from "../../../tensor/ops.js";

/** An axis over which a local density runs; a smaller number stands further out. */
export interface Run {
  readonly id: number;
  readonly size: number;
}

/** `[elements if it changes with the element, …runs]`, row-major. */
interface Table {
  readonly kind: "table";
  readonly id: number;
  readonly moves: boolean;
  readonly runs: readonly Run[];
  readonly data: Float64Array;
}

/** A node over the runs. */
interface Computed {
  readonly kind: "node";
  readonly id: number;
  readonly runs: readonly Run[];
  readonly node: Node;
}

export type Place = Table | Computed;

const integerFns = {
  add: (x: number, y: number) => x + y,
  mul: (x: number, y: number) => x * y,
  quotient: (x: number, y: number) => Math.floor(x / y),
  rest: (x: number, y: number) => x - y * Math.floor(x / y),
  least: (x: number, y: number) => Math.max(x, y),
  most: (x: number, y: number) => Math.min(x, y),
  below: (x: number, y: number) => (x < y ? 1 : 0),
} as const;
type IntegerFn = keyof typeof integerFns;

/** Makes places over one set of elements; `element` is the input that holds which one. */
export class Places {
  readonly #g: GraphBuilder;
  readonly #element: Node;
  readonly #count: number;
  readonly #known = new Map<string, Place>();
  readonly #byData = new Map<string, Table[]>();
  #next = 0;

  /** @param count how many elements there are */
  constructor(g: GraphBuilder, element: Node, count: number) {
    this.#g = g;
    this.#element = element;
    this.#count = count;
  }

  constant(value: number): Place {
    return this.table(false, [], Float64Array.of(value));
  }

  /** 0, 1, … along a run. */
  along(run: Run): Place {
    return this.table(
      false,
      [run],
      Float64Array.from({ length: run.size }, (_, k) => k),
    );
  }

  /** A table; equal ones are one object. */
  table(moves: boolean, runs: readonly Run[], data: Float64Array): Table {
    const small = shrunk(moves ? this.#count : undefined, runs, data);
    const key = `${small.moves}|${small.runs.map((r) => r.id).join()}|${hash(small.data)}`;
    const alike = this.#byData.get(key) ?? [];
    this.#byData.set(key, alike);
    const same = alike.find((t) => t.data.every((v, i) => v === small.data[i]));
    if (same !== undefined) return same;
    const made: Table = { kind: "table", id: this.#next++, ...small };
    alike.push(made);
    return made;
  }

  /** A node whose axes are the runs. */
  computed(node: Node, runs: readonly Run[]): Place {
    return { kind: "node", id: this.#next++, node, runs };
  }

  apply(fn: IntegerFn, x: Place, y: Place | number): Place {
    const other = typeof y === "number" ? this.constant(y) : y;
    const key = `${fn}|${x.id}|${other.id}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const made = this.#make(fn, x, other);
    this.#known.set(key, made);
    return made;
  }

  #make(fn: IntegerFn, x: Place, y: Place): Place {
    const runs = unionRuns([x.runs, y.runs]);
    if (x.kind === "table" && y.kind === "table") {
      const moves = x.moves || y.moves;
      const count = moves ? this.#count : 1;
      const inner = runs.reduce((n, r) => n * r.size, 1);
      const [a, b] = [reader(x, runs), reader(y, runs)];
      const f = integerFns[fn];
      const data = new Float64Array(count * inner);
      for (let e = 0; e < count; e++) {
        for (let i = 0; i < inner; i++) data[e * inner + i] = f(a(e, i), b(e, i));
      }
      return this.table(moves, runs, data);
    }
    const g = this.#g;
    const [a, b] = [this.spread(x, runs), this.spread(y, runs)];
    const node = ((): Node => {
      switch (fn) {
        case "add":
          return g.add(a, b);
        case "mul":
          return g.mul(a, b);
        case "quotient":
          return g.floor(g.div(a, b));
        case "rest":
          return g.sub(a, g.mul(b, g.floor(g.div(a, b))));
        case "least":
          return g.max(a, b);
        case "most":
          return g.min(a, b);
        case "below":
          return g.lt(a, b);
      }
    })();
    return this.computed(node, runs);
  }

  /** The place as a node over its own runs. */
  node(place: Place): Node {
    if (place.kind === "node") return place.node;
    const { moves, runs, data } = place;
    const g = this.#g;
    const shape = runs.map((r) => r.size);
    if (!moves) return g.constant(data, shape, "int");
    const inner = data.length / this.#count;
    const step = steps(data, inner);
    if (step !== undefined) {
      const at = step === 1 ? this.#element : g.mul(this.#element, step);
      const start = data.subarray(0, inner);
      if (start.every((v) => v === 0)) return g.broadcast(at, shape);
      return g.add(g.broadcast(at, shape), g.constant(start.slice(), shape, "int"));
    }
    const rows = g.constant(data, [this.#count, ...shape], "int");
    return g.gather(rows, this.#element, 0);
  }

  /** As a node over more runs. */
  spread(place: Place, runs: readonly Run[]): Node {
    return spreadNode(this.#g, this.node(place), place.runs, runs);
  }

  /** What lies between: the smallest and the largest value, where they are known. */
  range(place: Place): { readonly least: number; readonly most: number } | undefined {
    if (place.kind === "node") return undefined;
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const v of place.data) {
      least = Math.min(least, v);
      most = Math.max(most, v);
    }
    return { least, most };
  }

  /** `values[place]` of known values; undefined where the state decides the place. */
  lookUp(values: Float64Array, place: Place): Place | undefined {
    if (place.kind === "node") return undefined;
    const { moves, runs, data } = place;
    return this.table(
      moves,
      runs,
      data.map((i) => values[i]),
    );
  }
}

/** Σ of the lists of runs, outer ones first. */
export function unionRuns(lists: readonly (readonly Run[])[]): readonly Run[] {
  const byId = new Map(lists.flat().map((r) => [r.id, r]));
  return [...byId.values()].sort((a, b) => a.id - b.id);
}

/** A node over some runs, repeated along the others. */
export function spreadNode(
  g: GraphBuilder,
  node: Node,
  from: readonly Run[],
  to: readonly Run[],
): Node {
  if (from.length === to.length) return node;
  const axes = from.map((r) => to.findIndex((t) => t.id === r.id));
  return g.broadcast(
    node,
    to.map((r) => r.size),
    axes,
  );
}

/** Reads a table by element and position among `runs`. */
function reader(t: Table, runs: readonly Run[]): (e: number, i: number) => number {
  const { data, moves } = t;
  const inner = t.runs.reduce((n, r) => n * r.size, 1);
  const places = new Int32Array(runs.reduce((n, r) => n * r.size, 1));
  let [outer, own] = [1, 1];
  for (let k = runs.length - 1; k >= 0; k--) {
    const { id, size } = runs[k];
    if (t.runs.some((r) => r.id === id)) {
      for (let i = 0; i < places.length; i++) places[i] += (Math.floor(i / outer) % size) * own;
      own *= size;
    }
    outer *= size;
  }
  return moves ? (e, i) => data[e * inner + places[i]] : (_, i) => data[places[i]];
}

/** The step from element to element, if it is one number for all. */
function steps(data: Float64Array, inner: number): number | undefined {
  if (data.length < 2 * inner) return undefined;
  const step = data[inner] - data[0];
  for (let i = inner; i < data.length; i++) {
    if (data[i] - data[i - inner] !== step) return undefined;
  }
  return step;
}

/** Without the axes along which nothing changes. */
function shrunk(
  count: number | undefined,
  runs: readonly Run[],
  data: Float64Array,
): { readonly moves: boolean; readonly runs: readonly Run[]; readonly data: Float64Array } {
  let sizes = [count ?? 1, ...runs.map((r) => r.size)];
  let values = data;
  const kept: Run[] = [];
  for (let k = runs.length; k >= 0; k--) {
    const size = sizes[k];
    const stride = sizes.slice(k + 1).reduce((n, d) => n * d, 1);
    let isFlat = true;
    for (let i = 0; i < values.length && isFlat; i++) {
      const along = Math.floor(i / stride) % size;
      isFlat = along === 0 || values[i] === values[i - stride];
    }
    if (!isFlat) {
      if (k > 0) kept.unshift(runs[k - 1]);
      continue;
    }
    const block = stride * size;
    const smaller = new Float64Array(values.length / size);
    for (let i = 0; i < smaller.length; i++) {
      smaller[i] = values[Math.floor(i / stride) * block + (i % stride)];
    }
    values = smaller;
    sizes = sizes.map((s, j) => (j === k ? 1 : s));
  }
  if (values.length === 0) internalError("an empty table of places");
  return { moves: sizes[0] > 1, runs: kept, data: values };
}

function hash(data: Float64Array): string {
  let h = 2166136261;
  for (let i = 0; i < data.length; i++) h = Math.imul(h ^ data[i], 16777619);
  return `${data.length}:${h}`;
}
