/** The `tilde` command. Subcommands are loaded when they run, so that `--help` answers at once. */
import { Command, CommanderError, InvalidArgumentError } from "commander";
import type { ExitCode } from "./exit-code.js";
import { reportFailure } from "./failure.js";

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || text.trim() === "") {
    throw new InvalidArgumentError("It must be a whole number.");
  }
  return value;
}
function decimal(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || text.trim() === "") {
    throw new InvalidArgumentError("It must be a number.");
  }
  return value;
}
function collect(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), text];
}
/** As in the table of methods, which is not loaded for `--help`; a test compares them. */
export const methodList =
  "nuts, hmc, gibbs, exact, enumerate, cavi, em, vi, svi, nce, laplace, map or prior";

/** As in `pictureKinds`, which is not loaded for `--help`; a test compares them. */
export const pictureList =
  "trace, rank, density, pair, forest, energy, ppc, elbo or clusters (default: the first there is)";

const dataOption = [
  "--data <file...>",
  "JSON, CSV, TSV, Parquet or Arrow files; later ones win where names agree",
  collect,
] as const;

/**
 * Splits the model's file from the data: in `run --data d.json m.ppl` the option, which takes all
 * that follows, has taken the model too.
 */
function withModel<O extends { readonly data?: readonly string[] }>(
  command: Command,
  file: string | undefined,
  options: O,
): readonly [file: string, options: O] {
  if (file !== undefined) return [file, options];
  const found = options.data?.find((path) => path.endsWith(".ppl"));
  if (found === undefined) {
    return command.error("error: missing required argument 'file', the .ppl file of the model");
  }
  return [found, { ...options, data: options.data?.filter((path) => path !== found) }];
}

