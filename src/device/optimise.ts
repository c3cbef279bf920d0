/**
 * A step of stochastic gradient ascent as a graph, for `compileLoop`: what
 * src/inference/stochastic/adam.ts does as a kernel. Adam: Kingma & Ba (2015), algorithm 1,
 * ascending; averages: Polyak & Juditsky (1992).
 */
import { internalError } from "../base/internal.js";
import { simplify } from "../passes/simplify/index.js";
import { GraphBuilder } from "../tensor/builder.js";
import type { Graph, InputNode, Node } from "../tensor/ops.js";
import { substitute } from "../tensor/transform.js";
import { AT, MOST_RATES, settingsLength } from "./optimiser-settings.js";

export { type OptimiserSettings, optimiserSettings } from "./optimiser-settings.js";

const EPSILON = 1e-8;

/** One of several that take steps in turn, each with params, moments and steps of its own. */
export interface StepPlayer {
  readonly index: number;
  readonly count: number;
  /** The stretches `[from, to)` of the flat params that it moves. */
  readonly spans: readonly (readonly [number, number])[];
}

export interface OptimiserGraph {
  readonly graph: Graph;
  readonly state: Readonly<Record<string, string>>;
  /**
   * Outputs worth tracing: the objective; 1 for each step that was taken; the number of elements
   * from the first one on whose gradient is not finite to the last of all, 0 where all are.
   */
  readonly trace: readonly ["opt_value", "opt_taken", "opt_bad"];
}

/**
 * How iterates are averaged: not at all; as one running mean; or as the mean of each call's iterates
 * and the mean of these. A mean of very many numbers moves by less than single precision shows.
 */
export type Averages = "none" | "running" | "by_call";

/** What a player's moments are called. */
export function momentNames(player: number): readonly [string, string] {
  const ending = player === 0 ? "" : `.${player}`;
  return [`opt_first${ending}`, `opt_second${ending}`];
}

/** Elements of `opt_counts` before those of the players, which have one each. */
const COUNTS = { call: 0, steps: 1, stopped: 2, own: 3 } as const;

/** Length of the state `opt_counts`. */
export function countsLength(players: number): number {
  return COUNTS.own + players;
}

/**
 * Wraps a graph of an objective with its gradient. Adds the inputs `opt_settings` and the state
 * `opt_first`, `opt_second` (of further players see `momentNames`), `opt_average` (the mean of the
 * iterates; by calls, of those before the last one), `opt_recent` (by calls, the mean of its), `opt_before`
 * (the params before the last update), `opt_counts` (the call's number, its steps, 1 once stopped, the
 * steps of each player). From a step whose objective or gradient is not finite on, nothing changes any
 * more in a call. Further `state` of the objective stays beside it. With the rule `sgd` a step is one
 * of heavy-ball momentum (Polyak 1964).
 */
