/** Pictures of characters: blocks for bars, braille dots for curves and points. */

const BLOCKS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const WIDTH = 60;
const HEIGHT = 8;

/** A number for an axis. */
export function axisNumber(x: number): string {
  if (x === 0) return "0";
  const size = Math.abs(x);
  return size >= 1e5 || size < 1e-3 ? x.toExponential(1) : String(Number(x.toPrecision(3)));
}

/** Bars of the given heights, a column each, over the labels of both ends. */
export function bars(heights: readonly number[], low: string, high: string): string {
  const most = Math.max(...heights);
  const lines: string[] = [];
  for (let row = HEIGHT - 1; row >= 0; row--) {
    const cells = heights.map((h) => {
      const filled = most > 0 ? (h / most) * HEIGHT * 8 - row * 8 : 0;
      if (filled >= 8) return BLOCKS[7];
      return filled < 0.5 ? " " : BLOCKS[Math.max(0, Math.min(7, Math.ceil(filled) - 1))];
    });
    lines.push(cells.join("").trimEnd());
  }
  return [...lines, axis(heights.length, low, high)].join("\n");
}

function axis(width: number, low: string, high: string): string {
  const gap = Math.max(1, width - low.length - high.length);
  return `${"─".repeat(width)}\n${low}${" ".repeat(gap)}${high}`;
}

/** How often values fall into bins of equal width; whole numbers have a bin each where they fit. */
export function histogram(x: Float64Array, isWhole: boolean): string {
  const finite = x.filter(Number.isFinite);
  if (finite.length === 0) return "there are no finite values to show";
  const sorted = finite.slice().sort();
  const [low, high] = [sorted[0], sorted[sorted.length - 1]];
  if (low === high) return `all values are ${axisNumber(low)}`;
  // Few values in many bins show nothing but noise.
  const bins = finite.length < 200 ? WIDTH / 4 : finite.length < 10_000 ? WIDTH / 2 : WIDTH;
  const counts = new Array<number>(bins).fill(0);
  if (isWhole && high - low < WIDTH / 2) {
    // Two columns a value: bars with a gap between them.
    const wide = new Array<number>(2 * (high - low) + 1).fill(0);
    for (const v of finite) wide[2 * (v - low)] += 1;
    return bars(wide, String(low), String(high));
  }
  // Long tails would leave the bulk in a few bins.
  const at = (p: number): number => sorted[Math.round(p * (sorted.length - 1))];
  const reach = 3 * (at(0.95) - at(0.05));
  const [from, to] = [Math.max(low, at(0.05) - reach), Math.min(high, at(0.95) + reach)];
  for (const v of finite) {
    if (v < from || v > to) continue;
    counts[Math.min(bins - 1, Math.floor(((v - from) / (to - from)) * bins))] += 1;
  }
  const wide = counts.flatMap((c) => new Array<number>(WIDTH / bins).fill(c));
  return bars(wide, axisNumber(from), axisNumber(to));
}

/** Points (x, y) as braille dots, two columns and four rows a character. */
export function points(x: ArrayLike<number>, y: ArrayLike<number>): string {
  const [lowX, highX] = range(x);
  const [lowY, highY] = range(y);
  if (!(lowX <= highX && lowY <= highY)) return "there are no finite points to show";
  const height = 2 * HEIGHT;
  const dots = new Uint8Array(WIDTH * height);
  const place = (v: number, low: number, high: number, count: number): number =>
    high > low ? Math.min(count - 1, Math.floor(((v - low) / (high - low)) * count)) : 0;
  for (let i = 0; i < x.length; i++) {
    if (!Number.isFinite(x[i]) || !Number.isFinite(y[i])) continue;
    const column = place(x[i], lowX, highX, 2 * WIDTH);
    const row = 4 * height - 1 - place(y[i], lowY, highY, 4 * height);
    dots[(row >> 2) * WIDTH + (column >> 1)] |= BRAILLE[row & 3][column & 1];
  }
  const labels = [axisNumber(highY), axisNumber(lowY)];
  const room = Math.max(...labels.map((l) => l.length));
  const lines = Array.from({ length: height }, (_, row) => {
    const label = row === 0 ? labels[0] : row === height - 1 ? labels[1] : "";
    const cells = Array.from(dots.subarray(row * WIDTH, (row + 1) * WIDTH), (bits) =>
      bits === 0 ? " " : String.fromCodePoint(0x2800 + bits),
    );
    return `${label.padStart(room)} ┤${cells.join("")}`.trimEnd();
  });
  const under = axis(WIDTH, axisNumber(lowX), axisNumber(highX)).split("\n");
  return [...lines, ...under.map((l) => " ".repeat(room + 2) + l)].join("\n");
}

/** Bits of a braille cell, by row and column. */
const BRAILLE = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

function range(x: ArrayLike<number>): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < x.length; i++) {
    if (!Number.isFinite(x[i])) continue;
    low = Math.min(low, x[i]);
    high = Math.max(high, x[i]);
  }
  return [low, high];
}

export interface Interval {
  readonly name: string;
  /** The 5, 25, 50, 75 and 95 % quantiles. */
  readonly quantiles: readonly [number, number, number, number, number];
}

/** Intervals under one another: 90 % thin, 50 % thick, the median as a dot; a mark at 0. */
export function intervals(rows: readonly Interval[]): string {
  const all = rows.flatMap((r) => r.quantiles).filter(Number.isFinite);
  if (all.length === 0) return "there are no finite values to show";
  const [low, high] = range(all);
  const at = (v: number): number =>
    high > low ? Math.round(((v - low) / (high - low)) * (WIDTH - 1)) : 0;
  const room = Math.max(...rows.map((r) => [...r.name].length));
  const lines = rows.map(({ name, quantiles }) => {
    const cells = new Array<string>(WIDTH).fill(" ");
    if (low < 0 && high > 0) cells[at(0)] = "┊";
    const [a, b, c, d, e] = quantiles.map(at);
    if (quantiles.every(Number.isFinite)) {
      for (let k = a; k <= e; k++) cells[k] = k >= b && k <= d ? "━" : "─";
      cells[c] = "●";
    }
    return `${name}${" ".repeat(room - [...name].length)}  ${cells.join("")}`.trimEnd();
  });
  const under = axis(WIDTH, axisNumber(low), axisNumber(high)).split("\n");
  return [...lines, ...under.map((l) => " ".repeat(room + 2) + l)].join("\n");
}

const SHADES = [" ", "░", "▒", "▓", "█"];

/** A square table of numbers from 0 to 1 as shades, two columns an entry; large ones are averaged. */
export function cells(size: number, values: ArrayLike<number>): string {
  const side = Math.min(size, WIDTH / 2);
  const lines: string[] = [];
  for (let i = 0; i < side; i++) {
    let line = "";
    for (let j = 0; j < side; j++) {
      const rows = [Math.floor((i * size) / side), Math.floor(((i + 1) * size) / side)];
      const columns = [Math.floor((j * size) / side), Math.floor(((j + 1) * size) / side)];
      let [sum, count] = [0, 0];
      for (let r = rows[0]; r < rows[1]; r++) {
        for (let c = columns[0]; c < columns[1]; c++) {
          sum += values[r * size + c];
          count += 1;
        }
      }
      line += SHADES[Math.min(4, Math.floor((5 * sum) / count))].repeat(2);
    }
    lines.push(line.trimEnd());
  }
  return lines.join("\n");
}
