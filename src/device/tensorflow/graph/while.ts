/** Loops: functions of the library for the condition and the body (`StatelessWhile`, `While`). */
import type { Scope, Tensor } from "./scope.js";
import { boolAttr, intAttr, type TfType } from "./types.js";

export interface WhileParts {
  /** Whether there is one more pass; reads the variables alone. */
  readonly condition: (scope: Scope, variables: readonly Tensor[]) => Tensor;
  /** The variables' next values. What it reads from outside is captured. */
  readonly body: (scope: Scope, variables: readonly Tensor[]) => readonly Tensor[];
  /** Whether passes change variables that outlast the loop. */
  readonly hasEffects?: boolean;
  /** Whether a variable may change its shape. */
  readonly changesShapes?: boolean;
  /** What the node is called. */
  readonly name?: string;
}

/** Repeats the body while the condition holds; the variables' last values. */
export function whileLoop(
  scope: Scope,
  initial: readonly Tensor[],
  { condition, body, hasEffects, changesShapes, name }: WhileParts,
): Tensor[] {
  const inner = scope.function();
  const next = body(
    inner,
    initial.map((t) => inner.argument(t.type)),
  ).map((t) => inner.bring(t));
  const captured = inner.captured();
  const bodyName = inner.finish("body", [...next, ...captured.map((c) => c.own)]);
  const start = [...initial, ...captured.map((c) => c.outer)];
  const test = scope.function();
  const variables = start.map((t) => test.argument(t.type));
  const condName = test.finish("condition", [condition(test, variables)]);
  const types = start.map((t) => t.type);
  const results = scope.ops(hasEffects ? "While" : "StatelessWhile", start, types, {
    name,
    attrs: {
      T: { kind: "types", value: types },
      cond: { kind: "function", value: condName },
      body: { kind: "function", value: bodyName },
      parallel_iterations: intAttr(1),
      ...(changesShapes && {
        output_shapes: { kind: "unknownShapes" as const, value: types.length },
      }),
      // On a GPU its nodes join the graph's, so that no pass waits for the one before; on the CPU
      // calls of functions take less time.
      _lower_using_switch_merge: boolAttr(scope.library.lowersLoops),
    },
  });
  return results.slice(0, initial.length);
}

export interface OnceParts {
  readonly types: readonly TfType[];
  /** Results of these types. */
  readonly build: (scope: Scope) => readonly Tensor[];
  /** Whether it changes variables that outlast the call. */
  readonly hasEffects?: boolean;
}

/**
 * Computes results in a function of its own, as the only pass of a loop: TensorFlow's optimisers and
 * its placement look at the graph once for each set of names and not into such a function, and on
 * graphs that were simplified before they take ten times as long as they save. On a GPU loops join
 * the graph, and so does this.
 */
export function once(scope: Scope, { types, build, hasEffects }: OnceParts): readonly Tensor[] {
  if (scope.library.lowersLoops) return build(scope);
  const none = types.map((type) => scope.constant(type, [0]));
  const variables = whileLoop(scope, [scope.ints(0), ...none], {
    hasEffects,
    changesShapes: true,
    condition: (s, [i]) => below(s, i, s.ints(1)),
    body: (s, [i]) => [next(s, i), ...build(s)],
  });
  return variables.slice(1);
}

/** Adds 1 to an int32, after the nodes `after`: what reads it then comes after them, too. */
export function next(scope: Scope, i: Tensor, after: readonly string[] = []): Tensor {
  return scope.op("AddV2", [i, scope.ints(1)], "int32", {
    after,
    attrs: { T: { kind: "type", value: "int32" } },
  });
}

/** i < n of int32. */
export function below(scope: Scope, i: Tensor, n: Tensor): Tensor {
  return scope.op("Less", [i, n], "bool", { attrs: { T: { kind: "type", value: "int32" } } });
}
