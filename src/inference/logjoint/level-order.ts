/**
 * The order of a recurrence's elements: each stands a level above all that it reads, and beside those
 * that statements above it in the text have made at the same level. Kahn (1962) over the elements.
 */
import { internalError } from "../../base/internal.js";

export interface Levels {
  /** By variable: how many levels back its elements are read, and its places in a level. */
  readonly members: ReadonlyMap<string, { readonly depth: number; readonly width: number }>;
  /** By statement: its places in a level. */
  readonly widths: readonly number[];
  /** Runs of levels with the statements that are at work in them, in the order of the text. */
  readonly phases: readonly {
    readonly from: number;
    readonly to: number;
    readonly active: readonly number[];
  }[];
  /** The tuples at the places of a level; places without one repeat a tuple that is done. */
  readonly tuplesAt: (statement: number, level: number) => readonly number[];
  /** How many of them are new. */
  readonly countAt: (statement: number, level: number) => number;
  /** Where an element is made; undefined where the recurrence begins with it. */
  readonly placeOf: (
    name: string,
    position: number,
  ) => { readonly level: number; readonly place: number } | undefined;
}

interface Statement {
  readonly name: string;
  /** The element that each tuple defines. */
  readonly positions: Float64Array;
}

/**
 * @param reads by statement and tuple, what it reads
 * @param base by variable, the elements that the recurrence begins with
 * @param circle an element needs itself
 * @param missing an element is read that no statement defines
 */
export function arrangeLevels(
  statements: readonly Statement[],
  reads: readonly (readonly (readonly { readonly name: string; readonly position: number }[])[])[],
  base: ReadonlyMap<string, readonly Float64Array[]>,
  circle: (name: string) => never,
  missing: (name: string, position: number) => never,
): Levels {
  // Nodes are tuples of all statements in one numbering.
  const first: number[] = [];
  let total = 0;
  const owner: number[] = [];
  const makers = new Map<string, Map<number, number>>();
  statements.forEach(({ name, positions }, k) => {
    first.push(total);
    const own = makers.get(name) ?? new Map<number, number>();
    makers.set(name, own);
    positions.forEach((p, i) => {
      own.set(p, total + i);
      owner.push(k);
    });
    total += positions.length;
  });
  const begun = new Map(
    [...base].map(([name, lists]) => [name, new Set(lists.flatMap((l) => [...l]))]),
  );
  const sources: (readonly number[])[] = [];
  reads.forEach((tuples) => {
    for (const list of tuples) {
      const from = new Set<number>();
      for (const { name, position } of list) {
        const maker = makers.get(name)?.get(position);
        if (maker !== undefined) from.add(maker);
        else if (begun.get(name)?.has(position) !== true) missing(name, position);
      }
      sources.push([...from]);
    }
  });
  const level = levelsOf(sources, owner, (node) => circle(statements[owner[node]].name));

  const at: number[][][] = statements.map(() => []);
  const slot = new Int32Array(total);
  level.forEach((x, node) => {
    const k = owner[node];
    at[k][x] ??= [];
    slot[node] = at[k][x].length;
    at[k][x].push(node - first[k]);
  });
  const widths = at.map((rows) => rows.reduce((n, row) => Math.max(n, row?.length ?? 0), 0));
  const filled = at.map((rows, k) => filledRows(rows, widths[k]));
  const phases = phasesOf(at);

  const offsets: number[] = [];
  const members = new Map<string, { depth: number; width: number }>();
  statements.forEach(({ name }, k) => {
    const known = members.get(name) ?? { depth: 0, width: 0 };
    offsets.push(known.width);
    members.set(name, { depth: 0, width: known.width + widths[k] });
  });
  for (const { from, to, active } of phases) {
    for (const k of active) {
      for (let x = from; x < to; x++) {
        for (const tuple of filled[k](x)) {
          for (const s of sources[first[k] + tuple]) {
            const member = members.get(statements[owner[s]].name);
            if (member !== undefined) member.depth = Math.max(member.depth, x - level[s]);
          }
        }
      }
    }
  }
  return {
    members,
    widths,
    phases,
    tuplesAt: (k, x) => filled[k](x),
    countAt: (k, x) => at[k][x]?.length ?? 0,
    placeOf: (name, position) => {
      const node = makers.get(name)?.get(position);
      if (node === undefined) return undefined;
      return { level: level[node], place: offsets[owner[node]] + slot[node] };
    },
  };
}

/** Of a statement above in the text the same level will do; else it is the next one. */
function levelsOf(
  sources: readonly (readonly number[])[],
  owner: readonly number[],
  circle: (node: number) => never,
): Int32Array {
  const level = new Int32Array(sources.length);
  const open = Int32Array.from(sources, (s) => s.length);
  const users: number[][] = sources.map(() => []);
  sources.forEach((list, node) => {
    for (const s of list) users[s].push(node);
  });
  const ready: number[] = [];
  open.forEach((n, node) => {
    if (n === 0) ready.push(node);
  });
  for (let next = 0; next < ready.length; next++) {
    const node = ready[next];
    for (const user of users[node]) {
      const above = owner[node] < owner[user] ? level[node] : level[node] + 1;
      level[user] = Math.max(level[user], above);
      if (--open[user] === 0) ready.push(user);
    }
  }
  if (ready.length < sources.length) circle(open.findIndex((n) => n > 0));
  return level;
}

/** The tuples of each level, as many as the widest has. */
function filledRows(
  rows: readonly (readonly number[] | undefined)[],
  width: number,
): (level: number) => readonly number[] {
  const made: number[][] = [];
  let last: number | undefined;
  for (let x = 0; x < rows.length; x++) {
    const own = rows[x] ?? [];
    last = own[0] ?? last;
    const fill = last;
    made.push(
      fill === undefined
        ? []
        : Array.from({ length: width }, (_, i) => (i < own.length ? own[i] : fill)),
    );
  }
  return (x) => made[x] ?? internalError("a level without tuples");
}

/** A new run begins where a statement begins, and where one has done its last. */
function phasesOf(at: readonly (readonly (readonly number[] | undefined)[])[]): {
  readonly from: number;
  readonly to: number;
  readonly active: readonly number[];
}[] {
  const begins = at.map((rows) => rows.findIndex((r) => r !== undefined));
  const ends = at.map((rows) => rows.length);
  const cuts = [...new Set([...begins, ...ends])].sort((a, b) => a - b);
  return cuts.slice(0, -1).map((from, i) => {
    const to = cuts[i + 1];
    const active = at.map((_, k) => k).filter((k) => begins[k] <= from && ends[k] >= to);
    return { from, to, active };
  });
}
