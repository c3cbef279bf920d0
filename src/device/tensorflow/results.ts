/**
 * How what a loop's steps made leaves the graph: each result by a node of its own, beside the
 * variables that keep large parts of the state; or, where nothing stays on the device, all of them as
 * one vector, from a graph of three nodes. TensorFlow's optimisers pass over graphs of fewer than
 * four, and they are most of a first call's time (eight schools, one core: 150 of 200 ms).
 */
import { internalError } from "../../base/internal.js";
import type { Shape } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import { bitcast, type RealType, typed } from "./graph/maths.js";
import type { Scope, Tensor } from "./graph/scope.js";
import { once, whileLoop } from "./graph/while.js";
import { gather } from "./lower/structural.js";
import { asVector } from "./lower/value.js";
import { type Feed, type Session, wireOf } from "./session.js";
import { event, realOutput, type Variable } from "./variables.js";

const DONE = "done";
const STATE = "state_now";
const ALL = "all_results";

/** Inputs of all steps as their scope reads them: the call's words, and the small inputs' vector. */
export interface StepInputs {
  readonly call: Tensor;
  readonly given: Tensor | undefined;
}
/** Makes the results of all steps in a scope. */
export type AllSteps = (scope: Scope, inputs: StepInputs) => StepResults;
export interface StepResults {
  /** `[steps, …]` of each traced number. */
  readonly rows: readonly Tensor[];
  /** The next values of the variables, in their order. */
  readonly large: readonly Tensor[];
  /** The small parts of the state as one vector; none where there are none. */
  readonly small: readonly Tensor[];
}

export interface ResultParts extends StepInputs {
  readonly real: RealType;
  /** Shapes of the traced numbers of a step. */
  readonly traced: readonly Shape[];
  readonly variables: readonly Variable[];
  /** Whether a part of the state is small. */
  readonly hasSmall: boolean;
  /** Whether steps change variables of their own. */
  readonly hasEffects: boolean;
  /** Which of the call's words is above 0. */
  readonly positive: number;
}

/** What came back with a call. */
export interface Returned {
  readonly rows: readonly Float64Array[];
  /** The small parts of the state, where there are any and a step was taken. */
  readonly small: Float64Array | undefined;
}
/** Runs the steps, `steps` of them. */
export type RunSteps = (
  session: Session,
  doing: string,
  feeds: readonly Feed[],
  steps: number,
) => Returned;

/** Puts the steps into the graph. */
export function returning(scope: Scope, parts: ResultParts, build: AllSteps): RunSteps {
  const staysNothing = parts.variables.length === 0 && !parts.hasEffects;
  return staysNothing && !scope.library.lowersLoops
    ? together(scope, parts, build)
    : apart(scope, parts, build);
}

function apart(scope: Scope, parts: ResultParts, build: AllSteps): RunSteps {
  const { real, traced, variables, hasSmall, hasEffects } = parts;
  const types = [...traced, ...variables, ...(hasSmall ? [STATE] : [])].map(() => real);
  const results = once(scope, {
    types,
    hasEffects,
    build: (s) => {
      const { rows, large, small } = build(s, parts);
      return [...rows, ...large, ...small];
    },
  });
  const assigned = variables.map((v, k) => v.assign(results[traced.length + k]));
  event(scope, DONE, assigned);
  const names = traced.map((_, k) => `trace_${k}`);
  names.forEach((name, k) => {
    realOutput(scope, name, results[k], assigned);
  });
  if (hasSmall) {
    realOutput(scope, STATE, results[results.length - 1], assigned);
    names.push(STATE);
  }
  return (session, doing, feeds) => {
    const all = session.run(doing, feeds, names.length === 0 ? [DONE] : names);
    return { rows: all.slice(0, traced.length), small: hasSmall ? all[traced.length] : undefined };
  };
}

/** The only pass of a loop, which is over when the call's words are 0. */
function together(scope: Scope, parts: ResultParts, build: AllSteps): RunSteps {
  const { real, traced, call, positive, hasSmall } = parts;
  const wire = wireOf(real);
  const start = parts.given ?? scope.constant(wire, [], [0]);
  const whole = typed("int64");
  whileLoop(scope, [call, start], {
    name: ALL,
    changesShapes: true,
    condition: (s, [words]) => {
      const word = gather(words, s.ints(positive));
      return s.op("Greater", [word, s.constant("int64", [0])], "bool", { attrs: whole });
    },
    body: (s, [words, vector]) => {
      const inputs = { call: words, given: parts.given === undefined ? undefined : vector };
      const { rows, small } = build(s, inputs);
      const all = asVector(s, [...rows, ...small], real);
      return [
        s.op("Sub", [words, words], "int64", { attrs: whole }),
        real === "double" ? bitcast(all, "int64") : all,
      ];
    },
  });
  const sizes = traced.map(sizeOf);
  return (session, doing, feeds, steps) => {
    // No step is no pass of the loop either: the vector would be what was given.
    if (steps === 0) return { rows: sizes.map(() => new Float64Array()), small: undefined };
    const [all] = session.run(doing, feeds, [`${ALL}:1`]);
    let end = 0;
    const rows = sizes.map((size) => {
      const from = end;
      end += steps * size;
      return all.subarray(from, end);
    });
    if (!hasSmall && end !== all.length) internalError(`${all.length} results, not ${end}`);
    return { rows, small: hasSmall ? all.subarray(end) : undefined };
  };
}
