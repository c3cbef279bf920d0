/** A chain whose draws lie in a file: read page by page or column by column, never kept. */
import { closeSync, openSync } from "node:fs";
import type { ChainDraws, DrawPage, DrawPages, DrawStatistic } from "../results/fit.js";
import { type BlockPlace, readNumbers, type Scanned } from "./blocks.js";
import { drawsFile } from "./folder.js";

/** What a sampler's warmup left, and how its draws were thinned. */
export type Adapted = Pick<ChainDraws, "stepSize" | "dimension" | "inverseMetric" | "thin">;

/**
 * The first `draws` draws of a scanned file as those of a chain.
 * @param names of the statistics, in their order
 */
export function storedChain(
  directory: string,
  file: number,
  { layout, blocks }: Scanned,
  names: readonly DrawStatistic[],
  draws: number,
  adapted: Adapted = {},
): ChainDraws {
  const path = drawsFile(directory, file);
  const { width } = layout;
  const places = blocks.filter((b) => b.first < draws);
  const each = (visit: (fd: number, place: BlockPlace, count: number) => void): void => {
    const fd = openSync(path, "r");
    try {
      for (const place of places) visit(fd, place, Math.min(place.draws, draws - place.first));
    } finally {
      closeSync(fd);
    }
  };
  /** Columns from `from` to `to`, those of the statistics behind the draws' own. */
  const columns = (
    from: number,
    to: number,
    out = new Float64Array((to - from) * draws),
  ): Float64Array => {
    let room = new Float64Array(0);
    each((fd, { offset, first, draws: rows }, count) => {
      const length = (to - from) * rows;
      if (room.length < length) room = new Float64Array(length);
      const piece = room.subarray(0, length);
      readNumbers(fd, offset + 8 * from * rows, piece);
      for (let k = 0; k < to - from; k++) {
        out.set(piece.subarray(k * rows, k * rows + count), k * draws + first);
      }
    });
    return out;
  };
  // Pages are read by the thousand: their room is used again.
  let scratch = new Float64Array(0);
  /** Writes the rows of a block's first draws to `into`. */
  const rowsOf = (
    fd: number,
    { offset, draws: rows }: BlockPlace,
    count: number,
    into: Float64Array,
  ): void => {
    if (scratch.length < width * rows) scratch = new Float64Array(width * rows);
    const piece = scratch.subarray(0, width * rows);
    readNumbers(fd, offset, piece);
    for (let k = 0; k < width; k++) {
      for (let t = 0; t < count; t++) into[t * width + k] = piece[k * rows + t];
    }
  };
  let room = new Float64Array(0);
  let columnRoom = new Float64Array(0);
  let current: DrawPage | undefined;
  const pages: DrawPages = {
    file,
    columns: (from, to) => {
      const length = (to - from) * draws;
      if (columnRoom.length < length) columnRoom = new Float64Array(length);
      return columns(from, to, columnRoom.subarray(0, length));
    },
    page: (draw) => {
      if (current !== undefined && draw >= current.first && draw < current.first + current.draws) {
        return current;
      }
      const place = placeOf(places, draw);
      const fd = openSync(path, "r");
      try {
        const count = Math.min(place.draws, draws - place.first);
        if (room.length < width * count) room = new Float64Array(width * count);
        current = undefined;
        rowsOf(fd, place, count, room);
        current = { first: place.first, draws: count, values: room };
        return current;
      } finally {
        closeSync(fd);
      }
    },
  };
  // Whoever wants all of it gets it, and it goes when they let go.
  let all = new WeakRef(new Float64Array(0));
  const kept = new Map<DrawStatistic, WeakRef<Float64Array>>();
  const lazily: Partial<Record<DrawStatistic, Float64Array>> = {};
  names.forEach((name, k) => {
    Object.defineProperty(lazily, name, {
      enumerable: true,
      get: () => {
        const known = kept.get(name)?.deref();
        if (known !== undefined) return known;
        const read = columns(width + k, width + k + 1);
        kept.set(name, new WeakRef(read));
        return read;
      },
    });
  });
  return {
    draws,
    statistics: lazily,
    ...adapted,
    pages,
    get values() {
      const known = all.deref();
      if (known !== undefined && known.length === width * draws) return known;
      const values = new Float64Array(width * draws);
      each((fd, place, count) => {
        rowsOf(fd, place, count, values.subarray(place.first * width));
      });
      all = new WeakRef(values);
      return values;
    },
  };
}

/** The block of a draw: blocks are in order. */
function placeOf(places: readonly BlockPlace[], draw: number): BlockPlace {
  let [low, high] = [0, places.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (places[middle].first <= draw) low = middle;
    else high = middle - 1;
  }
  return places[low];
}
