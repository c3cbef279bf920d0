/**
 * Legality of the model IR, run between passes: every name is defined before or has a role that
 * allows it, binders are unique, types of expressions fit their places.
 */
import { internalError } from "../base/internal.js";
import { builtinNames } from "./builtins.js";
import type { Binder, DistExpr, Expr, Model, Stmt } from "./ir.js";
import { printExpr, printType } from "./print.js";
import { type Size, sizeNames } from "./size.js";
import {
  binderExprs,
  childExprs,
  distExprs,
  isDistExpr,
  stmtExprs,
  supportExprs,
} from "./traverse.js";

interface Known {
  readonly model: Model;
  readonly inputs: ReadonlySet<string>;
  readonly variables: ReadonlyMap<string, Model["variables"][number]>;
  readonly builtins: ReadonlySet<string>;
  /** Binders and locals seen so far anywhere: their names may not come twice. */
  readonly unique: Set<string>;
}

/** Throws an `InternalError` that names the first broken rule; returns the model itself. */
export function verifyModel(model: Model): Model {
  const inputs = new Set([...model.inputs.map((i) => i.name), ...model.boundSizes]);
  // A size without a value, which expressions name like an input.
  if (model.unbounded !== undefined) inputs.add(model.unbounded.size);
  const variables = new Map(model.variables.map((v) => [v.name, v]));
  if (variables.size !== model.variables.length) broken(model, "two variables of one name");
  for (const name of variables.keys()) {
    if (inputs.has(name)) broken(model, `${name} is an input and a variable`);
  }
  const builtins: ReadonlySet<string> = new Set(builtinNames);
  const known: Known = { model, inputs, variables, builtins, unique: new Set() };
  for (const i of model.inputs) {
    for (const d of i.type.dims) verifySize(known, d, new Set());
    if (i.default !== undefined) verifyExpr(known, i.default, new Set());
  }
  for (const v of model.variables) {
    if (v.eventRank > v.type.dims.length) broken(model, `event rank of ${v.name}`);
    for (const d of v.type.dims) verifySize(known, d, new Set());
  }
  const defined = new Set<string>();
  verifyBody(known, model.body, new Set(), defined);
  for (const name of variables.keys()) {
    if (!defined.has(name)) broken(model, `${name} has no statement`);
  }
  return model;
}

function broken(model: Model, what: string): never {
  return internalError(`model ${model.name}: ${what}`);
}

function verifyBody(
  known: Known,
  body: readonly Stmt[],
  scope: ReadonlySet<string>,
  defined: Set<string>,
): void {
  const inner = new Set(scope);
  for (const s of body) {
    verifyStmt(known, s, inner, defined);
    if (s.kind === "local") inner.add(s.name);
  }
}

function verifyStmt(known: Known, s: Stmt, scope: ReadonlySet<string>, defined: Set<string>): void {
  const { model } = known;
  // Distributions carry their own scopes; the rest of a statement's expressions stand in it.
  const dist = distOf(s);
  const inDist = new Set(dist === undefined ? [] : distExprs(dist));
  for (const e of stmtExprs(s)) if (!inDist.has(e)) verifyExpr(known, e, scope);
  if (dist !== undefined) verifyDist(known, dist, scope);
  switch (s.kind) {
    case "site":
    case "let":
    case "param": {
      const v = known.variables.get(s.name);
      if (v === undefined || v.role !== s.kind) broken(model, `${s.name} is no ${s.kind}`);
      if (v.type.dims.length - v.eventRank !== s.indices.length) {
        broken(model, `${s.name} has ${printType(v.type)} and ${s.indices.length} indices`);
      }
      for (const i of s.indices) {
        if (i.type.scalar !== "int" || i.type.dims.length > 0) broken(model, `index of ${s.name}`);
      }
      defined.add(s.name);
      return;
    }
    case "observe":
      if (s.dist.event.dims.length !== s.value.type.dims.length) {
        broken(model, `${printExpr(s.value)} is observed with another rank`);
      }
      return;
    case "factor":
      if (s.value.type.dims.length > 0) broken(model, "a factor that is no scalar");
      return;
    case "local":
      claim(known, s.name);
      return;
    case "for":
      claim(known, s.binder.name);
      verifyBody(known, s.body, new Set([...scope, s.binder.name]), defined);
      return;
    case "if":
      if (s.condition.type.scalar !== "bool") broken(model, "a condition that is no bool");
      verifyBody(known, s.then, scope, defined);
      verifyBody(known, s.else, scope, defined);
      return;
  }
}

function distOf(s: Stmt): DistExpr | undefined {
  if (s.kind === "site" || s.kind === "observe") return s.dist;
  return s.kind === "param" && s.init !== undefined && isDistExpr(s.init) ? s.init : undefined;
}

/** Names of loop variables, binders and locals come once in a model. */
function claim(known: Known, name: string): void {
  const { model, unique, inputs, variables } = known;
  if (unique.has(name) || inputs.has(name) || variables.has(name)) {
    broken(model, `${name} is bound twice`);
  }
  unique.add(name);
}

