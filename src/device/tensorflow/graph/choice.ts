/** One of several results: functions of the library for each (`StatelessIf`). */
import type { Scope, Tensor } from "./scope.js";
import { boolAttr, type TfType } from "./types.js";

/**
 * The results of the first branch whose test holds, else of the last one; only that one is computed.
 * Branches give results of the same types, and capture what they read from outside.
 * @param tests one fewer than branches
 */
export function chooseBranch(
  scope: Scope,
  tests: readonly ((scope: Scope) => Tensor)[],
  branches: readonly ((scope: Scope) => readonly Tensor[])[],
): readonly Tensor[] {
  const [first, ...others] = branches;
  if (others.length === 0) return first(scope);
  const [test, ...rest] = tests;
  const scopes = [scope.function(), scope.function()];
  const results = [
    first(scopes[0]).map((t) => scopes[0].bring(t)),
    chooseBranch(scopes[1], rest, others).map((t) => scopes[1].bring(t)),
  ];
  // Both functions take what either reads.
  const outer = new Map(scopes.flatMap((s) => s.captured().map((c) => [c.outer.ref, c.outer])));
  const inputs = [...outer.values()];
  const names = scopes.map((s, k) => {
    const own = inputs.map((t) => s.bring(t).ref);
    return s.finish("branch", results[k], own);
  });
  const types: readonly TfType[] = results[0].map((t) => t.type);
  return scope.ops("StatelessIf", [test(scope), ...inputs], types, {
    attrs: {
      Tcond: { kind: "type", value: "bool" },
      Tin: { kind: "types", value: inputs.map((t) => t.type) },
      Tout: { kind: "types", value: types },
      then_branch: { kind: "function", value: names[0] },
      else_branch: { kind: "function", value: names[1] },
      _lower_using_switch_merge: boolAttr(scope.library.lowersLoops),
    },
  });
}