export function adamGraph(
  objective: Graph,
  names: {
    readonly value: string;
    readonly gradient: string;
    readonly params: string;
    readonly rule?: "adam" | "sgd";
    readonly state?: Readonly<Record<string, string>>;
    /** An output with other values of the params where `mask` is 1: those that no gradient moves. */
    readonly written?: { readonly output: string; readonly mask: Float64Array };
    /** An input of the objective that is to have the step size. */
    readonly rate?: string;
    readonly player?: StepPlayer;
    /** Absent: one running mean. */
    readonly averages?: Averages;
  },
): OptimiserGraph {
  const g = new GraphBuilder();
  const outputOf = (name: string): Node =>
    objective.outputs.find((o) => o.name === name)?.node ?? internalError(`no output ${name}`);
  const paramsInput =
    objective.inputs.find((n) => n.name === names.params) ?? internalError("no parameters");
  const { shape } = paramsInput;
  const length = shape.reduce((a, b) => a * b, 1);
  const player = names.player ?? { index: 0, count: 1, spans: [[0, length] as const] };
  const settings = g.input("opt_settings", [settingsLength(player.count)]);
  const counts = g.input("opt_counts", [countsLength(player.count)]);
  const scalar = (x: Node, k: number): Node => g.reshape(g.slice(x, [k], [1]), []);
  const setting = (k: number): Node => scalar(settings, k);
  // Where a call begins the counts of the one before are none of its own.
  const isNew = g.ne(scalar(counts, COUNTS.call), setting(AT.call));
  const counted = (k: number): Node => g.select(isNew, 0, scalar(counts, k));
  const done = counted(COUNTS.steps);
  // Half a step more: quotients of whole numbers are not exact on every device.
  const stretch = g.floor(g.div(g.add(g.add(done, setting(AT.offset)), 0.5), setting(AT.grain)));
  const isRate = g.eq(g.iota(MOST_RATES), g.broadcast(stretch, [MOST_RATES]));
  const rates = g.slice(settings, [AT.rates], [MOST_RATES]);
  const rate = g.sum(g.select(isRate, rates, g.zeros([MOST_RATES])));

  const own = new Map<Node, Node>(
    objective.inputs.map((n) => [
      n,
      n.name === names.rate ? rate : g.input(n.name, n.shape, n.dtype),
    ]),
  );
  const carried = Object.entries(names.state ?? {});
  const { written } = names;
  const [value, gradient, ...others] = substitute(
    g,
    [
      names.value,
      names.gradient,
      ...carried.map(([, output]) => output),
      ...(written === undefined ? [] : [written.output]),
    ].map(outputOf),
    own,
  );
  const carriedNext = others.slice(0, carried.length);
  const params = own.get(paramsInput) ?? internalError("no parameters");
  const flatParams = g.reshape(params, [length]);
  const flat = g.reshape(gradient, [length]);
  const part = (x: Node): Node =>
    g.concat(
      player.spans.map(([from, to]) => g.slice(x, [from], [to - from])),
      0,
    );
  const mine = part(flat);
  const [width] = mine.shape;
  const [firstName, secondName] = momentNames(player.index);
  const isWhole = width === length;
  // Those of all params have the params' shape.
  const momentShape = isWhole ? shape : [width];
  const [first, second] = [firstName, secondName].map((n) => g.input(n, momentShape));
  const before = g.input("opt_before", shape);
  const [beta1, beta2] = [setting(AT.beta1), setting(AT.beta2)];
  const over = (x: Node, to: readonly number[] = [width]): Node => g.broadcast(x, to);

  // By the largest element: squares of large gradients would overflow.
  const largest = g.max(g.reduce("max", g.abs(mine), [0]), 1e-30);
  const norm = g.mul(largest, g.sqrt(g.sum(g.square(g.div(mine, largest)))));
  const finite = g.and(
    g.lt(g.abs(value), g.constant(Number.POSITIVE_INFINITY)),
    g.lt(norm, g.constant(Number.POSITIVE_INFINITY)),
  );
  const taken = g.and(finite, g.eq(counted(COUNTS.stopped), 0));
  const clip = setting(AT.clip);
  const isLong = g.and(g.lt(0, clip), g.lt(clip, norm));
  const scaled = g.mul(mine, over(g.select(isLong, g.div(clip, norm), 1)));
  const isAdam = names.rule !== "sgd";
  const flatOf = (x: Node): Node => g.reshape(x, [width]);
  const weight = isAdam ? g.mul(over(setting(AT.rest1)), scaled) : scaled;
  const moved = g.add(g.mul(over(beta1), flatOf(first)), weight);
  const speed = g.add(
    g.mul(over(beta2), flatOf(second)),
    g.mul(over(setting(AT.rest2)), g.square(scaled)),
  );
  const steps = g.add(counted(COUNTS.own + player.index), 1);
  // 1 − βᵗ
  const share = (moment: 0 | 1): Node => {
    const log = setting(moment === 0 ? AT.log1 : AT.log2);
    const earlier = setting(AT.before + 2 * player.index + moment);
    return g.neg(g.expm1(g.add(earlier, g.mul(steps, log))));
  };
  const top = g.mul(over(isAdam ? g.div(rate, share(0)) : rate), moved);
  const root = g.sqrt(g.div(speed, over(share(1))));
  const climbed = g.add(part(flatParams), isAdam ? g.div(top, g.add(root, EPSILON)) : top);
  const ended = writtenOver(climbed);
  const next = g.reshape(put(ended), shape);

  /** Params that the graph writes itself. Steps of size 0 are no steps: estimates are made by them. */
  function writtenOver(now: Node): Node {
    if (written === undefined) return now;
    const mask = part(g.constant(written.mask, [length]));
    const isWritten = g.and(g.ne(mask, 0), over(g.ne(rate, 0)));
    return g.select(isWritten, part(g.reshape(others[carried.length], [length])), now);
  }
  /** The params with those of this player in their places. */
  function put(values: Node): Node {
    if (isWhole) return values;
    const pieces: Node[] = [];
    const add = (x: Node, from: number, size: number): void => {
      if (size > 0) pieces.push(g.slice(x, [from], [size]));
    };
    let [at, from] = [0, 0];
    for (const [start, end] of player.spans) {
      add(flatParams, at, start - at);
      add(values, from, end - start);
      [at, from] = [end, from + end - start];
    }
    add(flatParams, at, length - at);
    return g.concat(pieces, 0);
  }

  const keep = (now: Node, then: Node): Node =>
    g.select(now.shape.length === 0 ? taken : g.broadcast(taken, now.shape), then, now);
  const isBad = g.not(g.lt(g.abs(flat), g.full([length], Number.POSITIVE_INFINITY)));
  const fromHere = g.sub(g.full([length], length), g.iota(length));
  const bad = g.select(isBad, fromHere, g.zeros([length]));
  const ownCounts = Array.from({ length: player.count }, (_, k) => {
    const count = counted(COUNTS.own + k);
    return k === player.index ? keep(count, steps) : count;
  });
  const means = meansOf(g, names.averages ?? "running", {
    ...{ next, settings: { averaging: setting(AT.averaging), share: setting(AT.share) } },
    ...{ averaged: setting(AT.averaged), done, isNew, taken },
  });
  const outputs = {
    opt_value: value,
    opt_taken: taken,
    opt_bad: g.reduce("max", g.concat([g.zeros([1]), bad], 0), [0]),
    next_params: keep(params, next),
    [`next_${firstName}`]: keep(first, g.reshape(moved, momentShape)),
    [`next_${secondName}`]: keep(second, g.reshape(speed, momentShape)),
    next_before: keep(before, params),
    ...means.outputs,
    next_counts: g.stack([
      setting(AT.call),
      keep(done, g.add(done, 1)),
      g.select(taken, 0, 1),
      ...ownCounts,
    ]),
    ...Object.fromEntries(carried.map(([, output], k) => [output, carriedNext[k]])),
  };
  const inputs = new Set([...own.values()].filter((n): n is InputNode => n.op === "input"));
  const graph = simplify({
    inputs: [...inputs, settings, first, second, ...means.inputs, before, counts],
    outputs: Object.entries(outputs).map(([name, node]) => ({ name, node })),
  });
  return {
    graph,
    trace: ["opt_value", "opt_taken", "opt_bad"],
    state: {
      [names.params]: "next_params",
      [firstName]: `next_${firstName}`,
      [secondName]: `next_${secondName}`,
      ...means.state,
      opt_before: "next_before",
      opt_counts: "next_counts",
      ...names.state,
    },
  };
}

