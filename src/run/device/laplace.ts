/** The Laplace approximation's passes over the data on a device: its Hessian, and densities of draws. */
import { TildeError } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { GraphDevice } from "../../device/contract.js";
import { batch } from "../../passes/batch/index.js";
import { gradient } from "../../passes/grad/index.js";
import { SimplifyingBuilder, simplify } from "../../passes/simplify/index.js";
import type { Graph, InputNode, Node } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import { substitute } from "../../tensor/transform.js";
import { topological } from "../../tensor/traverse.js";

/** Rows of a call, at most. */
const MOST_ROWS = 256;

/** As many rows at once as keep the device busy and fit in it. */
function rowsFor({ room }: GraphDevice, node: Node, wanted: number): number {
  const widest = topological([node]).reduce((most, n) => {
    return n.op === "const" ? most : Math.max(most, sizeOf(n.shape));
  }, 1);
  return Math.max(1, Math.min(wanted, MOST_ROWS, Math.floor(room / widest)));
}

function outputOf(density: Graph, name: string): Node {
  const found = density.outputs.find((o) => o.name === name)?.node;
  return found ?? internalError(`no output ${name}`);
}

/**
 * The negative Hessian at `mode`, row-major and symmetric: the gradient of ⟨gradient, v⟩ for every
 * unit vector v, many at once. There are no differences in it, which single precision would not bear.
 * @param density outputs `grad` of its one input
 * @throws TildeError `gradient_unsupported` where the gradient has no derivative here
 */
export async function hessianOn(
  device: GraphDevice,
  density: Graph,
  mode: Float64Array,
): Promise<Float64Array> {
  const d = mode.length;
  const own = new SimplifyingBuilder();
  const q = own.input("q", [d]);
  const v = own.input("v", [d]);
  const given = new Map<Node, Node>([[density.inputs[0], q]]);
  const [slope] = substitute(own, [outputOf(density, "grad")], given);
  const [curved] = gradient(own, own.sum(own.mul(slope, v)), [q]);
  const rows = rowsFor(device, curved, d);
  const g = new SimplifyingBuilder();
  const at = g.input("q", [d]);
  const directions = g.input("directions", [rows, d]);
  const items = new Map<InputNode, Node>([[own.requireInput("v"), directions]]);
  const shared = new Map<InputNode, Node>([[own.requireInput("q"), at]]);
  const [node] = batch(g, [curved], rows, items, shared);
  const program = await device.compileGraph(
    simplify({ inputs: g.inputs, outputs: [{ name: "curved", node }] }),
  );
  try {
    const hessian = new Float64Array(d * d);
    for (let from = 0; from < d; from += rows) {
      const unit = new Float64Array(rows * d);
      const count = Math.min(rows, d - from);
      for (let r = 0; r < count; r++) unit[r * d + from + r] = 1;
      const found = await program.run({ q: mode, directions: unit });
      hessian.set(found.curved.subarray(0, count * d), from * d);
    }
    for (let i = 0; i < d; i++) {
      for (let j = 0; j <= i; j++) {
        const mean = -0.5 * (hessian[i * d + j] + hessian[j * d + i]);
        hessian[i * d + j] = mean;
        hessian[j * d + i] = mean;
      }
    }
    return hessian;
  } finally {
    program.close();
  }
}

/** The same, or undefined where the gradient has no derivative here. */
export async function hessianIfKnown(
  device: GraphDevice,
  density: Graph,
  mode: Float64Array,
): Promise<Float64Array | undefined> {
  try {
    return await hessianOn(device, density, mode);
  } catch (error) {
    const isUnknown =
      error instanceof TildeError && error.diagnostics[0].code === "gradient_unsupported";
    if (isUnknown) return undefined;
    throw error;
  }
}

/** Log densities at the rows of `points`, `[count, dimension]`. */
export async function densitiesOn(
  device: GraphDevice,
  density: Graph,
  points: Float64Array,
): Promise<Float64Array> {
  const [q] = density.inputs;
  const [d] = q.shape;
  const count = points.length / d;
  const lp = outputOf(density, "lp");
  const rows = rowsFor(device, lp, count);
  const g = new SimplifyingBuilder();
  const all = g.input("q", [rows, d]);
  const [node] = batch(g, [lp], rows, new Map([[q, all]]));
  const program = await device.compileGraph(
    simplify({ inputs: [all], outputs: [{ name: "lp", node }] }),
  );
  try {
    const out = new Float64Array(count);
    const some = new Float64Array(rows * d);
    for (let from = 0; from < count; from += rows) {
      const here = points.subarray(from * d, Math.min(count, from + rows) * d);
      some.set(here);
      const found = await program.run({ q: some });
      out.set(found.lp.subarray(0, here.length / d), from);
    }
    return out;
  } finally {
    program.close();
  }
}
