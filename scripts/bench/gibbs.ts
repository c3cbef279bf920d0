/**
 * Gibbs against JAGS in one run: effective draws of the slowest scalar for each second of sampling
 * (of processor time), one core, warmup and compilation apart, the same models, the same estimate of the effective
 * sample size for both. Run by itself (`node dist/scripts/bench/gibbs.js [repeats]`), for it needs
 * Rscript with rjags; without them only our own figures are printed.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileKernels, createMemory, instantiate } from "../../src/device/cpu/compile.js";
import { runGibbs } from "../../src/inference/gibbs/chain.js";
import { describePlan, planGibbs } from "../../src/inference/gibbs/plan.js";
import type { KernelModule } from "../../src/kernel/ir.js";
import { checkSource, conditionRaw, selectModel } from "../../src/run/compile.js";
import { readObject } from "../../src/run/data/values.js";
import { VariableDiagnostics } from "../../src/run/diagnostics/index.js";
import { type Figure, jsonLine, median, table } from "./figures.js";
import { type GibbsModel, gibbsModels } from "./gibbs-models.js";

const CHAINS = 4;
const WARMUP = 1000;
const DRAWS = 50_000;
const TARGET = 5;

interface Measured {
  /** Effective draws per second of the slowest scalar, and the mean of every scalar. */
  readonly rate: number;
  readonly means: readonly number[];
  readonly errors: readonly number[];
}

/** Columns of `chains` times `draws` values each. */
function measure(columns: readonly Float64Array[], seconds: number, draws: number): Measured {
  const diagnostics = new VariableDiagnostics(CHAINS, draws);
  const sizes = columns.map((c) => diagnostics.essBulk(c));
  const means = columns.map((c) => c.reduce((s, v) => s + v, 0) / c.length);
  const errors = columns.map((c, i) => {
    const square = c.reduce((s, v) => s + (v - means[i]) ** 2, 0) / c.length;
    return Math.sqrt(square / sizes[i]);
  });
  return { rate: Math.min(...sizes) / seconds, means, errors };
}

const make = (module: KernelModule) => {
  const program = compileKernels(module);
  return instantiate(program, createMemory(program, 1), 0);
};

function planOf(model: GibbsModel) {
  const source = { path: "<bench>", text: model.text };
  const checked = selectModel(checkSource(source), source);
  return planGibbs(conditionRaw(checked, readObject(model.data)), make);
}

/** Processor time of this process, so that others on the machine count for neither side. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function ours(model: GibbsModel, seed: number): Measured {
  const plan = planOf(model);
  const program = compileKernels(plan.kernels);
  const kept: Float64Array[] = [];
  let seconds = 0;
  for (let chain = 0; chain < CHAINS; chain++) {
    const instance = instantiate(program, createMemory(program, 1), 0);
    let swept = 0;
    let begun = 0;
    const outcome = runGibbs(
      plan,
      instance,
      { warmup: WARMUP, draws: DRAWS, thin: 1 },
      { seed, chain },
      () => {
        if (swept++ === WARMUP) begun = cpuSeconds();
        return false;
      },
    );
    seconds += cpuSeconds() - begun;
    if (outcome.kind !== "finished") throw new Error(JSON.stringify(outcome));
    kept.push(outcome.values);
  }
  const width = kept[0].length / DRAWS;
  const columns = model.sites.flatMap((name) => {
    const latent = plan.joint.sites.find((s) => s.latent.name === name)?.latent;
    if (latent === undefined) throw new Error(`no site ${name}`);
    return Array.from({ length: latent.length }, (_, i) => {
      const at = latent.offset + i;
      const column = new Float64Array(CHAINS * DRAWS);
      kept.forEach((values, c) => {
        for (let t = 0; t < DRAWS; t++) column[c * DRAWS + t] = values[t * width + at];
      });
      return column;
    });
  });
  return measure(columns, seconds, DRAWS);
}

/** An R value. */
function inR(x: number | readonly number[] | readonly (readonly number[])[]): string {
  if (typeof x === "number") return String(x);
  if (typeof x[0] === "number") return `c(${x.join(", ")})`;
  const rows = x as readonly (readonly number[])[];
  return `matrix(c(${rows.flat().join(", ")}), nrow = ${rows.length}, byrow = TRUE)`;
}

function jags(model: GibbsModel, seed: number): Measured {
  const folder = mkdtempSync(join(tmpdir(), "gibbs-"));
  try {
    const put = (name: string, text: string) => writeFileSync(join(folder, name), text);
    const data = Object.entries(model.data).map(([name, x]) => `${name} <- ${inR(x)}`);
    const sites = model.sites.map((s) => `"${s}"`).join(", ");
    put("model.bug", model.bugs);
    put("data.R", data.join("\n"));
    put(
      "options.R",
      `chains <- ${CHAINS}\nadapt <- 500\nwarmup <- ${WARMUP}\ndraws <- ${DRAWS}
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
    return measure(columns, seconds, DRAWS);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The means must agree: a fast sampler of another posterior is no result. */
function checkMeans(model: GibbsModel, a: Measured, b: Measured): void {
  a.means.forEach((m, i) => {
    const limit = 6 * Math.hypot(a.errors[i], b.errors[i]);
    if (!(Math.abs(m - b.means[i]) <= limit)) {
      throw new Error(`${model.name}: scalar ${i} has means ${m} and ${b.means[i]}`);
    }
  });
}

const repeats = Number(process.argv[2] ?? 3);
const hasJags = spawnSync("Rscript", ["-e", "library(rjags)"]).status === 0;
const figures: Figure[] = [];
for (const model of gibbsModels) {
  const own: number[] = [];
  const ratios: number[] = [];
  const other: number[] = [];
  for (let k = 0; k < repeats; k++) {
    const a = ours(model, k);
    own.push(a.rate);
    if (!hasJags) continue;
    const b = jags(model, k);
    checkMeans(model, a, b);
    other.push(b.rate);
    ratios.push(a.rate / b.rate);
  }
  console.log(describePlan(planOf(model)).join("\n"));
  figures.push({
    figure: hasJags ? `Gibbs over JAGS: ${model.name}` : `Gibbs: ${model.name}`,
    unit: hasJags ? "x" : "1/s",
    median: median(hasJags ? ratios : own),
    min: Math.min(...(hasJags ? ratios : own)),
    target: hasJags ? TARGET : 0,
    bound: "at least",
    parts: hasJags ? { tilde: median(own), jags: median(other) } : undefined,
  });
}
console.log(table(figures));
console.log(figures.map(jsonLine).join("\n"));
