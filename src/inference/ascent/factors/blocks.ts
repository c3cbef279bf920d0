/** Connected components of the pairs of a normal site: blocks that are independent of each other. */

export interface Blocks {
  readonly count: number;
  /** Scalars of block b: `members[memberStart[b]] …`, increasing. */
  readonly memberStart: Int32Array;
  readonly members: Int32Array;
  /** Pairs of block b, as indices into the list of pairs. */
  readonly pairStart: Int32Array;
  readonly pairs: Int32Array;
  /** The place of each scalar within its block. */
  readonly local: Int32Array;
}

export function connectedBlocks(length: number, first: Int32Array, second: Int32Array): Blocks {
  const parent = Int32Array.from({ length }, (_, i) => i);
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
  for (let k = 0; k < first.length; k++) parent[find(first[k])] = find(second[k]);
  const block = new Int32Array(length).fill(-1);
  const owner = new Int32Array(length);
  let count = 0;
  for (let i = 0; i < length; i++) {
    const root = find(i);
    if (block[root] < 0) block[root] = count++;
    owner[i] = block[root];
  }
  const { starts: memberStart, items: members } = bucket(owner, count);
  const pairOwner = Int32Array.from(first, (i) => owner[i]);
  const { starts: pairStart, items: pairs } = bucket(pairOwner, count);
  const local = new Int32Array(length);
  for (let b = 0; b < count; b++) {
    for (let m = memberStart[b]; m < memberStart[b + 1]; m++) {
      local[members[m]] = m - memberStart[b];
    }
  }
  return { count, memberStart, members, pairStart, pairs, local };
}

/** Indices sorted by their owner, stable. */
function bucket(owner: Int32Array, count: number): { starts: Int32Array; items: Int32Array } {
  const starts = new Int32Array(count + 1);
  for (const o of owner) starts[o + 1]++;
  for (let b = 0; b < count; b++) starts[b + 1] += starts[b];
  const fill = starts.slice();
  const items = new Int32Array(owner.length);
  owner.forEach((o, i) => {
    items[fill[o]++] = i;
  });
  return { starts, items };
}
