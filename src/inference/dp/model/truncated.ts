/**
 * A model with an unbounded plate as a finite mixture whose weights are a stick broken `count` − 1
 * times (Sethuraman 1994; Blei & Jordan 2006, section 3): w_k = v_k Π_{j<k} (1 − v_j), v_k ~ Beta(1, α).
 */
import { internalError } from "../../../base/internal.js";
import type { BuiltinName } from "../../../model/builtins.js";
import type { DistExpr, Expr, Stmt, Type, Variable } from "../../../model/ir.js";
import { type Size, sizeConst } from "../../../model/size.js";
import type { Conditioned } from "../../../passes/condition/index.js";
import { withComponents } from "../../../passes/condition/unbounded.js";

export interface TruncatedModel {
  readonly conditioned: Conditioned;
  /** The site of the sticks. */
  readonly sticks: string;
}

/** The model with `count` ≥ 2 components. */
export function truncatedModel(given: Conditioned, count: number): TruncatedModel {
  const { model } = given;
  const { unbounded, ...rest } = model;
  if (unbounded === undefined) return internalError(`${model.name} has no unbounded plate`);
  const taken = new Set([...model.variables, ...model.inputs].map((v) => v.name));
  let sticks = "sticks";
  while (taken.has(sticks)) sticks += "_";
  const { span } = unbounded;

  const real = (dims: readonly Size[]): Type => ({ scalar: "real", dims });
  const number = (value: number, scalar: Type["scalar"] = "real"): Expr => {
    return { kind: "const", value, span, type: { scalar, dims: [] } };
  };
  const call = (fn: BuiltinName, args: readonly Expr[], type: Type): Expr => {
    return { kind: "call", fn, args, span, type };
  };
  const broken = sizeConst(count - 1);
  const v: Expr = { kind: "var", name: sticks, role: "site", span, type: real([broken]) };
  const one: Expr = { kind: "array", items: [number(1)], span, type: real([sizeConst(1)]) };
  const whole = real([sizeConst(count)]);
  const left = call("cumprod", [call("sub", [number(1), v], real([broken]))], real([broken]));
  const weights = call(
    "mul",
    [call("concat", [v, one], whole), call("concat", [one, left], whole)],
    whole,
  );

  let concentration: Expr | undefined;
  const relabel = (s: Stmt): Stmt => {
    switch (s.kind) {
      case "for":
        return { ...s, body: s.body.map(relabel) };
      case "if":
        // biome-ignore lint/suspicious/noThenProperty: the branch's name in the IR, never awaited
        return { ...s, then: s.then.map(relabel), else: s.else.map(relabel) };
      case "site": {
        if (s.name !== unbounded.label) return s;
        if (s.dist.kind === "named") concentration = s.dist.args.alpha;
        const { event, support } = s.dist;
        const dist: DistExpr = {
          kind: "named",
          name: "Categorical",
          args: { p: weights },
          event,
          support,
          span: s.dist.span,
        };
        return { ...s, dist };
      }
      default:
        return s;
    }
  };
  const body = model.body.map(relabel);
  const alpha = concentration ?? internalError("labels without a concentration");
  const index = `${sticks} k`;
  const place: Expr = {
    kind: "var",
    name: index,
    role: "index",
    span,
    type: { scalar: "int", dims: [] },
  };
  const breaking: Stmt = {
    kind: "for",
    span,
    binder: {
      name: index,
      from: number(0, "int"),
      to: number(count - 1, "int"),
      size: broken,
      span,
    },
    body: [
      {
        kind: "site",
        span,
        name: sticks,
        indices: [place],
        dist: {
          kind: "named",
          name: "Beta",
          args: { a: number(1), b: alpha },
          event: real([]),
          support: { kind: "unit" },
          span,
        },
        restricted: false,
      },
    ],
  };
  const variable: Variable = {
    name: sticks,
    role: "site",
    span,
    type: real([broken]),
    eventRank: 0,
    support: { kind: "unit" },
    random: true,
  };
  const at = model.variables.findIndex((x) => x.name === unbounded.label);
  const variables = [...model.variables.slice(0, at), variable, ...model.variables.slice(at)];
  const bounded = withComponents(given, count);
  return {
    sticks,
    conditioned: { ...bounded, model: { ...rest, variables, body: [breaking, ...body] } },
  };
}
