/** Density and gradient of a case as one graph on a device, against the evaluator. */
import type { GraphDevice } from "../../src/device/contract.js";
import { buildLogJoint } from "../../src/inference/logjoint/index.js";
import { withGradient } from "../../src/passes/grad/index.js";
import { SimplifyingBuilder, simplify } from "../../src/passes/simplify/index.js";
import { openers } from "../../src/run/device/open.js";
import { evaluateGraph } from "../../src/tensor/evaluate.js";
import { type Case, conditionedOf, Finding } from "./case.js";
import { Choices } from "./choices.js";

/** Devices stay open: opening one takes longer than a check. */
const open = new Map<string, Promise<GraphDevice>>();

export async function checkDevice(c: Case, name: "tensorflow" | "webgpu"): Promise<void> {
  const joint = buildLogJoint(conditionedOf(c), "nuts");
  const density = { inputs: [joint.q], outputs: [{ name: "lp", node: joint.logDensity }] };
  const graph = simplify(
    withGradient(simplify(density), "lp", { q: "dq" }, new SimplifyingBuilder()),
  );
  if (joint.dimension === 0) return;
  const started = open.get(name) ?? openers[name]();
  open.set(name, started);
  const device = await started;
  const unit = device.precision === "f64" ? 2 ** -53 : 2 ** -24;
  const program = await device.compileGraph(graph);
  const random = new Choices(c.seed, 78);
  try {
    for (let k = 0; k < 2; k++) {
      const q = Float64Array.from({ length: joint.dimension }, () =>
        Math.fround(0.5 * random.normal()),
      );
      const exact = evaluateGraph(graph, { q });
      // How far rounding of the point itself moves the results.
      const moved = evaluateGraph(graph, {
        q: q.map((x, i) => x + (i % 2 === 0 ? 8 : -8) * unit * (1 + Math.abs(x))),
      });
      const found = await program.run({ q });
      compare("density", exact.lp, moved.lp, found.lp, unit);
      compare("gradient", exact.dq, moved.dq, found.dq, unit);
    }
  } finally {
    program.close();
  }
}

/** Each number to rounding of sums of the largest of them, with its own conditioning. */
function compare(
  what: string,
  exact: Float64Array,
  moved: Float64Array,
  found: Float64Array,
  unit: number,
): void {
  const largest = exact.reduce((m, x) => Math.max(m, Math.abs(x)), 1);
  if (!exact.every(Number.isFinite)) return;
  exact.forEach((x, i) => {
    const tolerance = 1e4 * unit * largest + 20 * Math.abs(moved[i] - x);
    if (!(Math.abs(found[i] - x) <= tolerance)) {
      throw new Finding(`${what}[${i}] is ${found[i]} on the device, ${x} by the evaluator`);
    }
  });
}
