/**
 * A program read at relaxed values of its bits, numbers in [0, 1] (Jang, Gu and Poole 2017): where a
 * bit counts as a number its relaxed value does, and its log mass z log p + (1 − z) log(1 − p) is
 * taken at any z.
 */
import { fail } from "../../base/diagnostic.js";
import { type Expr, type Model, real, type Stmt, type Variable } from "../../model/ir.js";
import { mapExpr } from "../../model/traverse.js";
import { at, call, elementwise as f } from "./expressions.js";
import { baseOf, mapStmt } from "./replicate.js";

type Site = Extract<Stmt, { kind: "site" }>;

/** The text with the sites in `relaxed`, which are bits, as real numbers. */
export function relaxBits(model: Model, relaxed: ReadonlySet<string>): Model {
  if (relaxed.size === 0) return model;
  const isBit = (e: Expr): boolean =>
    e.kind === "index" ? isBit(e.target) : e.kind === "var" && relaxed.has(e.name);
  const rewrite = (e: Expr): Expr =>
    mapExpr(e, (x) => {
      if (x.kind !== "call" || (x.fn !== "int" && x.fn !== "real")) return undefined;
      const [bit] = x.args;
      return isBit(bit) ? { ...bit, type: { ...bit.type, scalar: "real" } } : undefined;
    });
  const go = (s: Stmt): Stmt => {
    if (s.kind === "for") return { ...s, body: s.body.map(go) };
    // biome-ignore lint/suspicious/noThenProperty: the branch's name in the IR, never awaited
    if (s.kind === "if") return { ...s, then: s.then.map(go), else: s.else.map(go) };
    return s.kind === "site" && relaxed.has(s.name) ? linearMass(model, s) : s;
  };
  const variables = model.variables.map(
    (v): Variable => (relaxed.has(v.name) ? { ...v, type: { ...v.type, scalar: "real" } } : v),
  );
  return { ...model, variables, body: model.body.map((s) => mapStmt(go(s), rewrite)) };
}

function linearMass(model: Model, s: Site): Stmt {
  const base = baseOf(s.dist);
  const variable = model.variables.find((v) => v.name === s.name);
  const isScalar =
    base.kind === "named" && Object.values(base.args).every((a) => a.type.dims.length === 0);
  const fits =
    base.kind === "named" && base.name === "Bernoulli" && (s.dist.kind === "named" || isScalar);
  if (!fits || variable === undefined) {
    return fail("strategy_missing", s.dist.span, { site: s.name, strategy: "gumbel" });
  }
  const type = { ...variable.type, scalar: "real" as const };
  const z = at({ kind: "var", name: s.name, role: "site", span: s.span, type }, s.indices);
  const { logits, p } = base.args;
  const mass =
    logits === undefined
      ? f("add", f("mul", z, f("log", p)), f("mul", f("sub", 1, z), f("log1p", f("neg", p))))
      : f("sub", f("mul", z, logits), f("softplus", logits));
  const value = mass.type.dims.length === 0 ? mass : call("sum", [mass], real);
  return { kind: "factor", span: s.span, value };
}
