/**
 * The parts of a Dirichlet-process mixture in a model: labels, the sites of the unbounded plate,
 * the concentration, and all other latent sites. What the samplers cannot handle is refused here,
 * by name and reason.
 */
import { fail } from "../../../base/diagnostic.js";
import { internalError } from "../../../base/internal.js";
import type { Span } from "../../../base/span.js";
import type { Expr, Stmt, Support, UnboundedPlate } from "../../../model/ir.js";
import { freeVariables, stmtExprs, walkStmts } from "../../../model/traverse.js";
import { type Conditioned, hostScope } from "../../../passes/condition/index.js";
import { isUnbounded, labelDims } from "../../../passes/condition/unbounded.js";
import { evaluateExpr } from "../../../passes/interpret/expr.js";
import { type Conditionals, findConditionals } from "../../conditionals/find.js";
import type { MakeInstance } from "../../conditionals/kernels.js";
import { withClusters } from "./finite.js";

/** A site of the plate; its scalars of one component stand together. */
export interface ComponentSite {
  readonly name: string;
  /** Index among the joint's sites, whatever the number of components. */
  readonly site: number;
  /** Dims of one component, and their product. */
  readonly dims: readonly number[];
  readonly length: number;
  /** Trailing dims that belong to one event. */
  readonly eventRank: number;
  readonly support: Support;
  /** Whether its conditional given labels and other sites is of a known family, in each row. */
  readonly isConjugate: boolean;
}

/** A latent site outside the plate, the concentration excepted. */
export interface GlobalSite {
  readonly name: string;
  readonly site: number;
  readonly dims: readonly number[];
  /** Latent scalars. */
  readonly length: number;
}

/** Where α comes from. */
export type ConcentrationSource =
  | { readonly kind: "fixed"; readonly value: number }
  | { readonly kind: "gamma"; readonly site: number; readonly shape: number; readonly rate: number }
  | { readonly kind: "site"; readonly site: number };

export interface DpStructure {
  readonly plate: UnboundedPlate;
  readonly items: number;
  readonly labelDims: readonly number[];
  readonly components: readonly ComponentSite[];
  readonly globals: readonly GlobalSite[];
  readonly concentration: ConcentrationSource;
  /** Name of the site α, where it is one. */
  readonly concentrationName: string | undefined;
  /** The conditionals of the model with two components. */
  readonly found: Conditionals;
}

/** @throws TildeError `process_unsupported` with what the samplers cannot handle */
export function structureOf(
  conditioned: Conditioned,
  make: MakeInstance,
  method: string,
): DpStructure {
  const { model } = conditioned;
  const plate = model.unbounded ?? internalError(`${model.name} has no unbounded plate`);
  const refuse = (reason: string, span: Span = plate.span): never =>
    fail("process_unsupported", span, { name: plate.label, method, reason });
  const dims = labelDims(conditioned, plate);
  const items = dims.reduce((n, d) => n * d, 1);
  if (items === 0) refuse("there are no items");

  const found = findConditionals(withClusters(conditioned, 2), make, method);
  const { joint } = found;
  for (const { name } of joint.discrete) {
    if (name !== plate.label) refuse(`\`${name}\` is a latent discrete site beside the labels`);
  }
  for (const f of joint.factors) {
    if (f.references.length > 1) refuse(`\`${f.label}\` reads several labels at once`);
  }
  const variables = new Map(model.variables.map((v) => [v.name, v]));
  const alpha = concentrationOf(conditioned, plate, refuse);
  const components: ComponentSite[] = [];
  const globals: GlobalSite[] = [];
  let concentration: ConcentrationSource =
    alpha.kind === "fixed" ? alpha : { kind: "site", site: -1 };
  joint.sites.forEach(({ latent, supports }, site) => {
    const { name } = latent;
    const variable = variables.get(name) ?? internalError(`no variable ${name}`);
    if (variable.role === "param") {
      refuse(`\`${name}\` is a param: give it a prior with \`~\``, variable.span);
    }
    if (alpha.kind === "site" && name === alpha.name) {
      const { gamma } = alpha;
      concentration = gamma === undefined ? { kind: "site", site } : { ...gamma, site };
      return;
    }
    if (!isUnbounded(model, variable)) {
      globals.push({ name, site, dims: latent.dims, length: latent.length });
      return;
    }
    const finding = found.findings[site];
    const isConjugate =
      finding.kind === "conjugate" &&
      (finding.structure === "elementwise" || finding.structure === "event");
    const [support] = supports;
    if (!isConjugate && !isElementwise(support)) {
      const what = `\`${name}\` (${support.kind}) has no conditional of a known family`;
      refuse(what, variable.span);
    }
    const own = latent.dims.slice(1);
    const length = own.reduce((n, d) => n * d, 1);
    const { eventRank } = variable;
    components.push({ name, site, dims: own, length, eventRank, support, isConjugate });
  });
  return {
    plate,
    items,
    labelDims: dims,
    components,
    globals,
    concentration,
    concentrationName: alpha.kind === "site" ? alpha.name : undefined,
    found,
  };
}

