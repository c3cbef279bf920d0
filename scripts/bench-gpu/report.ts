/** What a run of the benchmarks found, and its table. */
import type { Check } from "./ops.js";
import type { Peers } from "./peers.js";
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
  /** Lines that did not run, and why. */
  readonly failed: readonly { readonly name: string; readonly reason: string }[];
  /** The card's own, in GB/s and TFLOP/s. */
  readonly bandwidth?: number;
  readonly peak?: number;
  readonly peers: Peers;
  /** Why kernels were not timed, where they were not. */
  readonly noKernels?: string;
}

const digits = (x: number): string =>
  Number.isFinite(x) ? Number(x.toPrecision(3)).toString() : "-";

/** What is done in a time. */
type Rates = Pick<Line, "gigabytes" | "gigaflops" | "work" | "microseconds">;

/** Rates, and shares of what the card can do. */
function reached(line: Rates, { bandwidth, peak }: Report): string {
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

/** Their time of a step, and how many times ours it is. */
function beside(line: Line, peers: Peers): string {
  if (peers.kind === "absent") return "";
  const found = peers.lines.find((p) => p.name === line.name);
  if (found === undefined) return "";
  if ("failed" in found) return `failed: ${found.failed.replaceAll("|", "/")}`;
  const times = digits(found.microseconds / line.microseconds);
  return `${digits(found.microseconds)} µs (${times} ×); ${digits(found.firstMilliseconds)} ms`;
}

function peersLine(peers: Peers): string {
  if (peers.kind === "absent") return `NumPyro and JAX were not measured: ${peers.reason}.`;
  return `Beside it NumPyro ${peers.numpyro} and JAX ${peers.jax} on ${peers.device}, in single precision; (n ×) is their time over ours.`;
}

/** A table of kernels by kinds of work, or why there is none. */
function kernelTable(report: Report): readonly string[] {
  const rows = report.lines.flatMap((line) => (line.kernels ?? []).map((k) => ({ line, k })));
  if (rows.length === 0) {
    return [`Kernels were not timed: ${report.noKernels ?? "no line ran"}.`, ""];
  }
  return [
    "Kernels by the device's timestamps. Bytes are those of each array once, operations those of products.",
    "",
    "| | kernels | dispatches | a dispatch | of the kernels' time | reached |",
    "|---|---|---|---|---|---|",
    ...rows.map(
      ({ line, k }) =>
        `| ${line.name} | ${k.kinds} | ${k.dispatches} | ${digits(k.microseconds / k.dispatches)} µs | ${digits(100 * k.share)} % | ${k.microseconds > 0 ? reached(k, report) : ""} |`,
    ),
    "",
  ];
}

/** One table of the figures, one of kernels, and a line on the ops. */
export function markdown(report: Report): string {
  const { device, description, precision, node, size, openMilliseconds, checks, lines, peers } =
    report;
  const failed = checks.filter((c) => !c.passed);
  const worst = checks.reduce((a, b) => (b.error > a.error ? b : a));
  return [
    `## ${device}: ${description}`,
    "",
    `${precision}, Node ${node}, sizes \`${size}\`, opened in ${digits(openMilliseconds)} ms. ` +
      `${checks.length - failed.length} of ${checks.length} ops and functions agree with f64; the largest error is ${worst.error.toExponential(1)} (${worst.name})` +
      `${failed.length > 0 ? `; wrong: ${failed.map((c) => c.name).join(", ")}` : ""}.`,
    "",
    peersLine(peers),
    "",
    "| | a step | reached | text to first step | NumPyro or JAX: a step; to the first |",
    "|---|---|---|---|---|",
    ...lines.map(
      (line) =>
        `| ${line.name} | ${digits(line.microseconds)} µs | ${reached(line, report)} | ${digits(line.firstMilliseconds)} ms | ${beside(line, peers)} |`,
    ),
    ...report.failed.map(
      ({ name, reason }) =>
        `| ${name} | did not run: ${reason.split("\n")[0].replaceAll("|", "/")} | | | |`,
    ),
    "",
    ...kernelTable(report),
  ].join("\n");
}
