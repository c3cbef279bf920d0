/** `tilde compile --dump STAGE`: what a model becomes on its way to code. */
import { DiagnosticSink, fail, TildeError } from "../base/diagnostic.js";
import { internalError } from "../base/internal.js";
import { nearestNames } from "../base/nearest.js";
import { emitModule } from "../device/cpu/emit.js";
import { printWat } from "../device/cpu/wat.js";
import { printWgsl } from "../device/webgpu/index.js";
import { printModule } from "../kernel/print.js";
import { printModel } from "../model/print.js";
import {
  checkSource,
  compileDensity,
  conditionRaw,
  type Stage,
  selectModel,
  stages,
} from "../run/compile.js";
import { loadDataFiles } from "../run/data/files.js";
import { loadSource } from "../run/sources.js";
import { printAst, printTokens } from "../syntax/print-ast.js";
import { tokenizeSource } from "../syntax/tokenize.js";
import type { Graph } from "../tensor/ops.js";
import { printGraph } from "../tensor/print.js";
import type { ExitCode } from "./exit-code.js";

interface CompileFlags {
  readonly model?: string;
  readonly data?: readonly string[];
  readonly dump: string;
}

export async function compileCommand(file: string, options: CompileFlags): Promise<ExitCode> {
  const stage = stages.find((s) => s === options.dump);
  if (stage === undefined) {
    const near = nearestNames(options.dump, stages);
    const wanted = `one of ${stages.join(", ")}${near.length > 0 ? ` (did you mean ${near[0]}?)` : ""}`;
    return fail("bad_option", undefined, { option: "--dump", value: options.dump, wanted });
  }
  process.stdout.write(`${(await dump(file, stage, options)).trimEnd()}\n`);
  return 0;
}

async function dump(file: string, stage: Stage, options: CompileFlags): Promise<string> {
  const source = await loadSource(file);
  if (stage === "tokens") {
    const sink = new DiagnosticSink();
    const { tokens } = tokenizeSource(source, sink);
    if (sink.hasErrors) throw new TildeError(sink.all);
    return printTokens(source, tokens);
  }
  const checked = checkSource(source);
  if (stage === "ast") {
    const syntax = checked.diagnostics.filter((d) => d.severity === "error");
    if (checked.models.size === 0 && syntax.length > 0) throw new TildeError(syntax);
    return printAst(checked.ast);
  }
  const model = selectModel(checked, source, options.model);
  // Without data the model as it is written; with data also what the data decides.
  if (stage === "model" && options.data === undefined) return printModel(model);
  const conditioned = conditionRaw(model, await loadDataFiles(options.data ?? []));
  if (stage === "model") return printModel(conditioned.model);
  let graphText = "";
  let gradient: Graph | undefined;
  const { kernels } = compileDensity(conditioned, {
    methodName: "nuts",
    record: (made, graph) => {
      if (made === stage) graphText = printGraph(graph);
      if (made === "grad") gradient = graph;
    },
  });
  switch (stage) {
    case "graph":
    case "grad":
      return graphText;
    case "kernel":
      return printModule(kernels);
    case "wat":
      return printWat(emitModule(kernels, {}).wasm);
    case "wgsl":
      return printWgsl(gradient ?? internalError("no gradient was recorded"));
  }
}