/** Supports of scalars that slice sampling moves in, one at a time. */
function isElementwise(s: Support): boolean {
  if (s.kind !== "interval") return ["real", "positive", "nonnegative", "unit"].includes(s.kind);
  return [s.lower, s.upper].every((b) => b === undefined || b.kind === "const");
}

type Refuse = (reason: string, span?: Span) => never;
type FoundConcentration =
  | { readonly kind: "fixed"; readonly value: number }
  | {
      readonly kind: "site";
      readonly name: string;
      readonly gamma?: { readonly kind: "gamma"; readonly shape: number; readonly rate: number };
    };

/** Data alone, or a site of its own that only the labels read. */
function concentrationOf(
  conditioned: Conditioned,
  plate: UnboundedPlate,
  refuse: Refuse,
): FoundConcentration {
  const { model, inputs, sizes, observed } = conditioned;
  let alpha: Expr | undefined;
  walkStmts(model.body, (s) => {
    if (s.kind === "site" && s.name === plate.label && s.dist.kind === "named") {
      alpha = s.dist.args.alpha;
    }
  });
  if (alpha === undefined) return internalError("labels without concentration");
  const random = new Set(model.variables.filter((v) => v.random).map((v) => v.name));
  const scope = hostScope(inputs, sizes, model);
  const known = (e: Expr): number | undefined => {
    const names = [...freeVariables(e)];
    if (names.some((n) => !inputs.has(n) && !sizes.has(n))) return undefined;
    return evaluateExpr(e, scope).data[0];
  };
  const fixed = known(alpha);
  if (fixed !== undefined) {
    if (fixed > 0 && fixed < Infinity) return { kind: "fixed", value: fixed };
    return refuse(`its concentration is ${fixed}`, alpha.span);
  }
  if (alpha.kind !== "var" || alpha.role !== "site" || observed.has(alpha.name)) {
    return refuse("its concentration is neither data nor a latent site", alpha.span);
  }
  const { name } = alpha;
  let prior: Extract<Stmt, { kind: "site" }> | undefined;
  walkStmts(model.body, (s) => {
    if (s.kind === "site" && s.name === name) prior = s;
    const reads = stmtExprs(s).some((e) => freeVariables(e).has(name));
    if (reads && !(s.kind === "site" && s.name === plate.label)) {
      refuse(`its concentration \`${name}\` is also read elsewhere`, s.span);
    }
  });
  if (prior === undefined) return internalError(`${name} has no statement`);
  const { dist, restricted, span } = prior;
  if (stmtExprs(prior).some((e) => [...freeVariables(e)].some((n) => random.has(n)))) {
    return refuse(`the prior of its concentration \`${name}\` depends on a latent site`, span);
  }
  if (dist.kind !== "named" || restricted) return { kind: "site", name };
  const [shape, rate] =
    dist.name === "Gamma"
      ? [known(dist.args.shape), known(dist.args.rate)]
      : dist.name === "Exponential"
        ? [1, known(dist.args.rate)]
        : [undefined, undefined];
  if (shape === undefined || rate === undefined) return { kind: "site", name };
  return { kind: "site", name, gamma: { kind: "gamma", shape, rate } };
}
