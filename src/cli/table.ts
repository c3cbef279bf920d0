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

type Column = {
  readonly title: string;
  readonly cell: (r: SummaryRow) => string;
  /** Numbers line up on the right. */
  readonly left?: boolean;
};

const columns: readonly Column[] = [
  { title: "", cell: (r) => r.name, left: true },
  { title: "mean", cell: (r) => figure(r.mean) },
  { title: "sd", cell: (r) => figure(r.sd) },
  { title: "mcse", cell: (r) => figure(r.mcseMean) },
  { title: "5%", cell: (r) => figure(r.q5) },
  { title: "50%", cell: (r) => figure(r.q50) },
  { title: "95%", cell: (r) => figure(r.q95) },
  { title: "ess_bulk", cell: (r) => whole(r.essBulk) },
  { title: "ess_tail", cell: (r) => whole(r.essTail) },
  {
    title: "rhat",
    cell: (r) => (r.rhat === undefined || Number.isNaN(r.rhat) ? "-" : r.rhat.toFixed(3)),
  },
];
const whole = (x: number | undefined): string =>
  x === undefined || Number.isNaN(x) ? "-" : Math.round(x).toString();

/** At most this many rows are printed; the files hold all of them. */
export const MAX_ROWS = 60;

/** Rows of the summary; columns that no row has are left out. */
export function renderTable(summary: Summary): string {
  const rows = summary.rows.slice(0, MAX_ROWS);
  const used = columns.filter((c) => c.title === "" || rows.some((r) => c.cell(r) !== "-"));
  const cells = rows.map((r) => used.map((c) => c.cell(r)));
  const widths = used.map((c, k) =>
    Math.max(c.title.length, ...cells.map((row) => [...row[k]].length)),
  );
  const line = (texts: readonly string[]): string =>
    texts.map((t, k) => (used[k].left ? t.padEnd(widths[k]) : t.padStart(widths[k]))).join("  ");
  const lines = [line(used.map((c) => c.title))];
  rows.forEach(({ histogram }, i) => {
    lines.push(
      histogram === undefined ? line(cells[i]) : `${line(cells[i])}  ${sparkline(histogram)}`,
    );
  });
  const hidden = summary.rows.length - rows.length;
  if (hidden > 0) lines.push(`… and ${hidden} more (use --vars to choose, --out to keep all)`);
  for (const { name, total } of summary.cut) {
    lines.push(`\`${name}\` has ${total} elements; the summary holds the first ${MAX_ELEMENTS}`);
  }
  return lines.join("\n");
}
