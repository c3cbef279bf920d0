/**
 * Values of sites in objectives: `let x: real[n, d] = y.x` with a draw `y`, or `data.x`. What program
 * is drawn from is open, so that the text says the type; sizes that it names first are those found.
 */
import { wholeLine } from "../model/interval.js";
import type { Evaluation } from "../model/objective.js";
import type * as ast from "../syntax/ast.js";
import type { Cx } from "./context.js";
import type { Scope, VariableInfo } from "./scope.js";
import { declaredElement } from "./supports.js";

/** A definition that reads a site. */
interface Reading {
  /** `y.x`: the variable that holds the value for all draws. */
  readonly name: string;
  readonly draw: string | undefined;
  readonly site: string;
  readonly type: ast.TypeExpr;
  readonly span: Evaluation["span"];
}

/** The text with such definitions reading variables named `y.x`, which are to be declared. */
export function readSites(body: ast.Block): {
  readonly body: ast.Block;
  readonly readings: readonly Reading[];
} {
  const draws = new Set<string>();
  const find = (s: ast.Stmt): void => {
    if (s.kind === "for") s.body.statements.forEach(find);
    else if (s.kind === "if") {
      s.then.statements.forEach(find);
      s.else?.statements.forEach(find);
    } else if (s.kind === "sample") draws.add(s.target.name.text);
  };
  body.statements.forEach(find);
  const readings = new Map<string, Reading>();
  const each = (s: ast.Stmt): ast.Stmt => {
    if (s.kind === "for") return { ...s, body: block(s.body) };
    if (s.kind === "if") {
      // biome-ignore lint/suspicious/noThenProperty: the branch's name in the AST, never awaited
      const made = { ...s, then: block(s.then) };
      return s.else === undefined ? made : { ...made, else: block(s.else) };
    }
    if (s.kind !== "let" || s.type === undefined || s.value.kind !== "member") return s;
    const { target, name } = s.value;
    const whole = target.kind === "index" ? target.target : target;
    if (whole.kind !== "name") return s;
    const draw = draws.has(whole.name) ? whole.name : undefined;
    if (draw === undefined && (whole.name !== "data" || target.kind === "index")) return s;
    const { span } = s.value;
    const text = `${whole.name}.${name.text}`;
    if (!readings.has(text)) {
      readings.set(text, { name: text, draw, site: name.text, type: s.type, span });
    }
    const read: ast.Expr = { kind: "name", span, name: text };
    return { ...s, value: target.kind === "index" ? { ...target, span, target: read } : read };
  };
  const block = (b: ast.Block): ast.Block => ({ ...b, statements: b.statements.map(each) });
  return { body: block(body), readings: [...readings.values()] };
}

/** Declares what the readings name, once draws are known. */
export function declareReadings(cx: Cx, readings: readonly Reading[], scope: Scope): void {
  const found = cx.model.objective;
  for (const r of readings) {
    const entry = r.draw === undefined ? undefined : scope.lookup(r.draw);
    const draw = entry?.kind === "trace" ? entry.variable : undefined;
    for (const e of r.type.sizes) {
      if (e.kind !== "name" || scope.lookup(e.name) !== undefined) continue;
      cx.model.freshName(e.name);
      cx.model.usedAsSize.add(e.name);
      cx.model.intervals.set(e.name, { lo: 0, hi: Number.POSITIVE_INFINITY });
      scope.set(e.name, { kind: "size", span: e.span, name: e.name });
    }
    const element = declaredElement(cx, r.type, scope);
    if (element === undefined || (r.draw !== undefined && draw === undefined)) {
      scope.set(r.name, { kind: "broken", span: r.span });
      continue;
    }
    const { name, span, site } = r;
    const reading = { site, type: element.type };
    const made: Evaluation = {
      name,
      span,
      kind: "value",
      program: "",
      frozen: false,
      draw: r.draw,
      reading,
    };
    found?.evaluations.set(name, made);
    const variable: VariableInfo = {
      name,
      role: "site",
      span,
      definitions: draw?.definitions ?? [],
      rank: draw?.rank ?? 0,
      ...(draw === undefined && { extents: [] }),
      element: { type: element.type, support: element.support },
      elementState: "known",
      failedLooks: 0,
      remaining: 0,
      complete: true,
      openLoops: 0,
      random: true,
      interval: wholeLine,
      broken: false,
    };
    cx.model.variables.set(name, variable);
    cx.model.random.add(name);
    scope.set(name, { kind: "variable", span, variable });
  }
}
