/**
 * How discrete elements hang together: connected components of the graph in which elements that
 * one factor reads are neighbours, sorted into the shapes that are summed differently.
 */
import type { Factor } from "./factors.js";

/** Components with at most one element of each site, the same sites in each. */
export interface AlignedGroup {
  readonly kind: "aligned";
  /** Elements of a component, one of each site. */
  readonly width: number;
  /** `[components, width]`, each row in the order of the sites. */
  readonly members: Int32Array;
}
/** Components that are paths of one site's elements, all of one length, in their order. */
export interface ChainGroup {
  readonly kind: "chains";
  readonly length: number;
  readonly paths: readonly (readonly number[])[];
}
/** Anything else, one component. */
export interface LooseGroup {
  readonly kind: "loose";
  readonly elements: readonly number[];
}
export type Group = AlignedGroup | ChainGroup | LooseGroup;

/** @param siteOf the index of the site that an element belongs to */
export function findGroups(
  elements: number,
  factors: readonly Pick<Factor, "references">[],
  siteOf: (element: number) => number,
): Group[] {
  if (factors.every((f) => f.references.length < 2)) return aloneBySite(elements, siteOf);
  const parent = Int32Array.from({ length: elements }, (_, i) => i);
  const find = (x: number): number => {
    let root = x;
    while (parent[root] !== root) root = parent[root];
    for (let at = x; parent[at] !== root; ) {
      const next = parent[at];
      parent[at] = root;
      at = next;
    }
    return root;
  };
  const edges = new Map<number, Set<number>>();
  const wide = new Set<number>();
  const link = (a: number, b: number): void => {
    parent[find(a)] = find(b);
    for (const [x, y] of [
      [a, b],
      [b, a],
    ]) {
      const set = edges.get(x);
      if (set === undefined) edges.set(x, new Set([y]));
      else set.add(y);
    }
  };
  for (const { references } of factors) {
    const [first, ...others] = references;
    for (const other of others) {
      for (let i = 0; i < first.elements.length; i++) link(first.elements[i], other.elements[i]);
    }
    if (references.length < 3) continue;
    for (const r of references) for (const e of r.elements) wide.add(e);
  }
  const components = new Map<number, number[]>();
  for (let e = 0; e < elements; e++) {
    const root = find(e);
    const list = components.get(root);
    if (list === undefined) components.set(root, [e]);
    else list.push(e);
  }

  /** By the sites that they read; the members of each component after those of the one before. */
  const aligned = new Map<string, { readonly width: number; readonly members: number[] }>();
  const chains = new Map<string, number[][]>();
  const loose: LooseGroup[] = [];
  for (const list of components.values()) {
    const sites = list.map(siteOf);
    if (new Set(sites).size === sites.length) {
      const group = aligned.get(sites.join(","));
      if (group === undefined) aligned.set(sites.join(","), { width: list.length, members: list });
      else for (const e of list) group.members.push(e);
      continue;
    }
    const path = sites.every((s) => s === sites[0]) ? pathOf(list, edges, wide) : undefined;
    if (path === undefined) loose.push({ kind: "loose", elements: list });
    else push(chains, `${sites[0]}:${path.length}`, path);
  }
  return [
    ...[...aligned.values()].map(({ width, members }): Group => {
      return { kind: "aligned", width, members: Int32Array.from(members) };
    }),
    ...[...chains.values()].map(
      (paths): Group => ({ kind: "chains", length: paths[0].length, paths }),
    ),
    ...loose,
  ];
}

/** Elements that nothing links, by their sites: large models have millions, and no list of each. */
function aloneBySite(elements: number, siteOf: (element: number) => number): AlignedGroup[] {
  const owners = new Int32Array(elements);
  const order = new Set<number>();
  for (let e = 0; e < elements; e++) {
    owners[e] = siteOf(e);
    if (e === 0 || owners[e] !== owners[e - 1]) order.add(owners[e]);
  }
  return [...order].map((site): AlignedGroup => {
    return { kind: "aligned", width: 1, members: placesOf(site, owners) };
  });
}

/** Where a number stands. */
function placesOf(wanted: number, numbers: Int32Array): Int32Array {
  const found = new Int32Array(numbers.length);
  let count = 0;
  for (let i = 0; i < numbers.length; i++) if (numbers[i] === wanted) found[count++] = i;
  return found.slice(0, count);
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** The elements from one end of a path to the other; undefined where they are no path. */
function pathOf(
  list: readonly number[],
  edges: ReadonlyMap<number, ReadonlySet<number>>,
  wide: ReadonlySet<number>,
): number[] | undefined {
  if (list.some((e) => wide.has(e))) return undefined;
  const ends = list.filter((e) => edges.get(e)?.size === 1);
  if (ends.length !== 2) return undefined;
  // From the end with the smaller number, so that time runs forward.
  const path = [Math.min(...ends)];
  let before = -1;
  for (;;) {
    const at = path[path.length - 1];
    const next = [...(edges.get(at) ?? [])].filter((e) => e !== before);
    if (next.length === 0) break;
    if (next.length > 1) return undefined;
    before = at;
    path.push(next[0]);
  }
  return path.length === list.length ? path : undefined;
}
