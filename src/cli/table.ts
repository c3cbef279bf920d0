/** The table of a posterior: one aligned row per scalar with a small histogram. */
import { MAX_ELEMENTS, type Summary, type SummaryRow } from "../run/results/summary.js";

const BARS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/** A histogram in one line: the fullest bin is a full block, an empty one a space. */
export function sparkline(counts: readonly number[]): string {
  const most = Math.max(...counts);
  return counts
    .map((c) => (c === 0 ? " " : BARS[Math.min(7, Math.floor((c / most) * 7.999))]))
    .join("");
}

/** Four significant digits, without exponents where a plain number will do. */
export function figure(x: number | undefined): string {
  if (x === undefined || Number.isNaN(x)) return "-";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size >= 1e6 || size < 1e-4) return x.toExponential(2);
  const digits = Math.max(0, 3 - Math.floor(Math.log10(size)));
  return x.toFixed(Math.min(digits, 6));
}

interface Column {
  readonly title: string;
  readonly cell: (r: SummaryRow) => string;
  /** Numbers line up on the right. */
  readonly left?: boolean;
}

/** A count. */
export const whole = (x: number | undefined): string =>
  x === undefined || !Number.isFinite(x) ? "-" : Math.round(x).toString();

/** Of a constant, spread and diagnostics are rounding and say nothing. */
const unlessConstant =
  (cell: (r: SummaryRow) => string): Column["cell"] =>
  (r) =>
    isConstant(r) ? "-" : cell(r);

const columns: readonly Column[] = [
  { title: "", cell: (r) => r.name, left: true },
  { title: "mean", cell: (r) => figure(r.mean) },
  { title: "sd", cell: (r) => (isConstant(r) ? "0" : figure(r.sd)) },
  { title: "se", cell: (r) => figure(r.se) },
  { title: "mcse", cell: unlessConstant((r) => figure(r.mcseMean)) },
  { title: "5%", cell: (r) => figure(r.q5) },
  { title: "50%", cell: (r) => figure(r.q50) },
  { title: "95%", cell: (r) => figure(r.q95) },
  { title: "ess_bulk", cell: unlessConstant((r) => whole(r.essBulk)) },
  { title: "ess_tail", cell: unlessConstant((r) => whole(r.essTail)) },
  { title: "rhat", cell: unlessConstant((r) => ratio(r.rhat)) },
];

/** Three decimals, as R-hat is read. */
export function ratio(x: number | undefined): string {
  return x === undefined || !Number.isFinite(x) ? figure(x) : x.toFixed(3);
}

/** Draws that differ by rounding alone, as the corner of a Cholesky factor of correlations. */
function isConstant(r: SummaryRow): boolean {
  return r.sd !== undefined && r.sd <= 1e-14 * Math.abs(r.mean);
}

/** What is left out first where the terminal is too narrow; the files have all of it. */
const dispensable: readonly string[] = ["mcse", "ess_tail", "50%", "histogram"];

/** At most this many rows are printed; the files hold all of them. */
export const MAX_ROWS = 60;

const GAP = "  ";

/**
 * Rows of the summary in at most `width` columns where that can be; columns that no row has are
 * left out.
 */
export function renderTable(summary: Summary, width = Number.POSITIVE_INFINITY): string {
  const rows = summary.rows.slice(0, MAX_ROWS);
  const all = columns.map((column) => {
    const cells = rows.map(column.cell);
    const room = Math.max(column.title.length, ...cells.map(displayLength));
    return { ...column, cells, room };
  });
  const histograms = rows.map((r) =>
    r.histogram === undefined || isConstant(r) ? "" : sparkline(r.histogram),
  );
  const histogramRoom = Math.max(0, ...histograms.map(displayLength));
  let used = all.filter((c) => c.title === "" || c.cells.some((cell) => cell !== "-"));
  let withHistogram = histogramRoom > 0;
  const tableWidth = (): number =>
    used.reduce((n, c) => n + c.room, GAP.length * (used.length - 1)) +
    (withHistogram ? GAP.length + histogramRoom : 0);
  for (const title of dispensable) {
    if (tableWidth() <= width) break;
    if (title === "histogram") withHistogram = false;
    else used = used.filter((c) => c.title !== title);
  }
  const pad = (text: string, c: (typeof used)[number]): string => {
    const space = " ".repeat(c.room - displayLength(text));
    return c.left ? text + space : space + text;
  };
  const lines = [used.map((c) => pad(c.title, c)).join(GAP)];
  for (let i = 0; i < rows.length; i++) {
    const line = used.map((c) => pad(c.cells[i], c)).join(GAP);
    lines.push(withHistogram && histograms[i] !== "" ? line + GAP + histograms[i] : line);
  }
  const hidden = summary.rows.length - rows.length;
  if (hidden > 0) lines.push(`… and ${hidden} more (use --vars to choose, --out to keep all)`);
  for (const { name, total } of summary.cut) {
    lines.push(`\`${name}\` has ${total} elements; the summary holds the first ${MAX_ELEMENTS}`);
  }
  return lines.join("\n");
}

/** Characters, not code units; combining marks take no room. */
function displayLength(text: string): number {
  return [...text.replace(/\p{M}/gu, "")].length;
}
