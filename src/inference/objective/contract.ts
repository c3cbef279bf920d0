/**
 * What building an objective gives: one graph from parameters and noise to the value and its
 * gradient, with the layout of its inputs. A driver draws the noise, evaluates, and steps.
 */
import type { DataSet, DataValue } from "../../model/data.js";
import type { Model, Support } from "../../model/ir.js";
import type { Estimate, EstimateKind } from "../../model/objective.js";
import type { StrategyKind } from "../../model/strategy.js";
import type { Graph, Node } from "../../tensor/ops.js";

/** The law of each element of a noise input, independent of all others. */
export type NoiseLaw =
  | "normal" // N(0, 1)
  | "uniform"; // on (0, 1), both ends excluded

/** Random numbers that the driver draws afresh for every evaluation. */
export interface NoiseInput {
  readonly name: string;
  readonly law: NoiseLaw;
  readonly dims: readonly number[];
}

/** A param of a program: a stretch of the flat vector `theta`. */
export interface ParamSlot {
  /** `decode.layers.0.w`; params of other programs than the model carry the program's name first. */
  readonly name: string;
  /** The program's name and the param's own there. */
  readonly program: string;
  readonly param: string;
  readonly dims: readonly number[];
  readonly support: Support;
  /** Where its unconstrained numbers stand in `theta`. */
  readonly offset: number;
  readonly length: number;
  /** Where its values stand in `values`, and how many they are. */
  readonly valueOffset: number;
  readonly valueLength: number;
  /** `param v = init then next`: no gradient moves it, and its next value is in `theta.next`. */
  readonly isState?: boolean;
}

/** Data of which a minibatch is taken: the driver writes the rows of each step. */
export interface StreamInput {
  readonly name: string;
  /** All rows. */
  readonly data: DataValue;
  /** The axis that is cut, of what size name. */
  readonly axis: number;
  readonly size: string;
}

/** Numbers that the driver carries from step to step: `next` is an output of the graph. */
export interface StateSlot {
  readonly name: string;
  readonly next: string;
  readonly dims: readonly number[];
  readonly init: number;
}

/** Why a site has its strategy. */
export type StrategyReason =
  /** It stands in the text, or was given at the run. */
  | "written"
  /** The draw is a function of noise of a fixed law. */
  | "path"
  /** The draw's derivative is that at a constant value of its distribution function. */
  | "implicit"
  /** The expectation over each element's values is exact. */
  | "sum"
  /** The same one element at a time, with what depends on it drawn again. */
  | "local"
  /** No draw of it can be differentiated, and its values are too many to be summed. */
  | "score"
  /** No gradient passes: the objective says so. */
  | "frozen";

/** What of a site's densities in an objective is a mean in closed form, given all other sites. */
export type Exactness =
  /** E[log p − log q], as a divergence. */
  | "divergence"
  /** E log q alone. */
  | "entropy"
  /** E log p alone. */
  | "density"
  | "none";

/** Why not all of it is. */
export type Inexact =
  /** No closed form for these distributions. */
  | "family"
  /** The arguments of p are draws of the site itself, or of what depends on it. */
  | "reads"
  /** No program but that of the draw has a density for it. */
  | "alone"
  /** The programs write elements that do not correspond. */
  | "elements"
  /** The objective is not affine in its densities. */
  | "nonlinear"
  /** A density is estimated. */
  | "estimated"
  /** The objective holds the guide's density constant, or lets no gradient pass the draw. */
  | "held";

export interface SiteExpectation {
  readonly exact: Exactness;
  readonly why?: Inexact;
}

/** How the gradient passes a random site, for `explain`. */
export interface SiteStrategy {
  readonly draw: string;
  readonly site: string;
  readonly strategy: StrategyKind;
  /** Written in the text, or chosen here. */
  readonly chosen: boolean;
  readonly reason: StrategyReason;
  /** As the text would have it: `reinforce(baseline: nvil)`. */
  readonly text: string;
  /** Which means over it are exact; absent where none was asked for. */
  readonly expectation?: SiteExpectation;
}

/** One of several numbers that are maximised in turn, each by params of its own. */
export interface PlayerGraph {
  readonly name: string;
  /** Steps that it takes in a round. */
  readonly steps: number;
  /** The stretches `[from, to)` of `theta` that it moves. */
  readonly spans: readonly (readonly [number, number])[];
  /** As `ObjectiveGraph.graph`, of its own number. */
  readonly graph: Graph;
  readonly noise: readonly NoiseInput[];
  readonly states: readonly StateSlot[];
}

export interface ObjectiveGraph {
  /**
   * Inputs: `theta`, the noise, the streams, the states. Outputs: `value` (rank 0), an unbiased
   * estimate of the objective; `grad` (`[dimension]`), of its gradient; `values`, the params in
   * their own coordinates; and the states' `next`.
   */
  readonly graph: Graph;
  readonly dimension: number;
  readonly params: readonly ParamSlot[];
  readonly valueCount: number;
  /**
   * A first `theta`: the params' initial values, drawn where they are distributions; where `given`
   * has a param, by its slot's name, that value.
   */
  readonly initial: (seed: number | bigint, given?: DataSet) => Float64Array;
  readonly noise: readonly NoiseInput[];
  readonly streams: readonly StreamInput[];
  readonly states: readonly StateSlot[];
  readonly strategies: readonly SiteStrategy[];
  /** The estimate as a node of the graph. */
  readonly value: Node;
  /** Where params are maximised over in turn; `graph` is then that of the first. */
  readonly players?: readonly PlayerGraph[];
  /**
   * 1 for params whose next values the graph (of each player) gives as the output `theta.next`: those
   * that take steps along natural gradients, whose size is the input `natural.rate`, and states.
   */
  readonly written?: Float64Array;
}

/** A model or guide for an argument of the objective. */
export interface ProgramBinding {
  readonly model: Model;
  /** True for a guide (and for noise): its sites are never given by data. */
  readonly isGuide: boolean;
  /** Sites of a guide that its model does not have. */
  readonly auxiliary?: readonly string[];
  /** The argument stands for a program made of this one: `marginal(q, particles: 5)`. */
  readonly estimate?: EstimateBinding;
}

/** An estimated program that is given at a run, as `Estimate` is one of an objective's text. */
export interface EstimateBinding {
  readonly kind: EstimateKind;
  readonly keep?: Estimate["keep"];
  readonly proposal?: ProgramBinding;
  readonly particles: number;
}
