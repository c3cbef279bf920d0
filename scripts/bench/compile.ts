/**
 * Source text to a callable gradient, eight schools, in a warm process: the time of the whole way
 * and of its stages, each a median over repeats. Sampler code is not part of it.
 */
import { compileKernels, createMemory, instantiate } from "../../src/device/cpu/compile.js";
import { elaborate } from "../../src/elaborate/index.js";
import { compileDensity, conditionRaw, selectModel } from "../../src/run/compile.js";
import { loadImport } from "../../src/run/sources.js";
import { parseSource } from "../../src/syntax/parse.js";
import { type Figure, least, median, milliseconds } from "./figures.js";
import { eightSchools, type Program } from "./models.js";

const WARM_UP = 60;
const REPEATS = 50;
const TARGET_MS = 15;

/** Milliseconds of each stage of one compilation, in order. */
function stages(program: Program): Map<string, number> {
  const times = new Map<string, number>();
  let last = performance.now();
  const mark = (stage: string): void => {
    const now = performance.now();
    times.set(stage, now - last);
    last = now;
  };
  const { ast, diagnostics: problems } = parseSource(program);
  mark("parse");
  const { models, diagnostics } = elaborate(ast, { loadImport });
  const checked = { ast, models, diagnostics: [...problems, ...diagnostics] };
  const model = selectModel(checked, program);
  mark("elaborate");
  const conditioned = conditionRaw(model, program.data);
  mark("condition");
  const { kernels } = compileDensity(conditioned, {
    methodName: "nuts",
    record: (stage) => mark(stage === "graph" ? "log joint" : "gradient"),
  });
  mark("lower");
  const compiled = compileKernels(kernels);
  mark("WebAssembly");
  const instance = instantiate(compiled, createMemory(compiled, 1), 0);
  if (Number.isNaN(instance.call("lp_grad"))) throw new Error("not a number");
  mark("instantiate");
  return times;
}

export function compileFigures(program: Program = eightSchools(), repeats = REPEATS): Figure[] {
  const warmUp = Array.from({ length: WARM_UP }, () => milliseconds(() => stages(program)));
  const runs = Array.from({ length: repeats }, () => stages(program));
  const total = runs.map((run) => [...run.values()].reduce((a, b) => a + b, 0));
  // How warm "warm" has to be: the first compilation here, and the median of the next ten.
  const parts: Record<string, number> = {
    first_ms: warmUp[0],
    next_ten_ms: median(warmUp.slice(1, 11)),
  };
  for (const stage of runs[0].keys()) {
    parts[`${stage.replaceAll(" ", "_")}_ms`] = median(runs.map((run) => run.get(stage) ?? 0));
  }
  // Less than the median of the whole where other processes interrupt most compilations.
  parts.stages_ms = [...runs[0].keys()]
    .map((stage) => median(runs.map((run) => run.get(stage) ?? 0)))
    .reduce((a, b) => a + b, 0);
  return [
    {
      figure: "text to callable gradient, eight schools, warm",
      unit: "ms",
      median: median(total),
      min: least(total),
      target: TARGET_MS,
      bound: "at most",
      parts,
    },
  ];
}
