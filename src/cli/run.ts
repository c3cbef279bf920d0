/** `tilde run`: a model, data, a method, and the posterior in a table. */

import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fail, TildeError } from "../base/diagnostic.js";
import { nearestNames } from "../base/nearest.js";
import { renderDiagnostics } from "../base/render.js";
import { RESTARTS, SHORT_RUN } from "../inference/em/defaults.js";
import type { Model } from "../model/ir.js";
import { checkSource, selectModel } from "../run/compile.js";
import { loadDataFiles } from "../run/data/files.js";
import type { DeviceChoice } from "../run/device/choices.js";
import { inferRaw } from "../run/infer.js";
import {
  type EmOptions,
  type Method,
  type MethodName,
  methodNames,
  methods,
} from "../run/methods.js";
import type { InferOptions } from "../run/options.js";
import type { Posterior } from "../run/posterior.js";
import type { FitData } from "../run/results/fit.js";
import { checkFormats, type FitFormat } from "../run/results/formats/index.js";
import { checkSelections } from "../run/results/readout.js";
import { saveFit, saveParams } from "../run/results/save.js";
import { comesInChains, passed, type Summary, summaryJson } from "../run/results/summary.js";
import { loadSource } from "../run/sources.js";
import { keepsStates } from "../run/storage/checkpoint.js";
import { makeFolder } from "../run/storage/folder.js";
import { writeReport } from "../run/storage/report.js";
import { DivergedError } from "../run/svi/diverged.js";
import { clustersLine } from "./clusters.js";
import type { ExitCode } from "./exit-code.js";
import { wantsColor } from "./failure.js";
import { listOf } from "./lists.js";
import { type Plan, progressView } from "./progress.js";
import { figure, ratio, renderTable, whole } from "./table.js";

export interface RunFlags {
  readonly model?: string;
  readonly data?: readonly string[];
  readonly method: string;
  readonly chains?: number;
  readonly warmup?: number;
  readonly draws?: number;
  readonly thin?: number;
  readonly seed: number;
  readonly threads?: number;
  readonly device?: string;
  readonly targetAccept?: number;
  readonly maxTreeDepth?: number;
  readonly metric?: string;
  readonly guide?: string;
  readonly objective?: string;
  readonly steps?: number;
  readonly batch?: readonly string[];
  readonly lr?: number;
  readonly option?: readonly string[];
  readonly vars?: string;
  readonly out?: string;
  readonly format?: readonly string[];
  /** False with `--no-csv`. */
  readonly csv?: boolean;
  readonly json?: boolean;
  /** False with `--no-relabel`. */
  readonly relabel?: boolean;
}

export async function runCommand(file: string, flags: RunFlags): Promise<ExitCode> {
  const method = methodOf(flags);
  const source = await loadSource(file);
  const checked = checkSource(source);
  const model = selectModel(checked, source, flags.model);
  const data = await loadDataFiles(flags.data ?? []);
  const color = { color: wantsColor(process.stderr) };
  note(renderDiagnostics(checked.diagnostics, color));

  // What is wrong with these is told before the run and not after it.
  const names = variablesOf(flags.vars, model);
  const formats = formatsOf(flags);
  if (flags.out !== undefined) {
    await makeFolder(flags.out);
    writeReport(flags.out, flags);
  }

  const isChain = method.method === "nuts" || method.method === "hmc" || method.method === "gibbs";
  const learns = method.method === "svi" || method.method === "nce";
  const plan =
    (learns && !flags.json && { chains: 1, warmup: 0, draws: method.steps, thin: 1 }) ||
    (method.method === "em" && !flags.json && climbPlan(method)) ||
    undefined;
  const view = isChain && !flags.json ? progressView(method) : plan && progressView(plan);
  // The others run in one piece and have nothing to keep: there Ctrl-C ends the process.
  const isPiece = method.method === "cavi" && model.unbounded !== undefined;
  const canStop = isChain || (keepsStates(method.method) && !isPiece);
  const posterior = await interruptible(canStop, view, async (watched) => {
    try {
      const options = {
        method,
        seed: flags.seed,
        threads: flags.threads,
        // Checked with the other options.
        ...(flags.device !== undefined && { device: flags.device as DeviceChoice }),
        relabel: flags.relabel,
        out: flags.out,
        ...watched,
      };
      return await inferRaw(model, data, options, checked);
    } catch (error) {
      throw withFlags(await withSaved(error, flags.out));
    }
  });
  return await finish(posterior, { ...flags, names, formats });
}

type Watched = Pick<InferOptions, "signal" | "onProgress">;

/**
 * Runs an inference that the first Ctrl-C (or SIGTERM) ends with the draws so far; a second one ends
 * the process.
 * The view is closed after it.
 */
