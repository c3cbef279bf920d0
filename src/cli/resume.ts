/** `tilde resume`: a run that was killed or interrupted goes on where its last block ends. */
import { resumeRaw } from "../run/infer.js";
import { openRun } from "../run/storage/reopen.js";
import { readReport } from "../run/storage/report.js";
import type { ExitCode } from "./exit-code.js";
import { progressView } from "./progress.js";
import { finish, formatsOf, interruptible, variablesOf } from "./run.js";

export interface ResumeFlags {
  readonly threads?: number;
  readonly vars?: string;
  readonly format?: readonly string[];
  /** False with `--no-csv`. */
  readonly csv?: boolean;
  readonly json?: boolean;
}

export async function resumeCommand(directory: string, flags: ResumeFlags): Promise<ExitCode> {
  const { record, program, fit } = openRun(directory);
  // What the run was asked to report, but for what is asked now. Commander sets `csv` to true.
  const kept = readReport(directory);
  const names = variablesOf(flags.vars ?? kept.vars, program);
  const formats = formatsOf({ format: flags.format ?? kept.format, out: directory });
  const csv = flags.csv !== false && kept.csv !== false;
  const { options } = record;
  const isChain =
    options?.method === "nuts" || options?.method === "hmc" || options?.method === "gibbs";
  const learns = options?.method === "svi" || options?.method === "nce";
  const plan = isChain
    ? options
    : learns && { chains: 1, warmup: 0, draws: options.steps, thin: 1 };
  const view = plan && fit === undefined && !flags.json ? progressView(plan) : undefined;
  if (fit !== undefined) process.stderr.write("the run was finished: nothing is left to do\n");
  const posterior = await interruptible(true, view, (watched) =>
    resumeRaw(directory, { threads: flags.threads, ...watched }),
  );
  return await finish(posterior, { ...flags, csv, names, formats, out: directory });
}
