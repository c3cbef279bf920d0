/**
 * Whole arrays of sites, lets and params, made on first use. A let that refers to its own earlier
 * elements is computed with all lets of its circle as one scan.
 */

import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { Expr, Variable } from "../../model/ir.js";
import { freeVariables } from "../../model/traverse.js";
import type { Node } from "../../tensor/ops.js";
import { shapeOf } from "./latents.js";
import type { Lowerer } from "./lowerer.js";
import { type ArrayShape, assemble, type Piece, valueOver } from "./pieces.js";
import { runScan } from "./scan.js";
import { contextOf, type Definition, type Scope, targetPositions } from "./scopes.js";
import type { Variables } from "./variable-table.js";

/** The whole array of a variable. */
export function variableNode(l: Lowerer, vars: Variables, name: string): Node {
  const known = vars.done.get(name);
  if (known !== undefined) return known;
  const variable = vars.byName.get(name) ?? internalError(`no variable ${name}`);
  if (vars.running.has(name)) return fail("definition_circular", variable.span, { name });
  vars.running.add(name);
  if (variable.role !== "let") {
    vars.done.set(name, vars.source(l, variable));
  } else {
    const circle = circleOf(vars, name);
    if (circle.length === 0) vars.done.set(name, letNode(l, vars, variable));
    else for (const [n, node] of scanNodes(l, vars, circle)) vars.done.set(n, node);
  }
  vars.running.delete(name);
  return vars.done.get(name) ?? internalError(`the scan left out ${name}`);
}

/** A site's whole array: a fully observed one is its data, others go through the latent source. */
export function siteValues(l: Lowerer, vars: Variables, variable: Variable): Node {
  const given = l.conditioned.observed.get(variable.name);
  if (given !== undefined && given.missing === undefined) {
    return l.g.constant(given.data, given.dims, variable.type.scalar);
  }
  return variableNode(l, vars, variable.name);
}

export function definitionsOf(vars: Variables, name: string): readonly Definition[] {
  return vars.statements.definitions.get(name) ?? [];
}

function letNode(l: Lowerer, vars: Variables, variable: Variable): Node {
  const shape = shapeOf(l.conditioned, variable);
  const pieces = definitionsOf(vars, variable.name).map((d) => letPiece(l, vars, d, shape));
  return assemble(l, shape, pieces);
}

/** The elements that one `let` statement defines, computed at once. */
export function letPiece(
  l: Lowerer,
  vars: Variables,
  definition: Definition,
  shape: ArrayShape,
): Piece {
  const { stmt, scope } = definition;
  if (stmt.kind !== "let") return internalError(`${stmt.name} is not a let`);
  const context = contextOf(l, vars.contexts, scope);
  const positions = targetPositions(l, stmt.name, stmt.indices, shape.batch, context);
  const eventSize = shape.event.reduce((n, d) => n * d, 1);
  if (positions.length === 0) return { positions, values: l.g.zeros([0, eventSize]) };
  const values = valueOver(l, stmt.value, context, shape.event);
  return { positions, values: l.g.reshape(values, [positions.length, eventSize]) };
}

/** Names that an expression reads, through the local definitions around it. */
export function readNames(e: Expr, scope: Scope): Set<string> {
  const locals = new Map<string, Expr>();
  for (let s: Scope | undefined = scope; s !== undefined; s = s.parent) {
    if (s.step?.kind === "local") locals.set(s.step.name, s.step.value);
  }
  const names = new Set<string>();
  const queue: Expr[] = [e];
  while (queue.length > 0) {
    const next = queue.pop();
    if (next === undefined) break;
    for (const name of freeVariables(next)) {
      if (names.has(name)) continue;
      names.add(name);
      const local = locals.get(name);
      if (local !== undefined) queue.push(local);
    }
  }
  return names;
}

/** The lets that `name` depends on and that depend on it; empty where it is in no circle. */
function circleOf(vars: Variables, name: string): string[] {
  const direct = (n: string): Set<string> => {
    const reads = new Set<string>();
    for (const { stmt, scope } of definitionsOf(vars, n)) {
      if (stmt.kind === "let") for (const r of readNames(stmt.value, scope)) reads.add(r);
    }
    return reads;
  };
  const reach = (from: string): Set<string> => {
    const seen = new Set<string>();
    const queue = [...direct(from)];
    while (queue.length > 0) {
      const next = queue.pop();
      if (next === undefined || seen.has(next)) continue;
      if (vars.byName.get(next)?.role !== "let") continue;
      seen.add(next);
      queue.push(...direct(next));
    }
    return seen;
  };
  const forward = reach(name);
  if (!forward.has(name)) return [];
  return [...forward].filter((n) => n === name || reach(n).has(name));
}

function scanNodes(l: Lowerer, vars: Variables, circle: readonly string[]): Map<string, Node> {
  const members = new Set(circle);
  const shapes = new Map<string, ArrayShape>();
  const base = new Map<string, Piece[]>();
  const recurrent: Definition[] = [];
  for (const name of circle) {
    const variable = vars.byName.get(name) ?? internalError(`no variable ${name}`);
    const shape = shapeOf(l.conditioned, variable);
    shapes.set(name, shape);
    base.set(name, []);
    for (const d of definitionsOf(vars, name)) {
      const isRecurrent =
        d.stmt.kind === "let" && [...readNames(d.stmt.value, d.scope)].some((n) => members.has(n));
      if (isRecurrent) recurrent.push(d);
      else base.get(name)?.push(letPiece(l, vars, d, shape));
    }
  }
  // Statements run in the order of the text within one step.
  recurrent.sort((a, b) => a.stmt.span.start - b.stmt.span.start);
  const scanned = runScan(l, vars, recurrent, shapes, base);
  const out = new Map<string, Node>();
  for (const name of circle) {
    const shape = shapes.get(name) ?? internalError(`no shape of ${name}`);
    const piece = scanned.get(name);
    const pieces = [...(base.get(name) ?? []), ...(piece === undefined ? [] : [piece])];
    out.set(name, assemble(l, shape, pieces));
  }
  return out;
}
