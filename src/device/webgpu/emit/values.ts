/** The value of a node's element as WGSL: fused expressions over what is stored. */
import { assertNever, internalError } from "../../../base/internal.js";
import { matchAxes } from "../../../passes/lower/index-maps.js";
import { progressionOf, uniformValue } from "../../../passes/lower/nodes.js";
import type { ConcatNode, Node, NodeOf, PadNode } from "../../../tensor/ops.js";
import { stridesOf } from "../../../tensor/shape-rules.js";
import type { BlockContext } from "../plan/context.js";
import type { Region } from "../plan/storage.js";
import { binaryText, ternaryText, unaryText } from "../wgsl/elementwise.js";
import { literal } from "../wgsl/literal.js";
import {
  type Coordinates,
  fixed,
  type Ix,
  keyOf,
  linearIx,
  minusIx,
  plusIx,
  quadIx,
  timesIx,
  unravel,
  zeroIx,
} from "./indices.js";
import { type Bound, Scopes } from "./scopes.js";

const constantBound = (text: string): Bound => ({ text, depth: 0 });

/**
 * How a task reads. `numbers`: one at a time. `data`: runs of four neighbours (`quadIx`) in data as
 * vectors, those in working memory as numbers, since the task writes numbers there. `all`: working
 * memory is an array of vectors, and the task writes nothing but whole ones.
 */
export type Reading = "numbers" | "data" | "all";

/** Arrays of no more numbers stay in the caches nearest to the processors. */
const SHORT_ARRAY = 4096;

/** Writes the body of one task: values by coordinates, each once in its block. */
export class ValueEmitter {
  readonly scopes = new Scopes();
  readonly reads = new Set<Region>();
  /** Those of which elements other than number `item` are read. */
  readonly elsewhere = new Set<Region>();
  /** Arrays that are read: their lengths, and the places of the text that read a number of each. */
  readonly #loads = new Map<string, { readonly length: number; sites: number }>();
  /** Loads of vectors written so far. */
  vectorLoads = 0;
  /** Loads of numbers from arrays beyond the nearest caches, and those that neighbours do not share. */
  #longLoads = 0;
  apart = 0;
  readonly #numbers = new Map<Node, number>();
  /** Branches around the place at hand: what is read in one is of no use to the neighbours. */
  #branchDepth = 0;

  constructor(
    readonly context: BlockContext,
    readonly reading: Reading = "numbers",
  ) {}

  /** Names a coordinate, so that equal ones have equal texts. */
  bindIx(ix: Ix, hint = "index"): Ix {
    if (ix.quad?.isRun === true && ix.known === undefined) {
      const base = this.bindIx(ix.quad.base, hint);
      return quadIx(base, ix.quad.lane);
    }
    if (ix.known !== undefined || /^[a-z_0-9]+$/.test(ix.text)) return ix;
    const key = `${hint}:${ix.text}`;
    const bound = this.scopes.find(key) ?? this.scopes.bind(ix.text, ix.depth, key);
    return ix.quad === undefined ? bound : { ...bound, quad: ix.quad };
  }

  /** Coordinates of element `flat` of a shape; positions at them are then known to be `flat`. */
  coordinates(flat: Ix, shape: readonly number[]): readonly Ix[] {
    const at = unravel(flat, shape).map((ix) => this.bindIx(ix));
    this.scopes.remember(positionKey(at, stridesOf(shape)), flat);
    return at;
  }

  position(at: Coordinates, strides: readonly number[]): Ix {
    const known = this.scopes.find(positionKey(at, strides));
    return known ?? linearIx(at, strides);
  }

  /** An element of a region. */
  loadRegion(region: Region, position: Ix): Bound {
    this.reads.add(region);
    if (!this.#isOwn(position)) this.elsewhere.add(region);
    const { space } = region;
    const vector =
      space === "words"
        ? undefined
        : this.#vector(space, position, region.name, region.name, region.length);
    if (vector !== undefined) return vector;
    const key = `ws:${region.name}:${position.text}`;
    const known = this.scopes.find(key);
    if (known !== undefined) return known;
    this.#countLoad(region.length, region.name);
    return this.scopes.bind(loadText(region, position, this.reading), position.depth, key);
  }

  /** Whether a position is the thread's own element, or one of its own four. */
  #isOwn(position: Ix): boolean {
    if (this.reading !== "all") return position.text === "item";
    return position.quad?.isRun === true && position.quad.base.text === "item";
  }

