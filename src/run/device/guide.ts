/** The automatic guides of `vi` on a device. */
import type { Diagnostic } from "../../base/diagnostic.js";
import type { GraphDevice, Precision } from "../../device/contract.js";
import type { KernelInstance } from "../../inference/contract.js";
import type { LogJoint } from "../../inference/logjoint/index.js";
import type { Climber } from "../../inference/stochastic/climber.js";
import { seedNoise } from "../../inference/stochastic/noise.js";
import type { Guide } from "../../inference/vi/guides/index.js";
import { boundGraph } from "../../inference/vi/objective.js";
import { SimplifyingBuilder } from "../../passes/simplify/index.js";
import type { Graph, Node } from "../../tensor/ops.js";
import { substitute } from "../../tensor/transform.js";
import type { Run } from "../context.js";
import type { Figure } from "../results/fit.js";
import { choiceFigures, choose, timed } from "./auto.js";
import { DeviceClimber } from "./climber.js";
import { guardPrecision, pointsAround, precisionOf } from "./guard.js";
import { deviceNoise } from "./noise.js";

/** Steps of one call: as many as a window of the bound has. */
const MOST_STEPS = 400;
/** Steps of the noise that no search takes. */
const GUARD_STEPS = 0x60000000;

interface GuideRequest {
  readonly joint: LogJoint;
  readonly guide: Guide;
  /** Whether the whitening is a whole factor. */
  readonly whole: boolean;
  readonly samples: number;
  /** Precision of matrix products, where the device has a choice. */
  readonly products: Precision;
  readonly seed: number | bigint;
  /** The CPU's kernels of the same bound, with the whitening and the first `phi`. */
  readonly instance: KernelInstance;
}

export interface GuideClimber<C extends Climber = Climber> {
  readonly on: C;
  readonly warnings: readonly Diagnostic[];
  readonly close: () => void;
}

/** The same with where it climbs, for the summary. */
export interface PlacedClimber extends GuideClimber {
  readonly figures: Readonly<Record<string, Figure>>;
}

/**
 * A climber on the run's device, on the one that is fastest where the choice is left open, or on the
 * CPU.
 */
export async function guideAnywhere(
  run: Run,
  request: GuideRequest,
  steps: number,
  onCpu: () => Climber,
): Promise<PlacedClimber> {
  const { device, shelf } = run;
  const there = async (on: GraphDevice): Promise<GuideClimber> => {
    const climber = await guideOn(on, request);
    run.checkpoint?.on(on.name);
    return climber;
  };
  if (device !== undefined) return { ...(await there(device)), figures: { device: device.name } };
  const here: GuideClimber = { on: onCpu(), warnings: [], close: () => {} };
  if (shelf === undefined) return { ...here, figures: {} };
  const seconds = timed(() => request.instance.call("bound"));
  // The guard is part of the measurement: a device that it refuses is no choice.
  const choice = await choose(shelf, seconds, steps, async (d) => {
    const trial = await guideOn(d, request);
    return await trial.on.stepSeconds().finally(trial.close);
  });
  const figures = choiceFigures(choice);
  if (choice.device === undefined) return { ...here, figures };
  return { ...(await there(choice.device)), figures };
}

/** A climber at the instance's `phi` on the device. @throws TildeError `device_imprecise` */
export async function guideOn(
  device: GraphDevice,
  request: GuideRequest,
): Promise<GuideClimber<DeviceClimber>> {
  const { joint, guide, whole, samples, seed, instance } = request;
  const graph = thawed(boundGraph(joint, guide, whole ? "whole" : "diagonal", samples));
  const isRead = new Set(graph.inputs.map((n) => n.name));
  const whitening = ["center", "factor", "log_root"].filter((name) => isRead.has(name));
  const climber = await DeviceClimber.create(
    device,
    {
      graph,
      names: { value: "bound", gradient: "dphi", params: "phi" },
      noise: deviceNoise([
        { buffer: "eps", length: samples * guide.noise, law: { kind: "normal" } },
      ]),
      state: {},
      rule: "adam",
      products: request.products,
      data: Object.fromEntries(whitening.map((name) => [name, instance.f64(name).slice()])),
      initial: {},
    },
    MOST_STEPS,
  );
  const phi = instance.f64("phi").slice();
  try {
    climber.seed(seed);
    seedNoise(instance.i32("mc_key"), seed, 0);
    const warnings = await guardPrecision(
      precisionOf(device, request.products),
      pointsAround(phi, seed),
      (point, k) => {
        instance.f64("phi").set(point);
        instance.call("noise", GUARD_STEPS + k);
        const lp = instance.call("bound");
        return { lp, gradient: instance.f64("dphi").slice() };
      },
      (point, k) => climber.gradientAt(point, GUARD_STEPS + k),
      "objective",
    );
    climber.restart();
    climber.setParams(phi);
    return { on: climber, warnings, close: () => climber.close() };
  } catch (error) {
    climber.close();
    throw error;
  } finally {
    instance.f64("phi").set(phi);
  }
}

/** The bound with `frozen` as what it is, φ again, now that the gradient is taken. */
function thawed(graph: Graph): Graph {
  const g = new SimplifyingBuilder();
  const own = new Map<Node, Node>(
    graph.inputs.map((n) => [n, g.input(n.name === "frozen" ? "phi" : n.name, n.shape)]),
  );
  const nodes = substitute(
    g,
    graph.outputs.map((o) => o.node),
    own,
  );
  return {
    inputs: g.inputs,
    outputs: graph.outputs.map((o, k) => ({ name: o.name, node: nodes[k] })),
  };
}
