/**
 * Many chains of eight schools by NUTS in one program (on the CPU's graphs, as on devices), by HMC
 * likewise, by the CPU's NUTS chain by chain, and by NumPyro's vectorised NUTS: effective draws a
 * processor second and a leapfrog step. All count processor time, since the machine may be busy.
 *
 *     npx tsc -p tsconfig.bench.json && node dist/scripts/bench/many-trees.js [chains …]
 *
 * `TILDE_PEERS_PYTHON` names a Python that has numpyro; without one its lines are left out.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkSource, conditionRaw, selectModel } from "../../src/run/compile.js";
import type { Run } from "../../src/run/context.js";
import { openCpuGraphs } from "../../src/run/device/cpu-graphs.js";
import { sampleMany } from "../../src/run/device/many-chains.js";
import { VariableDiagnostics } from "../../src/run/diagnostics/index.js";
import { hmc, nuts } from "../../src/run/methods.js";
import type { FitData } from "../../src/run/results/fit.js";
import { sampleHamiltonian } from "../../src/run/sample.js";
import { eightSchools } from "../bench-gpu/texts.js";

const [WARMUP, DRAWS] = [200, 50];

interface Line {
  readonly name: string;
  readonly chains: number;
  /** Processor seconds. */
  readonly warmup: number;
  readonly sampling: number;
  /** Least of all columns. */
  readonly ess: number;
  /** Leapfrog steps of the kept draws. */
  readonly leapfrogs: number;
  /** Passes behind the warmup, or what they would be if every draw waited for the longest tree. */
  readonly passes?: number;
  readonly synchronised?: number;
}

const processor = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

function least(columns: readonly Float64Array[], chains: number): number {
  const diagnostics = new VariableDiagnostics(chains, DRAWS);
  return Math.min(...columns.map((x) => diagnostics.summarise(x).essBulk));
}

function columnsOf(fit: FitData): Float64Array[] {
  const width = fit.latents.reduce((n, l) => n + l.length, 0);
  return Array.from({ length: width }, (_, k) =>
    Float64Array.from(
      fit.chains.flatMap((c) => Array.from({ length: DRAWS }, (_, t) => c.values[t * width + k])),
    ),
  );
}

/** Leapfrog steps of all draws, and the sum over draws of the most that any chain took. */
function stepsOf(fit: FitData): { readonly leapfrogs: number; readonly synchronised: number } {
  let [leapfrogs, synchronised] = [0, 0];
  for (let t = 0; t < DRAWS; t++) {
    let most = 0;
    for (const { statistics } of fit.chains) {
      const steps = statistics.n_leapfrog?.[t] ?? Number.NaN;
      leapfrogs += steps;
      most = Math.max(most, steps);
    }
    synchronised += most;
  }
  return { leapfrogs, synchronised };
}

const source = { path: "model.ppl", text: eightSchools };
const model = selectModel(checkSource(source), source);
const data = new Map([
  ["J", { dims: [], data: Float64Array.of(8) }],
  ["y", { dims: [8], data: Float64Array.of(28, 8, -3, 7, -1, 1, 18, 12) }],
  ["sigma", { dims: [8], data: Float64Array.of(15, 10, 16, 11, 9, 11, 10, 18) }],
]);

async function ofTilde(
  name: string,
  chains: number,
  sample: (run: Run) => Promise<FitData>,
): Promise<Line> {
  const conditioned = conditionRaw(model, { values: data, problems: new Map() });
  let at: number | undefined;
  const onProgress = ({ phase }: { phase: string }): void => {
    if (phase === "sampling") at ??= processor();
  };
  const begun = processor();
  const fit = await sample({ conditioned, seed: 1, start: 0, options: { onProgress, threads: 1 } });
  const end = processor();
  const { leapfrogs, synchronised } = stepsOf(fit);
  // Chains one after another begin to draw one after another: their gradients tell the shares.
  const share = name.startsWith("each") ? leapfrogs / (fit.timing.gradients ?? leapfrogs) : 0;
  const sampling = share > 0 ? share * (end - begun) : end - (at ?? end);
  const passes = fit.figures.passes as number | undefined;
  return {
    name,
    chains,
    warmup: end - begun - sampling,
    sampling,
    ess: least(columnsOf(fit), chains),
    leapfrogs,
    synchronised,
    ...(passes !== undefined && { passes }),
  };
}

function ofNumPyro(python: string, chains: number): Line {
  const file = join(tmpdir(), `many-trees-${chains}.f64`);
  const script = join(process.cwd(), "scripts/bench/many_trees.py");
  const args = [script, chains, WARMUP, DRAWS, file].map(String);
  const found = JSON.parse(execFileSync(python, args, { encoding: "utf8" })) as Omit<Line, "ess">;
  const bytes = readFileSync(file);
  const all = new Float64Array(
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
  );
  const size = chains * DRAWS;
  const columns = Array.from({ length: 10 }, (_, k) => all.subarray(k * size, (k + 1) * size));
  return { ...found, name: "NumPyro, vectorised NUTS", chains, ess: least(columns, chains) };
}

const sizes = process.argv.slice(2).map(Number);
const python = process.env.TILDE_PEERS_PYTHON;
const settings = { warmup: WARMUP, draws: DRAWS };
for (const chains of sizes.length > 0 ? sizes : [256, 1024, 4096]) {
  const lines = [
    await ofTilde("NUTS, one program", chains, (run) =>
      sampleMany(run, openCpuGraphs(), nuts({ ...settings, chains })),
    ),
    await ofTilde("HMC, one program", chains, (run) =>
      sampleMany(run, openCpuGraphs(), hmc({ ...settings, chains })),
    ),
    await ofTilde("each chain its own NUTS", chains, (run) =>
      sampleHamiltonian(run, nuts({ ...settings, chains })),
    ),
    ...(python === undefined ? [] : [ofNumPyro(python, chains)]),
  ];
  for (const l of lines) {
    const figures = {
      warmup: l.warmup.toFixed(2),
      sampling: l.sampling.toFixed(2),
      ess: l.ess.toFixed(0),
      "ess / s of draws": (l.ess / l.sampling).toFixed(0),
      "ess / s of all": (l.ess / (l.sampling + l.warmup)).toFixed(0),
      "ess / 1000 leapfrogs": ((1000 * l.ess) / l.leapfrogs).toFixed(1),
      "leapfrogs a draw": (l.leapfrogs / (chains * DRAWS)).toFixed(2),
      "longest tree a draw": ((l.synchronised ?? 0) / DRAWS).toFixed(1),
    };
    console.log(`${chains} chains, ${l.name}`, figures);
  }
}
