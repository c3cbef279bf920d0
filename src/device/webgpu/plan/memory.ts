/** Places of regions in the one working buffer: those that are never in use together share. */
import type { Span } from "./schedule.js";
import type { Region } from "./storage.js";

/** Places are multiples of this many numbers: 64 bytes. */
const ALIGN = 16;

export interface MemoryPlan {
  /** First element of each region. */
  readonly places: ReadonlyMap<Region, number>;
  readonly length: number;
}

/** First fit in the order of first use; pinned regions come first and stay. */
export function planMemory(
  regions: readonly Region[],
  spans: ReadonlyMap<Region, Span>,
): MemoryPlan {
  const places = new Map<Region, number>();
  let base = 0;
  const room = (r: Region): number => Math.ceil(r.length / ALIGN) * ALIGN;
  for (const region of regions) {
    if (!region.pinned || region.space !== "work") continue;
    places.set(region, base);
    base += room(region);
  }
  let length = base;
  const live: { readonly start: number; readonly end: number; readonly last: number }[] = [];
  const shared = regions
    .filter((r) => !r.pinned && r.space === "work" && spans.has(r))
    .map((region) => ({ region, span: spans.get(region) as Span }))
    .sort((a, b) => a.span.first - b.span.first || b.region.length - a.region.length);
  for (const { region, span } of shared) {
    for (let k = live.length - 1; k >= 0; k--) if (live[k].last < span.first) live.splice(k, 1);
    live.sort((a, b) => a.start - b.start);
    let start = base;
    for (const other of live) {
      if (start + room(region) <= other.start) break;
      start = Math.max(start, other.end);
    }
    const end = start + room(region);
    live.push({ start, end, last: span.last });
    places.set(region, start);
    length = Math.max(length, end);
  }
  return { places, length: Math.max(length, ALIGN) };
}
