/**
 * `x: T ~ Energy(u => e)`, of density proportional to exp e: written as a draw from all of `T` and a
 * factor before names are looked at. Nothing knows its normaliser, nor draws from it directly.
 */
import type { DistExpr } from "../model/ir.js";
import type * as ast from "../syntax/ast.js";
import type { Cx } from "./context.js";
import { rewriteStatements } from "./rewrite.js";
import type { Scope } from "./scope.js";
import { applied } from "./transforms.js";

type CallAst = Extract<ast.Expr, { kind: "call" }>;

/** The text without draws of `Energy`, and the sites that had them. */
export function withoutEnergies(
  cx: Cx,
  body: ast.Block,
): { readonly body: ast.Block; readonly energies: readonly string[] } {
  const energies = new Set<string>();
  const text = rewriteStatements(body, (s) => {
    if (s.kind !== "sample" || !isEnergy(s.dist)) return [s];
    energies.add(s.target.name.text);
    return drawOf(cx, s, s.dist);
  });
  return { body: text, energies: [...energies] };
}

export function isEnergy(e: ast.Expr): e is CallAst {
  return e.kind === "call" && e.callee.kind === "name" && e.callee.name === "Energy";
}

function drawOf(cx: Cx, s: ast.SampleStmt, dist: CallAst): ast.Stmt[] {
  const { span } = dist;
  const [f, ...more] = dist.args;
  const name = (text: string): ast.Expr => ({ kind: "name", span, name: text });
  const { target, type } = s;
  const whole = name(target.name.text);
  const indices = target.indices.map((value): ast.Index => ({ kind: "at", span, value }));
  const read: ast.Expr =
    indices.length === 0 ? whole : { kind: "index", span, target: whole, indices };
  const isPlain = f !== undefined && more.length === 0 && f.name === undefined;
  const value = isPlain ? applied(cx, f.value, read, "energy_usage") : undefined;
  if (!isPlain) cx.reporter.report("energy_usage", span, {});
  const flat: ast.Expr = { kind: "call", span, callee: name("Flat"), args: [] };
  const sizes = type?.sizes ?? [];
  const args = [flat, ...sizes].map((e): ast.Arg => ({ span: e.span, value: e }));
  const all: ast.Expr =
    sizes.length === 0 ? flat : { kind: "call", span, callee: name("iid"), args };
  const draw: ast.Stmt = { ...s, dist: all };
  return value === undefined ? [draw] : [draw, { kind: "factor", span: s.span, value }];
}

/** Anywhere but as the draw of a model's site. */
export function misplacedEnergy(cx: Cx, e: CallAst, _scope: Scope): DistExpr | undefined {
  return cx.reporter.report("energy_place", e.span, {});
}
