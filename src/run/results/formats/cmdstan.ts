/**
 * Draws as CmdStan writes them: a CSV file to each chain, settings and adaptation in comments, the
 * sampler's columns with two underscores, elements as `theta.1` and matrices column after column.
 */
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { explained } from "../../storage/folder.js";
import { type Column, drawsOf, openColumns } from "../columns.js";
import type { DrawStatistic, FitData } from "../fit.js";
import { readableNames } from "../readout.js";
import { openVariable } from "./groups.js";

const statistics: readonly DrawStatistic[] = [
  "lp",
  "accept_stat",
  "stepsize",
  "treedepth",
  "n_leapfrog",
  "divergent",
  "energy",
];

/** Text is handed to the system in pieces of about this many characters. */
const PIECE = 1 << 16;

/**
 * Writes `cmdstan-1.csv` and so on, a file to each chain.
 * @throws TildeError where that fails
 */
export async function writeCmdstan(
  fit: FitData,
  directory: string,
  names: readonly string[] = readableNames(fit),
): Promise<string[]> {
  const wanted = [...new Set(names.map((n) => n.replace(/\[.*$/, "")))];
  const order = wanted.flatMap((name) => stanOrder(fit, name));
  const { columns } = openColumns(fit, wanted, Number.POSITIVE_INFINITY);
  const byName = new Map(columns.map((c) => [c.name, c]));
  const sorted = order.map(({ from, to }) => ({ to, column: byName.get(from) as Column }));
  const paths: string[] = [];
  let file: FileHandle | undefined;
  let text = "";
  const flush = async (): Promise<void> => {
    const path = paths[paths.length - 1];
    if (file !== undefined) await explained(path, file.appendFile(text));
    text = "";
  };
  const finish = async (): Promise<void> => {
    if (file === undefined) return;
    const { warmupSeconds, sampleSeconds } = fit.timing;
    const total = warmupSeconds + sampleSeconds;
    text += [
      "# ",
      `#  Elapsed Time: ${warmupSeconds.toFixed(3)} seconds (Warm-up)`,
      `#                ${sampleSeconds.toFixed(3)} seconds (Sampling)`,
      `#                ${total.toFixed(3)} seconds (Total)`,
      "# \n",
    ].join("\n");
    await flush();
    await file.close();
    file = undefined;
  };
  const known = statistics.filter((s) => fit.chains.every((c) => s in c.statistics));
  let own: (readonly number[] | Float64Array)[] = [];
  try {
    for (const { chain, draw } of drawsOf(fit, columns)) {
      if (draw === 0) {
        await finish();
        const path = join(directory, `cmdstan-${chain + 1}.csv`);
        paths.push(path);
        file = await explained(path, open(path, "w"));
        const head = [...known.map((s) => `${s}__`), ...sorted.map((c) => c.to)].join(",");
        text = `${settings(fit, chain).join("\n")}\n${head}\n${adaptation(fit, chain).join("\n")}\n`;
        own = known.map((s) => fit.chains[chain].statistics[s] ?? []);
      }
      const cells = own.map((x) => String(x[draw]));
      for (const { column } of sorted) {
        cells.push(stanNumber(column.source.values[column.source.start + column.position]));
      }
      text += `${cells.join(",")}\n`;
      if (text.length > PIECE) await flush();
    }
    await finish();
  } finally {
    await file?.close();
  }
  return paths;
}

function stanNumber(x: number): string {
  if (Number.isFinite(x)) return String(x);
  return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
}

/** `theta[1,0]` is `theta.2.1`; the first index runs fastest. */
function stanOrder(fit: FitData, name: string): { readonly from: string; readonly to: string }[] {
  const { columns } = openVariable(fit, name);
  const found = columns.map(({ name: from }) => {
    const indices =
      from === name
        ? []
        : from
            .slice(name.length + 1, -1)
            .split(",")
            .map(Number);
    return { from, to: [name, ...indices.map((i) => i + 1)].join("."), indices };
  });
  return found.sort((a, b) => {
    for (let axis = a.indices.length - 1; axis >= 0; axis--) {
      const d = a.indices[axis] - b.indices[axis];
      if (d !== 0) return d;
    }
    return 0;
  });
}

/** The settings, laid out as CmdStan does, so that its readers find them. */
function settings(fit: FitData, chain: number): string[] {
  const { conditioned, chains, warmup, seed, method, targetAccept, maxTreeDepth } = fit;
  const { inverseMetric, thin, dimension } = chains[chain];
  const isDense = inverseMetric !== undefined && inverseMetric.length !== dimension;
  return [
    "# stan_version_major = 2",
    "# stan_version_minor = 36",
    "# stan_version_patch = 0",
    `# model = ${conditioned.model.name}_model`,
    "# written by Tilde",
    "# method = sample",
    "#   sample",
    `#     num_samples = ${chains[chain].draws * (thin ?? 1)}`,
    `#     num_warmup = ${warmup}`,
    "#     save_warmup = false",
    `#     thin = ${thin ?? 1}`,
    "#     adapt",
    "#       engaged = true",
    `#       delta = ${targetAccept ?? 0.8}`,
    `#     algorithm = ${method === "gibbs" ? "fixed_param" : "hmc"}`,
    "#       hmc",
    `#         engine = ${method === "nuts" ? "nuts" : "static"}`,
    "#           nuts",
    `#             max_depth = ${maxTreeDepth ?? 10}`,
    `#         metric = ${isDense ? "dense_e" : "diag_e"}`,
    `# id = ${chain + 1}`,
    "# random",
    `#   seed = ${seed}`,
  ];
}

/** The step size and inverse metric. */
function adaptation(fit: FitData, chain: number): string[] {
  const { stepSize, inverseMetric, dimension } = fit.chains[chain];
  if (stepSize === undefined || inverseMetric === undefined) return ["# "];
  const head = ["# Adaptation terminated", `# Step size = ${stepSize}`];
  const row = (x: Iterable<number>): string => `# ${[...x].join(", ")}`;
  if (inverseMetric.length === dimension) {
    return [...head, "# Diagonal elements of inverse mass matrix:", row(inverseMetric)];
  }
  const d = Math.sqrt(inverseMetric.length);
  const rows = Array.from({ length: d }, (_, i) => row(inverseMetric.slice(i * d, (i + 1) * d)));
  return [...head, "# Elements of inverse mass matrix:", ...rows];
}
