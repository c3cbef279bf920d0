/** `return e for p, f(steps: 5)`: what the params of programs, modules or params `p` and `f` maximise. */
import type { Expr } from "../model/ir.js";
import type { Player } from "../model/objective.js";
import type * as ast from "../syntax/ast.js";
import { type Cx, quote } from "./context.js";
import { objectiveValue } from "./objectives.js";
import type { Scope } from "./scope.js";

/** One player of each `return`; undefined after an error. */
export function playersOf(
  cx: Cx,
  returns: readonly ast.ReturnStmt[],
  scope: Scope,
): readonly Player[] | undefined {
  const taken = new Set<string>();
  const players = returns.map((r) => playerOf(cx, r, scope, taken));
  return players.every((p) => p !== undefined) ? players : undefined;
}

function playerOf(cx: Cx, r: ast.ReturnStmt, scope: Scope, taken: Set<string>): Player | undefined {
  const programs: string[] = [];
  const params: string[] = [];
  const names: string[] = [];
  let steps: Expr | undefined;
  let ok = true;
  for (const e of r.players ?? []) {
    const target = e.kind === "call" ? e.callee : e;
    const wrong = (): void => {
      ok = false;
      cx.reporter.report("player_name", e.span, { text: quote(target.span) });
    };
    if (target.kind !== "name") {
      wrong();
      continue;
    }
    const { name } = target;
    const entry = scope.lookup(name);
    if (entry?.kind === "program") programs.push(name);
    else if (entry?.kind === "instance") params.push(entry.instance.path);
    else if (entry?.kind === "variable" && entry.variable.role === "param") params.push(name);
    else if (entry?.kind === "broken") ok = false;
    else wrong();
    if (taken.has(name)) {
      ok = false;
      cx.reporter.report("player_twice", e.span, { name });
    }
    taken.add(name);
    names.push(name);
    if (e.kind !== "call") continue;
    const [given, ...more] = e.args;
    const value = given === undefined ? undefined : cx.expr(given.value, scope);
    const isSteps =
      given?.name?.text === "steps" &&
      more.length === 0 &&
      steps === undefined &&
      value?.type.scalar === "int" &&
      value.type.dims.length === 0 &&
      !cx.model.isRandom(value);
    if (isSteps) steps = value;
    else {
      ok = false;
      cx.reporter.report("player_steps", e.span, { name });
    }
  }
  const result = objectiveValue(cx, r.value, scope);
  if (!ok || result === undefined) return undefined;
  const { span } = r;
  return { name: names.join(", "), span, programs, params, result, ...(steps && { steps }) };
}
