/**
 * The TensorFlow device, where it is at hand (TILDE_TENSORFLOW names its folder): the time of a call
 * for value and gradient, and of a step inside a call of many, against the CPU device. Run by hand:
 *   npx tsc -p tsconfig.bench.json && node dist/scripts/bench/tensorflow.js
 */
import type { GraphDevice } from "../../src/device/contract.js";
import { adamGraph, optimiserSettings } from "../../src/device/optimise.js";
import { openTensorFlow } from "../../src/device/tensorflow/index.js";
import { buildLogJoint } from "../../src/inference/logjoint/index.js";
import { collapse } from "../../src/passes/collapse/index.js";
import { withGradient } from "../../src/passes/grad/index.js";
import { SimplifyingBuilder, simplify } from "../../src/passes/simplify/index.js";
import { checkSource, conditionRaw, selectModel } from "../../src/run/compile.js";
import type { Graph } from "../../src/tensor/ops.js";
import { median } from "./figures.js";
import { eightSchools, gradientOf, logistic, type Program } from "./models.js";

const BATCHES = 31;
/** Batches end after so long, in milliseconds. */
const ENOUGH = 3000;

function graphOf(program: Program): { readonly graph: Graph; readonly q: string } {
  const model = selectModel(checkSource(program), program);
  const joint = buildLogJoint(conditionRaw(model, program.data), "nuts");
  const lp = { inputs: [joint.q], outputs: [{ name: "lp", node: joint.logDensity }] };
  const density = collapse(simplify(lp));
  const q = joint.q.name;
  const graph = simplify(withGradient(density, "lp", { [q]: "dq" }, new SimplifyingBuilder()));
  return { graph, q };
}

/** Microseconds of one of `calls` calls, median of the batches. */
async function microseconds(calls: number, f: () => unknown): Promise<number> {
  const times: number[] = [];
  const begin = performance.now();
  for (let batch = 0; batch < BATCHES && performance.now() - begin < ENOUGH; batch++) {
    const start = performance.now();
    for (let k = 0; k < calls; k++) await f();
    times.push(((performance.now() - start) * 1000) / calls);
  }
  return median(times);
}

async function row(device: GraphDevice, name: string, program: Program): Promise<string> {
  const start = performance.now();
  const { graph, q } = graphOf(program);
  const compiled = await device.compileGraph(graph);
  const at = new Float64Array(graph.inputs[0].shape[0]).fill(0.1);
  await compiled.run({ [q]: at });
  const ready = performance.now() - start;
  const call = await microseconds(20, () => compiled.run({ [q]: at }));
  compiled.close();

  const k = 200;
  const step = adamGraph(graph, { value: "lp", gradient: "dq", params: q });
  const loop = await device.compileLoop({ ...step, noise: [], mostSteps: k });
  const settings = { rate: 0.001, clip: 0, averaging: false, beta1: 0.9, beta2: 0.999 };
  loop.set({ opt_settings: optimiserSettings(settings) });
  await loop.steps(0, k);
  const steps = (await microseconds(1, () => loop.steps(0, k))) / k;
  loop.close();

  const cpu = gradientOf(program);
  cpu.q.fill(0.1);
  const onCpu = await microseconds(20, () => cpu.call());
  const cells = [ready / 1000, call, steps, onCpu].map((x) => x.toPrecision(3));
  return `| ${name}, ${device.precision} | ${cells.join(" | ")} |`;
}

console.log(
  "| model | text to first result, s | call, µs | Adam step of 200, µs | CPU gradient, µs |",
);
console.log("|---|---|---|---|---|");
for (const precision of ["f64", "f32"] as const) {
  const device = await openTensorFlow({ precision });
  const cases: readonly (readonly [string, Program])[] = [
    ["eight schools", eightSchools()],
    ["logistic 1000 × 10", logistic(1000, 10).program],
    ["logistic 100 000 × 10", logistic(100_000, 10).program],
    ["logistic 100 000 × 100", logistic(100_000, 100).program],
  ];
  for (const [name, program] of cases) console.log(await row(device, name, program));
  device.close();
}