/** The means of iterates, `next` among them where one is taken while averaging. */
function meansOf(
  g: GraphBuilder,
  kind: Averages,
  of: {
    readonly next: Node;
    readonly settings: { readonly averaging: Node; readonly share: Node };
    /** Iterates in the mean before the call, and steps of the call before this one. */
    readonly averaged: Node;
    readonly done: Node;
    readonly isNew: Node;
    readonly taken: Node;
  },
): {
  readonly inputs: readonly InputNode[];
  readonly outputs: Readonly<Record<string, Node>>;
  readonly state: Readonly<Record<string, string>>;
} {
  if (kind === "none") return { inputs: [], outputs: {}, state: {} };
  const { next, settings, averaged, done, isNew, taken } = of;
  const { shape } = next;
  const over = (x: Node): Node => g.broadcast(x, shape);
  const isAveraging = g.and(taken, g.ne(settings.averaging, 0));
  const average = g.input("opt_average", shape);
  const moved = (mean: Node, count: Node): Node =>
    g.add(mean, g.div(g.sub(next, mean), over(count)));
  const state = { opt_average: "next_average" };
  if (kind === "running") {
    // What an earlier average left behind is none of one that begins.
    const count = g.add(g.add(averaged, done), 1);
    const mean = g.select(over(g.eq(count, 1)), next, moved(average, count));
    const outputs = { next_average: g.select(over(isAveraging), mean, average) };
    return { inputs: [average], outputs, state };
  }
  const recent = g.input("opt_recent", shape);
  const begins = g.and(isAveraging, isNew);
  const { share } = settings;
  const merged = g.select(
    over(g.eq(share, 1)),
    recent,
    g.add(average, g.mul(over(share), g.sub(recent, average))),
  );
  const now = g.select(over(begins), next, moved(recent, g.add(done, 1)));
  return {
    inputs: [average, recent],
    outputs: {
      next_average: g.select(over(g.and(begins, g.ne(share, 0))), merged, average),
      next_recent: g.select(over(isAveraging), now, recent),
    },
    state: { ...state, opt_recent: "next_recent" },
  };
}
