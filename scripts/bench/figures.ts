/** What a benchmark reports, and how times are taken and put in a table. */

/** One figure with its target. `median` and `min` are over the repeats of one run. */
export interface Figure {
  readonly figure: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly target: number;
  /** Whether the target is an upper bound (times, ratios) or a lower one (rates). */
  readonly bound: "at most" | "at least";
  /** Medians of what the figure is made of, by name. */
  readonly parts?: Readonly<Record<string, number>>;
}

export function median(values: Iterable<number>): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

export function least(values: Iterable<number>): number {
  let min = Number.POSITIVE_INFINITY;
  for (const value of values) min = Math.min(min, value);
  return min;
}

/** Milliseconds that `f` takes. */
export function milliseconds(f: () => void): number {
  const start = performance.now();
  f();
  return performance.now() - start;
}

/**
 * Times of two functions taken in turns, so that whatever else the machine does meets both:
 * microseconds per call. Which of the pair goes first alternates.
 */
export function interleaved(
  first: () => void,
  second: () => void,
  options: { readonly pairs: number; readonly calls: number; readonly warmUpMs: number },
): { readonly first: number[]; readonly second: number[] } {
  const { pairs, calls, warmUpMs } = options;
  const batch = (f: () => void): number =>
    (1000 / calls) *
    milliseconds(() => {
      for (let k = 0; k < calls; k++) f();
    });
  for (const end = performance.now() + warmUpMs; performance.now() < end; ) {
    batch(first);
    batch(second);
  }
  const times: { first: number[]; second: number[] } = { first: [], second: [] };
  for (let pair = 0; pair < pairs; pair++) {
    const turns = [() => times.first.push(batch(first)), () => times.second.push(batch(second))];
    if (pair % 2 === 1) turns.reverse();
    for (const turn of turns) turn();
  }
  return times;
}

/** The median of the pairs' ratios, and the ratio of the fastest: both in one run. */
export function ratioFigure(
  figure: string,
  times: { readonly first: readonly number[]; readonly second: readonly number[] },
  target: number,
): Figure {
  const ratios = times.first.map((t, k) => t / times.second[k]);
  return {
    figure,
    unit: "ratio",
    median: median(ratios),
    min: least(times.first) / least(times.second),
    target,
    bound: "at most",
    parts: { compiled_us: median(times.first), hand_us: median(times.second) },
  };
}

export function meets({ median: value, target, bound }: Figure): boolean {
  return bound === "at most" ? value <= target : value >= target;
}

const digits = (x: number): number => (Number.isInteger(x) ? x : Number(x.toPrecision(4)));

/** One JSON line. */
export function jsonLine(figure: Figure): string {
  const line = { ...figure, met: meets(figure) };
  return JSON.stringify(line, (_, v: unknown) => (typeof v === "number" ? digits(v) : v));
}

/** An aligned table of all figures. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map((f) => [
    f.figure,
    `${digits(f.median)}`,
    `${digits(f.min)}`,
    f.unit,
    `${f.bound} ${f.target}`,
    meets(f) ? "met" : "missed",
  ]);
  rows.unshift(["figure", "median", "min", "unit", "target", ""]);
  const widths = rows[0].map((_, k) => Math.max(...rows.map((row) => row[k].length)));
  const isNumber = (k: number): boolean => k === 1 || k === 2;
  return rows
    .map((row) =>
      row
        .map((cell, k) => (isNumber(k) ? cell.padStart(widths[k]) : cell.padEnd(widths[k])))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
