/** `tilde sbc`: simulation-based calibration of a method on a model. */
import { fail } from "../base/diagnostic.js";
import { checkSource, selectModel } from "../run/compile.js";
import { loadDataFiles } from "../run/data/files.js";
import { type SbcResult, sbcRaw } from "../run/sbc/index.js";
import { loadSource } from "../run/sources.js";
import type { ExitCode } from "./exit-code.js";
import { methodOf, type RunFlags } from "./run.js";

export interface SbcFlags extends RunFlags {
  readonly observed?: string;
  readonly replications?: number;
  readonly ranked?: number;
}

export async function sbcCommand(file: string, flags: SbcFlags): Promise<ExitCode> {
  // Ranks want many short runs and compare no chains.
  const isChain = flags.method === "nuts" || flags.method === "hmc" || flags.method === "gibbs";
  const method = methodOf(isChain ? { ...flags, chains: flags.chains ?? 1 } : flags);
  const source = await loadSource(file);
  const model = selectModel(checkSource(source), source, flags.model);
  const data = await loadDataFiles(flags.data ?? []);
  const observed = flags.observed
    ?.split(",")
    .map((n) => n.trim())
    .filter((n) => n !== "");
  if (observed?.length === 0) {
    const wanted = "names of sites with commas between them";
    fail("bad_option", undefined, { option: "--observed", value: '""', wanted });
  }
  const stop = new AbortController();
  const interrupt = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  };
  process.on("SIGINT", interrupt);
  const shown = process.stderr.isTTY && !flags.json;
  try {
    const result = await sbcRaw(model, data, {
      method,
      observed,
      replications: flags.replications,
      ranked: flags.ranked,
      seed: flags.seed,
      signal: stop.signal,
      onProgress: (done, total) => {
        if (shown) process.stderr.write(`\r${done} of ${total} data sets`);
      },
    });
    if (shown) process.stderr.write("\r\u001b[K");
    process.stdout.write(`${flags.json ? asJson(result) : render(result, model.name, method)}\n`);
    return result.passed && !result.interrupted ? 0 : 2;
  } finally {
    process.off("SIGINT", interrupt);
  }
}

function asJson(result: SbcResult): string {
  const variables = Object.fromEntries(
    result.variables.map(({ name, ranks, bins, p, distance }) => [
      name,
      { p, distance, bins, ranks: Array.from(ranks) },
    ]),
  );
  return JSON.stringify({ ...result, variables }, null, 2);
}

const BLOCKS = "▁▂▃▄▅▆▇█";

function render(result: SbcResult, model: string, method: { readonly method: string }): string {
  const { replications, ranked, variables, failures } = result;
  const head = `${model}: ${method.method} on ${replications} data sets simulated from the prior, ranks among ${ranked} draws${
    result.interrupted ? " (interrupted)" : ""
  }`;
  const width = Math.max(4, ...variables.map((v) => v.name.length));
  const lines = variables.map(({ name, bins, p, distance }) => {
    const most = Math.max(...bins);
    const bars = bins.map((b) => BLOCKS[Math.min(7, Math.floor((8 * b) / Math.max(1, most)))]);
    return `${name.padEnd(width)}  ${bars.join("")}  p ${p.toFixed(3)}  distance ${distance.toFixed(3)}`;
  });
  const verdict = result.passed
    ? "all ranks look uniform"
    : failures.count > 0
      ? `the method failed on ${failures.count} data sets: ${failures.first}`
      : "some ranks are not uniform: the method does not draw from this model's posterior, or its draws are too dependent (more --thin)";
  return [head, "", ...lines, "", verdict].join("\n");
}