export async function interruptible(
  canStop: boolean,
  view: ReturnType<typeof progressView> | undefined,
  work: (watched: Watched) => Promise<Posterior>,
): Promise<Posterior> {
  const stop = new AbortController();
  // The listener stays on: the terminal library ends the process where it finds no other one.
  const interrupt = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  if (canStop) for (const signal of signals) process.on(signal, interrupt);
  try {
    return await work({ signal: stop.signal, onProgress: view?.update });
  } finally {
    view?.close();
    for (const signal of signals) process.off(signal, interrupt);
  }
}

export interface Finish {
  /** The variables to report; undefined for all. */
  readonly names?: readonly string[];
  readonly out?: string;
  readonly formats?: readonly FitFormat[];
  /** Whether `draws.csv` is written; absent for yes. */
  readonly csv?: boolean;
  readonly json?: boolean;
}

/** Formats to write beside the fit, which need a folder. */
export function formatsOf(flags: {
  readonly format?: readonly string[];
  readonly out?: string;
}): FitFormat[] {
  const given = flags.format?.flatMap((f) => f.split(",")).map((f) => f.trim()) ?? [];
  const formats = checkFormats(given, "--format");
  if (formats.length > 0 && flags.out === undefined) {
    const wanted = "together with --out, the folder that the files go to";
    fail("bad_option", undefined, { option: "--format", value: given.join(","), wanted });
  }
  return formats;
}

/** Reports a posterior and writes its files. */
export async function finish(posterior: Posterior, to: Finish): Promise<ExitCode> {
  const color = { color: wantsColor(process.stderr) };
  note(renderDiagnostics(posterior.fit.conditioned.warnings, color));
  if (posterior.interrupted && (posterior.fit.chains[0]?.draws ?? 0) === 0) {
    note("interrupted before the first draw: there is nothing to report");
    return 1;
  }
  const summary = posterior.summary(to.names);
  if (to.out !== undefined) {
    await saveFit(posterior.fit, summary, to.out, to.names, to.formats, to.csv);
  }
  if (to.json) {
    process.stdout.write(`${JSON.stringify(summaryJson(posterior.fit, summary), null, 2)}\n`);
  } else {
    process.stdout.write(`${report(posterior, summary)}\n`);
    note(renderDiagnostics(summary.warnings, color));
  }
  const { method, stored } = posterior.fit;
  const canGoOn = stored !== undefined || keepsStates(method);
  if (posterior.interrupted && canGoOn && to.out !== undefined) {
    note(`to go on: tilde resume ${to.out}`);
  }
  return passed(posterior.fit, summary) && !posterior.interrupted ? 0 : 2;
}

function note(text: string): void {
  if (text !== "") process.stderr.write(`${text}\n`);
}

export function methodOf(flags: RunFlags): Method {
  const name = methodNames.find((m) => m === flags.method);
  if (name === undefined) {
    const near = nearestNames(flags.method, methodNames);
    const hint = near.length > 0 ? ` (did you mean ${near[0]}?)` : "";
    const wanted = `one of ${methodNames.join(", ")}${hint}`;
    return fail("bad_option", undefined, { option: "--method", value: flags.method, wanted });
  }
  const flagged = {
    chains: flags.chains,
    warmup: flags.warmup,
    draws: flags.draws,
    thin: flags.thin,
    targetAccept: flags.targetAccept,
    maxTreeDepth: flags.maxTreeDepth,
    metric: flags.metric,
  };
  const learning = {
    // What is drawn beside the data is noise there.
    [name === "nce" ? "noise" : "guide"]: flags.guide,
    objective: flags.objective,
    steps: flags.steps,
    lr: flags.lr,
    batch: flags.batch && batchOf(flags.batch),
  };
  const set = Object.entries({ ...flagged, ...learning }).filter(
    ([, value]) => value !== undefined,
  );
  const given = { ...optionsOf(flags.option ?? []), ...Object.fromEntries(set) };
  // The method checks its options itself; one that it lacks is a diagnostic.
  const make = methods[name] as (settings: object) => Method;
  try {
    return make(given);
  } catch (error) {
    throw withFlags(error);
  }
}

/** Iterations of the short runs of EM, and of the long one at most. */
function climbPlan({ restarts = RESTARTS, maxIterations }: EmOptions): Plan {
  const short = restarts === 1 ? 0 : restarts * SHORT_RUN;
  return { chains: 1, warmup: short, draws: maxIterations, thin: 1 };
}

/** `N=128`, several with commas between them or by repeating the flag. */
function batchOf(given: readonly string[]): Record<string, number> {
  const parts = given.flatMap((text) => text.split(","));
  return Object.fromEntries(
    parts.map((part) => {
      const [, size, rows] = /^\s*([A-Za-z_]\w*)\s*=\s*(\d+)\s*$/.exec(part) ?? [];
      if (size === undefined) {
        const wanted = "SIZE=COUNT, such as N=128";
        return fail("bad_option", undefined, { option: "--batch", value: part, wanted });
      }
      return [size, Number(rows)] as const;
    }),
  );
}

/**
 * A diverged run's last params are kept beside what its results would have been, or where the system
 * keeps what is temporary.
 */
