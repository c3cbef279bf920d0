/** What a run of the benchmarks found, and its table. */
import type { Check } from "./ops.js";
import type { Line } from "./programs.js";

export interface Report {
  readonly device: string;
  readonly description: string;
  readonly precision: string;
  readonly details: Readonly<Record<string, string | number>>;
  readonly node: string;
  readonly size: string;
  readonly openMilliseconds: number;
  readonly checks: readonly Check[];
  readonly lines: readonly Line[];
  /** The card's own, in GB/s and TFLOP/s. */
  readonly bandwidth?: number;
  readonly peak?: number;
}

const digits = (x: number): string =>
  Number.isFinite(x) ? Number(x.toPrecision(3)).toString() : "-";

/** Rates, and shares of what the card can do. */
function reached(line: Line, { bandwidth, peak }: Report): string {
  const seconds = line.microseconds * 1e-6;
  const parts: string[] = [];
  const share = (x: number, of: number | undefined): string =>
    of === undefined ? "" : ` (${digits((100 * x) / of)} %)`;
  if (line.gigabytes !== undefined) {
    const rate = line.gigabytes / seconds;
    parts.push(`${digits(rate)} GB/s${share(rate, bandwidth)}`);
  }
  if (line.gigaflops !== undefined) {
    const rate = line.gigaflops / seconds / 1000;
    parts.push(`${digits(rate)} TFLOP/s${share(rate, peak)}`);
  }
  if (line.work !== undefined) {
    parts.push(`${digits(line.work.count / seconds)} ${line.work.what} a second`);
  }
  return parts.join(", ");
}

/** One table of the figures, and a line on the ops. */
export function markdown(report: Report): string {
  const { device, description, precision, node, size, openMilliseconds, checks, lines } = report;
  const failed = checks.filter((c) => !c.passed);
  const worst = checks.reduce((a, b) => (b.error > a.error ? b : a));
  return [
    `## ${device}: ${description}`,
    "",
    `${precision}, Node ${node}, sizes \`${size}\`, opened in ${digits(openMilliseconds)} ms. ` +
      `${checks.length - failed.length} of ${checks.length} ops and functions agree with f64; the largest error is ${worst.error.toExponential(1)} (${worst.name})` +
      `${failed.length > 0 ? `; wrong: ${failed.map((c) => c.name).join(", ")}` : ""}.`,
    "",
    "| | a step | reached | text to first step |",
    "|---|---|---|---|",
    ...lines.map(
      (line) =>
        `| ${line.name} | ${digits(line.microseconds)} µs | ${reached(line, report)} | ${digits(line.firstMilliseconds)} ms |`,
    ),
    "",
  ].join("\n");
}