function verifyDist(known: Known, d: DistExpr, scope: ReadonlySet<string>): void {
  for (const size of d.event.dims) verifySize(known, size, scope);
  for (const e of supportExprs(d.support)) verifyExpr(known, e, scope);
  switch (d.kind) {
    case "named":
      for (const e of Object.values(d.args)) verifyExpr(known, e, scope);
      return;
    case "iid":
      verifyDist(known, d.base, scope);
      return;
    case "truncated":
      for (const e of [d.lower, d.upper]) if (e !== undefined) verifyExpr(known, e, scope);
      verifyDist(known, d.base, scope);
      return;
    case "mixture": {
      verifyExpr(known, d.weights, scope);
      const inner = d.binder === undefined ? scope : withBinders(known, [d.binder], scope);
      if (d.binder !== undefined && d.components.length !== 1) {
        broken(known.model, "a mixture over a binder has one component");
      }
      for (const c of d.components) verifyDist(known, c, inner);
      return;
    }
    case "written": {
      for (const e of Object.values(d.args)) verifyExpr(known, e, scope);
      const held = new Set(scope).add(d.variable);
      for (const e of [d.logpdf, d.cdf]) if (e !== undefined) verifyExpr(known, e, held);
      if (d.mean !== undefined) verifyExpr(known, d.mean, scope);
      if (d.sampler === undefined) return;
      for (const e of [d.sampler.within?.lower, d.sampler.within?.upper]) {
        if (e !== undefined) verifyExpr(known, e, scope);
      }
      const drawn = new Set(scope);
      for (const x of d.sampler.draws) {
        verifyDist(known, x.dist, drawn);
        drawn.add(x.name);
      }
      verifyExpr(known, d.sampler.value, drawn);
    }
  }
}

function withBinders(
  known: Known,
  binders: readonly Binder[],
  scope: ReadonlySet<string>,
): ReadonlySet<string> {
  const inner = new Set(scope);
  for (const b of binders) {
    for (const e of binderExprs(b)) verifyExpr(known, e, inner);
    inner.add(b.name);
  }
  return inner;
}

function verifyExpr(known: Known, e: Expr, scope: ReadonlySet<string>): void {
  const { model } = known;
  for (const d of e.type.dims) verifySize(known, d, scope);
  switch (e.kind) {
    case "var":
      verifyVar(known, e, scope);
      return;
    case "call":
      if (!known.builtins.has(e.fn)) broken(model, `no builtin ${e.fn}`);
      break;
    case "index":
      if (e.indices.length > e.target.type.dims.length) broken(model, `rank of ${printExpr(e)}`);
      for (const i of e.indices) {
        if (i.kind === "at" && i.value.type.scalar !== "int") broken(model, "an index is no int");
      }
      break;
    case "if":
      if (e.condition.type.scalar !== "bool") broken(model, "a condition that is no bool");
      break;
    case "comprehension":
    case "reduce": {
      const inner = withBinders(known, e.binders, scope);
      verifyExpr(known, e.body, inner);
      if (e.kind === "reduce" && e.body.type.dims.length > 0) broken(model, "reduce of an array");
      return;
    }
    case "block": {
      const inner = new Set(scope);
      for (const l of e.lets) {
        verifyExpr(known, l.value, inner);
        inner.add(l.name);
      }
      verifyExpr(known, e.result, inner);
      return;
    }
    case "grad":
      verifyExpr(known, e.point, scope);
      verifyExpr(known, e.body, new Set(scope).add(e.variable));
      return;
    case "dist_method":
      verifyDist(known, e.dist, scope);
      for (const a of e.args) verifyExpr(known, a, scope);
      return;
    default:
      break;
  }
  for (const child of childExprs(e)) verifyExpr(known, child, scope);
}

function verifyVar(
  known: Known,
  e: Extract<Expr, { kind: "var" }>,
  scope: ReadonlySet<string>,
): void {
  const { model, inputs, variables } = known;
  const { name, role } = e;
  if (role === "input") {
    if (!inputs.has(name)) broken(model, `no input ${name}`);
  } else if (role === "index" || role === "local") {
    if (!scope.has(name)) broken(model, `${name} is not in scope`);
  } else {
    const v = variables.get(name);
    if (v === undefined || v.role !== role) broken(model, `no ${role} ${name}`);
    if (v.type.dims.length !== e.type.dims.length || v.type.scalar !== e.type.scalar) {
      broken(model, `${name} is ${printType(v.type)}, used as ${printType(e.type)}`);
    }
  }
}

/** Sizes name inputs, bound sizes, opaque sizes, or (in ragged ranges) loop variables in scope. */
function verifySize(known: Known, s: Size, scope: ReadonlySet<string>): void {
  for (const name of sizeNames(s)) {
    const isKnown = known.inputs.has(name) || Object.hasOwn(known.model.opaqueSizes, name);
    if (!isKnown && !scope.has(name)) broken(known.model, `size ${name} is not known`);
  }
}