async function withSaved(error: unknown, out: string | undefined): Promise<unknown> {
  if (!(error instanceof DivergedError)) return error;
  const folder = out ?? (await mkdtemp(join(tmpdir(), "tilde-diverged-")));
  const saved = await saveParams(error.params, folder);
  return error.savedAt(saved);
}

/** `key=value` for options that have no flag of their own; values are JSON, other text is a word. */
function optionsOf(given: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf("=");
      if (at <= 0) {
        const wanted = 'KEY=VALUE, such as tolerance=1e-6 or joint=\'[["z","x"]]\'';
        return fail("bad_option", undefined, { option: "--option", value: text, wanted });
      }
      const name = text.slice(0, at).trim();
      // Flags are spelt max-tree-depth, options maxTreeDepth; both are understood.
      const camel = name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
      return [camel, jsonOrWord(text.slice(at + 1).trim())];
    }),
  );
}

function jsonOrWord(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** The same failure with options as the command line spells them: `--max-tree-depth`. */
function withFlags(error: unknown): unknown {
  if (!(error instanceof TildeError)) return error;
  const flags = (text: string): string =>
    text.replace(
      /`(\w+)`/g,
      (_, option: string) => `--${option.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`,
    );
  return new TildeError(
    error.diagnostics.map((d) =>
      d.code === "bad_option" || d.code === "unknown_option"
        ? { ...d, message: flags(d.message), help: d.help && flags(d.help) }
        : d,
    ),
  );
}

/** The variables to report, each known to the model; undefined for all. */
export function variablesOf(vars: string | undefined, model: Model): readonly string[] | undefined {
  const names = listOf(vars);
  if (names !== undefined) checkSelections(model, names);
  return names;
}

const methodTitles: { readonly [N in MethodName]: string } = {
  nuts: "NUTS",
  hmc: "HMC",
  map: "posterior mode",
  laplace: "Laplace approximation",
  prior: "prior",
  enumerate: "exact posterior by enumeration",
  gibbs: "Gibbs sampling",
  exact: "exact posterior in closed form",
  vi: "variational inference",
  cavi: "mean-field approximation",
  em: "expectation–maximisation",
  svi: "stochastic variational inference",
  nce: "noise-contrastive estimation",
};

/** What a point estimate maximises, and how far it got. */
function pointOf({ figures }: FitData): string {
  const { log_density: density, log_likelihood: likelihood } = figures;
  if (typeof density === "number") return `log density ${figure(density)}`;
  const finalOf = (climb: typeof likelihood): unknown =>
    typeof climb === "object" && "final" in climb ? climb.final : undefined;
  const [total, learned] = [finalOf(likelihood), finalOf(figures.value)];
  if (typeof learned === "number") return `${figures.objective} ${figure(learned)}`;
  return typeof total === "number" ? `log likelihood ${figure(total)}` : "point estimate";
}

/** Where a fit was made, where that was chosen, with what was measured for the choice. */
function placeOf({ figures }: FitData): string {
  const { device, step_microseconds: steps } = figures;
  if (typeof device !== "string") return "";
  const measured =
    typeof steps === "object" && !Array.isArray(steps)
      ? ` (a step: ${Object.entries(steps)
          .map(([name, micros]) => `${name} ${micros} µs`)
          .join(", ")})`
      : "";
  return ` on ${device}${measured}`;
}

function report(posterior: Posterior, summary: Summary): string {
  const { fit } = posterior;
  const { timing } = fit;
  const chains = fit.chains.length;
  const draws = fit.chains[0]?.draws ?? 0;
  const counts = comesInChains(fit)
    ? `${chains} × (${fit.warmup} + ${draws}) draws`
    : fit.isPoint
      ? pointOf(fit)
      : `${draws} draws`;
  const seconds = (s: number): string =>
    s < 0.0995 ? `${(s * 1000).toFixed(0)} ms` : `${s.toFixed(2)} s`;
  const sampling = timing.warmupSeconds + timing.sampleSeconds;
  const head = [
    `${fit.conditioned.model.name}: ${methodTitles[fit.method]}, ${counts}, seed ${fit.seed}`,
    `compiled in ${seconds(timing.compileSeconds)}, ran in ${seconds(sampling)}${placeOf(fit)}${
      posterior.interrupted ? " (interrupted)" : ""
    }`,
  ].join("\n");
  const s = summary.sampler;
  const foot =
    s === undefined
      ? ""
      : `\n${fit.method === "gibbs" ? "" : `${s.divergent} divergent, `}largest R-hat ${ratio(s.maxRhat)}, smallest bulk ESS ${whole(s.minEssBulk)}`;
  // A file or a pipe has no width and gets every column.
  const table = renderTable(summary, process.stdout.isTTY ? process.stdout.columns : undefined);
  const clusters = clustersLine(fit);
  const middle = clusters === undefined ? "" : `\n${clusters}`;
  return `${head}\n\n${table}\n${middle}${foot}`.trimEnd();
}