/** Builds the command; `done` receives the exit code of the subcommand that ran. */
export function program(done: (code: ExitCode) => void): Command {
  const tilde = new Command("tilde")
    .description("Tilde: a small probabilistic programming language")
    .version("0.1.0")
    .showHelpAfterError("(tilde --help lists the commands)")
    .configureHelp({ subcommandTerm: (command) => `${command.name()} ${command.usage()}` })
    .addHelpText("after", "\nExample:\n  tilde run model.ppl --data data.json --out results")
    .exitOverride();
  tilde
    .command("run")
    .description("fit a model to data and report the posterior")
    .usage("<file.ppl> [options]")
    .argument("[file]", "a .ppl file")
    .option("--model <name>", "which model of the file")
    .option(...dataOption)
    .option("--method <name>", methodList, "nuts")
    .option("--chains <n>", "chains (default 4)", wholeNumber)
    .option("--warmup <n>", "warmup iterations of each chain (default 1000)", wholeNumber)
    .option("--draws <n>", "kept draws of each chain (default 1000)", wholeNumber)
    .option("--thin <n>", "keep every n-th draw (default 1)", wholeNumber)
    .option("--seed <n>", "seed of the random numbers", wholeNumber, 1)
    .option("--threads <n>", "at most this many threads (default: one per core)", wholeNumber)
    .option("--device <name>", "cpu, tensorflow, webgpu or auto (default cpu)")
    .option("--target-accept <p>", "acceptance rate that the step size is adapted to", decimal)
    .option("--max-tree-depth <n>", "largest tree depth of nuts (default 10)", wholeNumber)
    .option("--metric <kind>", "diag or dense mass matrix (default diag)")
    .option("--guide <name>", "guide of svi, or the family of vi")
    .option("--objective <name>", "objective of svi: elbo, iwae(5), …")
    .option("--steps <n>", "most steps of vi, svi and nce", wholeNumber)
    .option("--batch <size=n>", "elements of a size that each step sees, such as N=128", collect)
    .option("--lr <x>", "largest step size of vi, svi and nce", decimal)
    .option("--option <key=value>", "a further option of the method; lists as JSON", collect)
    .option("--no-relabel", "keep components that can change places as they were drawn")
    .option("--vars <names>", "comma-separated variables to report (default: all)")
    .option("--out <dir>", "write the fit there, its draws as they come (see tilde resume)")
    .option("--no-csv", "leave draws.csv out, which for many draws is large")
    .option("--format <names>", "more files in the folder: netcdf (ArviZ), cmdstan", collect)
    .option("--json", "print the summary as JSON and nothing else")
    .addHelpText(
      "after",
      "\nExit codes: 0 good, 1 error, 2 ran, but its diagnostics failed or it was\ninterrupted.",
    )
    .action(async (given, flags, command) => {
      const [file, options] = withModel(command, given, flags);
      const { runCommand } = await import("./run.js");
      done(await runCommand(file, options));
    });
  tilde
    .command("resume")
    .description("go on with a run that was killed or interrupted, to the same draws")
    .usage("<dir> [options]")
    .argument("<dir>", "the folder of `tilde run --out`")
    .option("--threads <n>", "at most this many threads (default: one per core)", wholeNumber)
    .option("--vars <names>", "comma-separated variables to report (default: those of the run)")
    .option("--no-csv", "leave draws.csv out")
    .option("--format <names>", "more files in the folder: netcdf (ArviZ), cmdstan", collect)
    .option("--json", "print the summary as JSON and nothing else")
    .action(async (directory, options) => {
      const { resumeCommand } = await import("./resume.js");
      done(await resumeCommand(directory, options));
    });
  tilde
    .command("plot")
    .description("draw a saved fit: in the terminal, or as an SVG, PNG or HTML file")
    .usage("<dir> [options]")
    .argument("<dir>", "the folder of `tilde run --out`")
    .option("--kind <name>", pictureList)
    .option("--vars <names>", "comma-separated variables and elements to show")
    .option("--format <name>", "text, svg, png or html (default: text, or as --out ends)")
    .option("--out <file>", "write the picture there")
    .action(async (directory, options) => {
      const { plotCommand } = await import("./plot.js");
      done(await plotCommand(directory, options));
    });
  tilde
    .command("ppc")
    .description("posterior predictive checks of a saved fit, or of a model fitted by nuts")
    .usage("<dir or file.ppl> [options]")
    .argument("[fit]", "the folder of `tilde run --out`, or a .ppl file")
    .option("--model <name>", "which model of the file")
    .option(...dataOption)
    .option("--seed <n>", "seed of the random numbers", wholeNumber, 1)
    .option("--vars <names>", "comma-separated observed sites (default: all)")
    .option("--format <name>", "text, svg, png or html (default: text, or as --out ends)")
    .option("--out <file>", "write the picture there")
    .option("--json", "print the statistics as JSON and nothing else")
    .action(async (given, flags, command) => {
      const [fit, options] = withModel(command, given, flags);
      const { ppcCommand } = await import("./ppc.js");
      done(await ppcCommand(fit, options));
    });
  tilde
    .command("compare")
    .description("compare saved fits of models to the same data by leave-one-out")
    .usage("<dir...> [options]")
    .argument("<dir...>", "folders of `tilde run --out`")
    .option("--vars <names>", "comma-separated observed sites that count (default: all)")
    .option("--json", "print the comparison as JSON and nothing else")
    .addHelpText("after", "\nExit codes: 0 good, 1 error, 2 some figures are unreliable.")
    .action(async (directories, options) => {
      const { compareCommand } = await import("./compare.js");
      done(await compareCommand(directories, options));
    });
  tilde
    .command("check")
    .description("report every error of a file")
    .usage("<file.ppl...> [options]")
    .argument("<file...>", ".ppl files")
    .option("--json", "print the diagnostics as JSON")
    .action(async (files, options) => {
      const { checkCommand } = await import("./check.js");
      done(await checkCommand(files, options));
    });
  tilde
    .command("explain")
    .description("show how a model and its data would be treated: sites, sums, memory, work")
    .usage("<file.ppl> [options]")
    .argument("[file]", "a .ppl file")
    .option("--model <name>", "which model of the file")
    .option(...dataOption)
    .option("--method <name>", "explain what this method does (default: nuts)")
    .option("--guide <name>", "guide of svi")
    .option("--objective <name>", "objective of svi: elbo, iwae(5), …")
    .option("--option <key=value>", "an option of svi or nce; lists and objects as JSON", collect)
    .option("--json", "print the plan as JSON")
    .action(async (given, flags, command) => {
      const [file, options] = withModel(command, given, flags);
      const { explainCommand } = await import("./explain.js");
      done(await explainCommand(file, options));
    });
  tilde
    .command("sbc")
    .description("check a method on a model by simulation-based calibration")
    .usage("<file.ppl> [options]")
    .argument("[file]", "a .ppl file")
    .option("--model <name>", "which model of the file")
    .option(...dataOption)
    .option("--observed <names>", "comma-separated sites that are data (default: those in --data)")
    .option("--replications <n>", "simulated data sets (default 200)", wholeNumber)
    .option("--ranked <n>", "draws that each rank is taken among (default 63)", wholeNumber)
    .option("--method <name>", "a method that draws from the posterior", "nuts")
    .option("--chains <n>", "chains (default 1)", wholeNumber)
    .option("--warmup <n>", "warmup iterations of each chain", wholeNumber)
    .option("--draws <n>", "kept draws of each chain", wholeNumber)
    .option("--thin <n>", "keep every n-th draw", wholeNumber)
    .option("--seed <n>", "seed of the random numbers", wholeNumber, 1)
    .option("--target-accept <p>", "acceptance rate that the step size is adapted to", decimal)
    .option("--json", "print the result as JSON")
    .action(async (given, flags, command) => {
      const [file, options] = withModel(command, given, flags);
      const { sbcCommand } = await import("./sbc.js");
      done(await sbcCommand(file, options));
    });
  tilde
    .command("fmt")
    .description("format a file in place")
    .usage("<file.ppl...> [options]")
    .argument("<file...>", ".ppl files")
    .option("--check", "change nothing; exit 1 where a file is not formatted")
    .option("--stdout", "print the formatted text instead of writing it")
    .action(async (files, options) => {
      const { formatCommand } = await import("./fmt.js");
      done(await formatCommand(files, options));
    });
  tilde
    .command("compile")
    .description("show what a model becomes, stage by stage")
    .usage("<file.ppl> [options]")
    .argument("[file]", "a .ppl file")
    .option("--model <name>", "which model of the file")
    .option(...dataOption)
    .option("--dump <stage>", "tokens, ast, model, graph, grad, kernel, wat or wgsl", "model")
    .action(async (given, flags, command) => {
      const [file, options] = withModel(command, given, flags);
      const { compileCommand } = await import("./compile.js");
      done(await compileCommand(file, options));
    });
  tilde
    .command("devices")
    .description("list what there is to compute on, with versions, limits and a measured line each")
    .option("--json", "print the list as JSON")
    .action(async (options) => {
      const { devicesCommand } = await import("./devices.js");
      done(await devicesCommand(options));
    });
  tilde
    .command("repl")
    .description("an interactive session: define, fit, ask; or a script from --eval or a pipe")
    .usage("[file...] [options]")
    .argument("[file...]", ".ppl files, data and saved sessions to load first")
    .option("-e, --eval <text>", "run this and leave; may be given again", collect)
    .action(async (files, options) => {
      const { replCommand } = await import("./repl/command.js");
      done(await replCommand(files, options));
    });
  for (const command of tilde.commands) {
    command.showHelpAfterError(`(tilde ${command.name()} --help lists the options)`).exitOverride();
  }
  return tilde;
}

/** A reader that has had enough (`tilde … | head`) is no error; a full disk is. */
function stopWriting(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(0);
  process.stderr.write(`cannot write to the standard output: ${error.message}\n`);
  process.exit(1);
}

/** Runs the command line and sets the process's exit code. Never prints a stack trace. */
export async function main(argv: readonly string[]): Promise<void> {
  if (!process.stdout.listeners("error").includes(stopWriting)) {
    process.stdout.on("error", stopWriting);
    // Where nobody reads the warnings, the results are still due.
    process.stderr.on("error", () => {});
  }
  try {
    await program((code) => {
      process.exitCode = code;
    }).parseAsync([...argv]);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 1;
      return;
    }
    process.exitCode = reportFailure(error);
  }
}