  /** What `write` gives of four neighbours (`quadIx`); notes what is read for each apart. */
  byLanes<T>(write: (lane: number) => T): readonly [T, T, T, T] {
    const first = write(0);
    const shared = this.#longLoads;
    const others = [write(1), write(2), write(3)] as const;
    this.apart += this.#longLoads - shared;
    return [first, ...others];
  }

  #countLoad(length: number, array: string): void {
    this.#note(length, array);
    if (length > SHORT_ARRAY) this.#longLoads++;
  }

  #note(length: number, array: string): void {
    const known = this.#loads.get(array);
    if (known === undefined) this.#loads.set(array, { length, sites: 1 });
    else known.sites++;
  }

  /** What the text reads, evaluated `times` over: no more of an array than it has. */
  loads(times: number): ReadonlyMap<string, number> {
    return new Map(
      [...this.#loads].map(([array, { length, sites }]) => [
        array,
        Math.min(length, sites * times),
      ]),
    );
  }

  /** An element of a run of four, as a component of their vector, where the task reads such. */
  #vector(
    space: "work" | "data",
    position: Ix,
    start: string,
    hint: string,
    length: number,
  ): Bound | undefined {
    const { quad } = position;
    if (quad?.isRun !== true || this.#branchDepth > 0) return undefined;
    if (this.reading === "numbers" || (space === "work" && this.reading !== "all"))
      return undefined;
    const { base, lane } = quad;
    const key = `v4:${hint}:${base.text}`;
    let vector = this.scopes.find(key);
    if (vector === undefined) {
      this.vectorLoads++;
      this.#note(length, hint);
      const place = `${start} / 4u + ${base.text}`;
      const text = space === "work" ? `ws[${place}]` : `data4_at(${place})`;
      vector = this.scopes.bind(text, base.depth, key);
    }
    return { text: `${vector.text}.${"xyzw"[lane]}`, depth: vector.depth };
  }

  /** The element of a node at the coordinates. */
  value(node: Node, at: Coordinates): Bound {
    // Nothing reads it when it runs.
    if (node.shape.includes(0)) return constantBound("0.0f");
    const region = this.context.regions.of(node);
    if (region !== undefined) {
      return this.loadRegion(region, this.position(at, stridesOf(node.shape)));
    }
    return this.compute(node, at);
  }

  /** The same, computed also where the node is stored. */
  compute(node: Node, at: Coordinates): Bound {
    const key = this.#key(node, at);
    const known = this.scopes.find(key);
    if (known !== undefined) return known;
    const value = this.#compute(node, at);
    if (node.op !== "pad" && node.op !== "concat") return value;
    this.scopes.remember(key, value);
    return value;
  }

  /** Of a node at coordinates. Ids are unique in one graph only, and a loop's body is another. */
  #key(node: Node, at: Coordinates): string {
    let number = this.#numbers.get(node);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(node, number);
    }
    return `n${number}:${keyOf(at)}`;
  }

  #bind(node: Node, at: Coordinates, text: string, ...operands: readonly Bound[]): Bound {
    const depth = operands.reduce((d, o) => Math.max(d, o.depth), 0);
    return this.scopes.bind(text, depth, this.#key(node, at));
  }

  #compute(node: Node, at: Coordinates): Bound {
    switch (node.op) {
      case "const":
        return this.#constant(node, at);
      case "input": {
        const alias = this.context.alias(node) ?? internalError(`input ${node.name} has no place`);
        return this.value(alias.node, alias.row === undefined ? at : [alias.row, ...at]);
      }
      case "unary": {
        const x = this.value(node.x, at);
        return this.#bind(node, at, unaryText[node.fn].text(x.text), x);
      }
      case "binary": {
        const [x, y] = [this.value(node.x, at), this.value(node.y, at)];
        return this.#bind(node, at, binaryText[node.fn].text(x.text, y.text), x, y);
      }
      case "ternary": {
        const [x, y, z] = [node.x, node.y, node.z].map((o) => this.value(o, at));
        return this.#bind(node, at, ternaryText[node.fn].text(x.text, y.text, z.text), x, y, z);
      }
      case "broadcast":
        return this.value(
          node.x,
          node.axes.map((axis, k) => (node.x.shape[k] === 1 ? zeroIx : at[axis])),
        );
      case "transpose": {
        const from = new Array<Ix>(at.length);
        node.perm.forEach((axis, k) => {
          from[axis] = at[k];
        });
        return this.value(node.x, from);
      }
      case "slice":
        return this.value(
          node.x,
          at.map((a, k) => this.bindIx(plusIx(a, fixed(node.starts[k])))),
        );
      case "reshape":
        return this.#reshape(node, at);
      case "pad":
        return this.#pad(node, at);
      case "concat":
        return this.#concat(node, at);
      case "gather": {
        const rank = node.indices.shape.length;
        const inner = at.slice(node.axis, node.axis + rank);
        const index = this.index(node.indices, inner, node.x.shape[node.axis]);
        return this.value(node.x, [
          ...at.slice(0, node.axis),
          index,
          ...at.slice(node.axis + rank),
        ]);
      }
      default:
        return internalError(`${node.op} was not stored`);
    }
  }

  #constant(node: NodeOf<"const">, at: Coordinates): Bound {
    const uniform = uniformValue(node);
    if (uniform !== undefined) return constantBound(literal(uniform));
    const position = this.position(at, stridesOf(node.shape));
    if (position.known !== undefined) return constantBound(literal(node.data[position.known]));
    const offset = this.context.tables.floats(node.data);
    const vector = this.#vector("data", position, `${offset}u`, `data${offset}`, node.data.length);
    if (vector !== undefined) return vector;
    this.#countLoad(node.data.length, `data${offset}`);
    return this.scopes.bind(
      `data_at(${plusIx(position, fixed(offset)).text})`,
      position.depth,
      this.#key(node, at),
    );
  }

  /** A whole number that `indices` holds, below `extent`. */
  index(indices: Node, at: Coordinates, extent: number): Ix {
    if (indices.shape.includes(0)) return zeroIx;
    if (indices.op === "const") {
      const position = this.position(at, stridesOf(indices.shape));
      if (position.known !== undefined) return fixed(indices.data[position.known]);
      const steps = progressionOf(indices);
      if (steps !== undefined && steps.step >= 0) {
        return this.bindIx(plusIx(timesIx(position, steps.step), fixed(steps.start)));
      }
      const offset = this.context.tables.words(indices.data, indices.data);
      const text = `idx[${plusIx(position, fixed(offset)).text}]`;
      const key = `ix:${text}`;
      const known = this.scopes.find(key);
      if (known === undefined) this.#note(indices.data.length, `idx${offset}`);
      return known ?? this.scopes.bind(text, position.depth, key);
    }
    const region = indices.op === "input" ? this.context.regions.of(indices) : undefined;
    if (region?.space === "words") {
      // Rows that the device drew: whole numbers of 32 bits, below the extent.
      this.reads.add(region);
      this.elsewhere.add(region);
      const place = this.position(at, stridesOf(indices.shape));
      const text = `words[${region.name} + ${place.text}]`;
      const key = `ix:${text}`;
      const known = this.scopes.find(key);
      if (known === undefined) this.#note(region.length, region.name);
      return known ?? this.scopes.bind(text, place.depth, key);
    }
    const value = this.value(indices, at);
    const key = `ix:${value.text}:${extent}`;
    const text = `min(u32(max(round(${value.text}), 0.0f)), ${extent - 1}u)`;
    return this.scopes.find(key) ?? this.scopes.bind(text, value.depth, key);
  }

  #reshape(node: NodeOf<"reshape">, at: Coordinates): Bound {
    const from = node.x.shape;
    const pairs = matchAxes(from, node.shape);
    if (pairs !== undefined) {
      const inner = from.map(() => zeroIx);
      pairs.forEach((axis, k) => {
        if (axis >= 0) inner[axis] = at[k];
      });
      return this.value(node.x, inner);
    }
    const flat = this.bindIx(this.position(at, stridesOf(node.shape)));
    // An array that is stored is read where it lies; positions of others are taken apart.
    const region = this.context.regions.of(node.x);
    if (region !== undefined) return this.loadRegion(region, flat);
    return this.value(node.x, this.coordinates(flat, from));
  }

  /** A variable that a branch sets. */
  #branches(at: Coordinates, write: (name: string) => void): Bound {
    const name = this.scopes.name("b");
    const depth = this.scopes.depth;
    void at;
    this.scopes.line(`var ${name} = 0.0f;`);
    write(name);
    return { text: name, depth };
  }

  #within(name: string, body: () => Bound): string {
    this.#branchDepth++;
    const text = this.scopes.within(true, () => {
      this.scopes.line(`${name} = ${body().text};`);
    });
    this.#branchDepth--;
    return text;
  }

  #pad(node: PadNode, at: Coordinates): Bound {
    const tests: string[] = [];
    for (let k = 0; k < at.length; k++) {
      const [start, end] = [node.starts[k], node.starts[k] + node.x.shape[k]];
      const { known } = at[k];
      if (known !== undefined) {
        if (known < start || known >= end) return constantBound("0.0f");
        continue;
      }
      if (start > 0) tests.push(`${at[k].text} >= ${start}u`);
      if (end < node.shape[k]) tests.push(`${at[k].text} < ${end}u`);
    }
    const inner = (): Bound =>
      this.value(
        node.x,
        at.map((a, k) => this.bindIx(minusIx(a, node.starts[k]))),
      );
    if (tests.length === 0) return inner();
    return this.#branches(at, (name) => {
      this.scopes.line(`if (${tests.join(" && ")}) {\n${this.#within(name, inner)}\n}`);
    });
  }

  #concat(node: ConcatNode, at: Coordinates): Bound {
    const parts: { readonly x: Node; readonly start: number }[] = [];
    let start = 0;
    for (const x of node.xs) {
      if (x.shape[node.axis] > 0) parts.push({ x, start });
      start += x.shape[node.axis];
    }
    const along = at[node.axis];
    const read = (part: (typeof parts)[number]): Bound =>
      this.value(
        part.x,
        at.map((a, k) => (k === node.axis ? this.bindIx(minusIx(a, part.start)) : a)),
      );
    const { known } = along;
    if (known !== undefined) {
      return read(
        parts.filter((p) => p.start <= known)[parts.filter((p) => p.start <= known).length - 1],
      );
    }
    return this.#branches(at, (name) => {
      // A tree of tests, so that many parts (stacked scalars) take few of them.
      const choose = (from: number, to: number): string => {
        if (to - from === 1) return this.#within(name, () => read(parts[from]));
        const middle = (from + to) >> 1;
        const test = `${along.text} < ${parts[middle].start}u`;
        return `if (${test}) {\n${choose(from, middle)}\n} else {\n${choose(middle, to)}\n}`;
      };
      this.scopes.line(choose(0, parts.length));
    });
  }
}

function loadText(region: Region, position: Ix, reading: Reading): string {
  const place = `${region.name} + ${position.text}`;
  switch (region.space) {
    case "work":
      return reading === "all" ? `ws_at(${place})` : `ws[${place}]`;
    case "data":
      return `data_at(${place})`;
    case "words":
      return `f32(words[${place}])`;
    default:
      return assertNever(region.space, "loadText");
  }
}

function positionKey(at: Coordinates, strides: readonly number[]): string {
  // Axes of length 1 have coordinate 0 everywhere: they do not tell positions apart.
  const used = at.map((a, k) => (a.known === 0 ? "" : `${a.text}*${strides[k]}`));
  return `at:${used.filter((u) => u !== "").join("+")}`;
}
