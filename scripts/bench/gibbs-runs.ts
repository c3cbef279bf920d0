/**
 * One model by our sampler and by JAGS (Debian: jags, r-cran-rjags): the same chains and draws, the
 * same estimate of the effective sample size, processor time of the sampling alone.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileKernels, createMemory, instantiate } from "../../src/device/cpu/compile.js";
import { runGibbs } from "../../src/inference/gibbs/chain.js";
import { type GibbsPlan, planGibbs } from "../../src/inference/gibbs/plan.js";
import type { KernelModule } from "../../src/kernel/ir.js";
import { checkSource, conditionRaw, selectModel } from "../../src/run/compile.js";
import { readObject } from "../../src/run/data/values.js";
import { VariableDiagnostics } from "../../src/run/diagnostics/index.js";
import type { GibbsModel, RValue } from "./gibbs-models.js";

export interface Length {
  readonly chains: number;
  readonly warmup: number;
  readonly draws: number;
}

export interface Measured {
  /** Effective draws per second of the slowest scalar, and the mean of every scalar. */
  readonly rate: number;
  /** Sweeps of a chain per second. */
  readonly sweeps: number;
  readonly means: readonly number[];
  readonly errors: readonly number[];
}

/** Columns of `chains` times `draws` values each. */
function measure(
  columns: readonly Float64Array[],
  seconds: number,
  { chains, draws }: Length,
): Measured {
  const diagnostics = new VariableDiagnostics(chains, draws);
  const sizes = columns.map((c) => diagnostics.essBulk(c));
  const means = columns.map((c) => c.reduce((s, v) => s + v, 0) / c.length);
  const errors = columns.map((c, i) => {
    const square = c.reduce((s, v) => s + (v - means[i]) ** 2, 0) / c.length;
    return Math.sqrt(square / sizes[i]);
  });
  const sweeps = (chains * draws) / seconds;
  return { rate: Math.min(...sizes) / seconds, sweeps, means, errors };
}

const make = (module: KernelModule) => {
  const program = compileKernels(module);
  return instantiate(program, createMemory(program, 1), 0);
};

/** @param compiled whether updates are kernels, or the host's with whole densities */
export function planOf(model: GibbsModel, compiled = true): GibbsPlan {
  const source = { path: "<bench>", text: model.text };
  const checked = selectModel(checkSource(source), source);
  return planGibbs(conditionRaw(checked, readObject(model.data)), make, "gibbs", { compiled });
}

/** Processor time of this process, so that others on the machine count for neither side. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

export function ours(model: GibbsModel, seed: number, length: Length, compiled = true): Measured {
  const { chains, warmup, draws } = length;
  const plan = planOf(model, compiled);
  const program = compileKernels(plan.kernels);
  const kept: Float64Array[] = [];
  let seconds = 0;
  for (let chain = 0; chain < chains; chain++) {
    const instance = instantiate(program, createMemory(program, 1), 0);
    let swept = 0;
    let begun = 0;
    const outcome = runGibbs(plan, instance, { warmup, draws, thin: 1 }, { seed, chain }, () => {
      if (swept++ === warmup) begun = cpuSeconds();
      return false;
    });
    seconds += cpuSeconds() - begun;
    if (outcome.kind !== "finished") throw new Error(JSON.stringify(outcome));
    kept.push(outcome.values);
  }
  const width = kept[0].length / draws;
  const columns = model.sites.flatMap((name) => {
    const latent = plan.joint.sites.find((s) => s.latent.name === name)?.latent;
    if (latent === undefined) throw new Error(`no site ${name}`);
    return Array.from({ length: latent.length }, (_, i) => {
      const at = latent.offset + i;
      const column = new Float64Array(chains * draws);
      kept.forEach((values, c) => {
        for (let t = 0; t < draws; t++) column[c * draws + t] = values[t * width + at];
      });
      return column;
    });
  });
  return measure(columns, seconds, length);
}

/** An R value. */
function inR(x: RValue): string {
  if (typeof x === "number") return String(x);
  if (typeof x[0] === "number") return `c(${x.join(", ")})`;
  const rows = x as readonly (readonly number[])[];
  return `matrix(c(${rows.flat().join(", ")}), nrow = ${rows.length}, byrow = TRUE)`;
}

export function jags(model: GibbsModel, seed: number, length: Length): Measured {
  const folder = mkdtempSync(join(tmpdir(), "gibbs-"));
  try {
    const put = (name: string, text: string) => writeFileSync(join(folder, name), text);
    const data = Object.entries(model.data).map(([name, x]) => `${name} <- ${inR(x)}`);
    const sites = model.sites.map((s) => `"${s}"`).join(", ");
    put("model.bug", model.bugs);
    put("data.R", data.join("\n"));
    if (model.inits !== undefined) {
      const inits = Object.entries(model.inits).map(([name, x]) => `${name} <- ${inR(x)}`);
      put("inits.R", inits.join("\n"));
    }
    put(
      "options.R",
      `chains <- ${length.chains}\nadapt <- 500\nwarmup <- ${length.warmup}\ndraws <- ${length.draws}
seed <- ${seed}\nsites <- c(${sites})`,
    );
    const run = spawnSync("Rscript", ["scripts/reference/jags_gibbs.R", folder], {
      encoding: "utf8",
    });
    if (run.status !== 0) throw new Error(`Rscript: ${run.error?.message ?? run.stderr}`);
    const rows = readFileSync(join(folder, "draws.csv"), "utf8").trim().split("\n");
    const values = rows.map((r) => r.split(",").map(Number));
    const columns = values[0].map((_, i) => Float64Array.from(values, (r) => r[i]));
    const seconds = Number(readFileSync(join(folder, "seconds.txt"), "utf8"));
    return measure(columns, seconds, length);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The means must agree: a fast sampler of another posterior is no result. */
export function checkMeans(model: GibbsModel, a: Measured, b: Measured): void {
  a.means.forEach((m, i) => {
    const limit = 6 * Math.hypot(a.errors[i], b.errors[i]);
    if (!(Math.abs(m - b.means[i]) <= limit)) {
      throw new Error(`${model.name}: scalar ${i} has means ${m} and ${b.means[i]}`);
    }
  });
}

export const hasJags = (): boolean => spawnSync("Rscript", ["-e", "library(rjags)"]).status === 0;
