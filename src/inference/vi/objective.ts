/**
 * The evidence lower bound of a guide as one kernel: log p(z) − log q(z) at z = f(φ, ε), averaged
 * over a few draws, with its gradient in φ (Kingma & Welling 2014; Rezende et al. 2014).
 */
import type { Buffer, KernelModule } from "../../kernel/ir.js";
import { collapse } from "../../passes/collapse/index.js";
import { withGradient } from "../../passes/grad/index.js";
import { ConstantPool, lowerGraph, type ProductPrecision } from "../../passes/lower/index.js";
import { SimplifyingBuilder, simplify } from "../../passes/simplify/index.js";
import { GraphBuilder } from "../../tensor/builder.js";
import type { Graph, InputNode, Node } from "../../tensor/ops.js";
import { substitute } from "../../tensor/transform.js";
import type { KernelInstance } from "../contract.js";
import type { LogJoint } from "../logjoint/index.js";
import { noiseRoom } from "../stochastic/noise.js";
import type { Guide } from "./guides/index.js";

/**
 * Coordinates of the guide: z = center + factor u. They are held in buffers, so that one module
 * serves every start.
 */
export interface Whitening {
  readonly center: Float64Array;
  /** One a coordinate, or a whole lower factor, row-major. */
  readonly factor: Float64Array;
}

/** One scale a coordinate, or a whole factor. */
export type WhiteningKind = "diagonal" | "whole";

/** Puts coordinates into a module's buffers. */
export function setWhitening(instance: KernelInstance, { center, factor }: Whitening): void {
  const d = center.length;
  const to = instance.f64("factor");
  const wanted = to.length;
  instance.f64("center").set(center);
  if (factor.length === wanted) to.set(factor);
  else {
    to.fill(0);
    for (let i = 0; i < d; i++) to[i * (d + 1)] = factor[i];
  }
  let logRoot = 0;
  for (let i = 0; i < d; i++) logRoot += Math.log(to[wanted > d ? i * (d + 1) : i]);
  instance.f64("log_root")[0] = logRoot;
}

/**
 * Functions `bound` (the estimate; gradient in `dphi`) and `draw` (one draw: `z`, and `log_p`,
 * `log_q` in `densities`; `constrained`), over the buffers `phi` and `eps`.
 */
export function boundKernels(
  joint: LogJoint,
  guide: Guide,
  whitening: WhiteningKind,
  samples: number,
  products: ProductPrecision = "f64",
): KernelModule {
  const pool = new ConstantPool();
  const room = noiseRoom(samples * guide.noise);
  const d = joint.dimension;
  const buffersOf = { center: "center", factor: "factor", log_root: "log_root" };

  const draw = (): Graph => {
    const g = new GraphBuilder();
    const phi = g.input("phi", [guide.params]);
    const eps = g.input("eps", [room]);
    const coordinates = coordinatesOf(g, d, whitening);
    const own = g.slice(eps, [0], [guide.noise]);
    const { z, logDensity } = inCoordinates(g, coordinates, guide.build(g, phi, phi, own));
    const [lp, constrained] = substitute(
      g,
      [joint.logDensity, joint.constrained],
      new Map([[joint.q, z]]),
    );
    return simplify({
      inputs: [phi, eps, ...Object.values(coordinates)],
      outputs: [
        { name: "densities", node: g.stack([lp, logDensity]) },
        { name: "constrained", node: constrained },
      ],
    });
  };
  const parts = [
    lowerGraph(boundGraph(joint, guide, whitening, samples), {
      name: "bound",
      result: "bound",
      inputs: { phi: "phi", frozen: "phi", eps: "eps", ...buffersOf },
      outputs: { dphi: "dphi" },
      constants: pool,
      products,
    }),
    lowerGraph(draw(), {
      name: "draw",
      inputs: { phi: "phi", eps: "eps", ...buffersOf },
      outputs: { densities: "densities", constrained: "constrained" },
      constants: pool,
    }),
  ];
  return {
    buffers: [
      workspace("phi", guide.params),
      workspace("dphi", guide.params),
      workspace("eps", room),
      workspace("densities", 2),
      workspace("center", d),
      workspace("factor", whitening === "whole" ? d * d : d),
      workspace("log_root", 1),
      workspace("constrained", joint.constrained.shape[0]),
      ...pool.buffers(),
      ...pool.scratchBuffers(),
    ],
    functions: parts.flatMap((p) => p.functions),
  };
}

/**
 * The estimate `bound` and its gradient `dphi`. Inputs: `phi`; `frozen`, which is φ again, through
 * which no gradient goes; `eps`, the draws' noise one after the other; `center`, `factor`, `log_root`.
 */
export function boundGraph(
  joint: LogJoint,
  guide: Guide,
  whitening: WhiteningKind,
  samples: number,
): Graph {
  const density = collapse(
    simplify({ inputs: [joint.q], outputs: [{ name: "lp", node: joint.logDensity }] }),
  );
  const g = new GraphBuilder();
  const phi = g.input("phi", [guide.params]);
  const frozen = g.input("frozen", [guide.params]);
  const eps = g.input("eps", [noiseRoom(samples * guide.noise)]);
  const coordinates = coordinatesOf(g, joint.dimension, whitening);
  let sum: Node = g.constant(0);
  for (let s = 0; s < samples; s++) {
    const own = g.slice(eps, [s * guide.noise], [guide.noise]);
    const { z, logDensity } = inCoordinates(g, coordinates, guide.build(g, phi, frozen, own));
    const [lp] = substitute(g, [density.outputs[0].node], new Map([[density.inputs[0], z]]));
    sum = g.add(sum, g.sub(lp, logDensity));
  }
  const node = g.mul(1 / samples, sum);
  const inputs = [phi, frozen, eps, ...Object.values(coordinates)];
  const graph = simplify({ inputs, outputs: [{ name: "bound", node }] });
  return simplify(withGradient(graph, "bound", { phi: "dphi" }, new SimplifyingBuilder()));
}

function coordinatesOf(g: GraphBuilder, d: number, whitening: WhiteningKind): Coordinates {
  return {
    center: g.input("center", [d]),
    factor: g.input("factor", whitening === "whole" ? [d, d] : [d]),
    logRoot: g.input("log_root", [1]),
  };
}

interface Coordinates {
  readonly center: InputNode;
  readonly factor: InputNode;
  readonly logRoot: InputNode;
}

function inCoordinates(
  g: GraphBuilder,
  { center, factor, logRoot }: Coordinates,
  drawn: { readonly z: Node; readonly logDensity: Node },
): { readonly z: Node; readonly logDensity: Node } {
  const moved = factor.shape.length === 2 ? g.matvec(factor, drawn.z) : g.mul(factor, drawn.z);
  return {
    z: g.add(center, moved),
    logDensity: g.sub(drawn.logDensity, g.reshape(logRoot, [])),
  };
}

function workspace(name: string, length: number): Buffer {
  return { name, element: "f64", length, region: "workspace" };
}
