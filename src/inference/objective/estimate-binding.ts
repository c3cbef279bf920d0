/** Estimated programs of an objective, or of a run, joined with the programs that they are made of. */
import { fail } from "../../base/diagnostic.js";
import { nearestNames } from "../../base/nearest.js";
import type { Span } from "../../base/span.js";
import { type DataSet, elementCount } from "../../model/data.js";
import type { Expr, Model, Stmt, Variable } from "../../model/ir.js";
import type { Estimate, Objective } from "../../model/objective.js";
import { printType } from "../../model/print.js";
import { sizeConst } from "../../model/size.js";
import { mapExpr, walkStmts } from "../../model/traverse.js";
import { type Conditioned, concreteDims, hostScope } from "../../passes/condition/index.js";
import { evaluateExpr } from "../../passes/interpret/expr.js";
import type { BoundEstimate, Program } from "./conditioned-program.js";
import type { EstimateBinding, ProgramBinding } from "./contract.js";
import { mapStmt } from "./replicate.js";

/** An estimate by the name that draws and evaluations have for it. */
interface Wanted extends Pick<Estimate, "kind" | "keep" | "program" | "proposal"> {
  readonly name: string;
  readonly span?: Span;
  readonly particles: number;
}

export interface BoundPrograms {
  /** The objective's arguments and the proposals that a run gives beside them. */
  readonly programs: ReadonlyMap<string, ProgramBinding>;
  readonly estimates: readonly Wanted[];
}

/** Most particles of an estimate. */
const MOST = 100_000;

/**
 * The programs with the proposals among them, which read the sites that they are given.
 * @throws TildeError for particles that are no number from 1 to 100 000
 */
export function withProposals(
  objective: Objective,
  conditioned: Conditioned,
  given: ReadonlyMap<string, ProgramBinding>,
  data: DataSet,
): BoundPrograms {
  const programs = new Map(given);
  const scope = () => hostScope(conditioned.inputs, conditioned.sizes, conditioned.model);
  const estimates: Wanted[] = (objective.estimates ?? []).map((e) => {
    return { ...e, particles: evaluateExpr(e.particles, scope()).data[0] };
  });
  for (const [name, binding] of given) {
    const { estimate } = binding;
    if (estimate === undefined) continue;
    estimates.push(atRun(name, estimate, programs));
  }
  for (const { kind, particles, span, program, proposal } of estimates) {
    if (!(particles >= 1 && particles <= MOST)) {
      fail("estimate_particles", span, { kind, value: particles });
    }
    const base = programs.get(program);
    const own = proposal === undefined ? undefined : programs.get(proposal);
    if (base === undefined || proposal === undefined || own === undefined) continue;
    const sites = base.model.variables.filter((v) => v.role === "site" && !data.has(v.name));
    const opened = openInputs(own.model, new Set(sites.map((v) => v.name)));
    if (opened !== own.model) programs.set(proposal, { ...own, model: opened });
  }
  return { programs, estimates };
}

/** An argument of the objective stands for the estimate, whose program keeps the argument's name. */
function atRun(
  name: string,
  { proposal, ...e }: EstimateBinding,
  programs: Map<string, ProgramBinding>,
): Wanted {
  if (proposal === undefined) return { ...e, name, program: name };
  const key = `${name}.proposal`;
  programs.set(key, proposal);
  return { ...e, name, program: name, proposal: key };
}

/** The program with some inputs as sites without statements, whose values a draw gives. */
export function openInputs(model: Model, names: ReadonlySet<string>): Model {
  const opened = model.inputs.filter((i) => names.has(i.name));
  if (opened.length === 0) return model;
  const own = new Set(opened.map((i) => i.name));
  const rewrite = (e: Expr): Expr =>
    mapExpr(e, (x) =>
      x.kind === "var" && x.role === "input" && own.has(x.name)
        ? { ...x, role: "site" }
        : undefined,
    );
  const variables = opened.map(
    ({ name, span, type, support }): Variable => ({
      ...{ name, span, type, support, role: "site", eventRank: 0, random: true },
    }),
  );
  return {
    ...model,
    inputs: model.inputs.filter((i) => !own.has(i.name)),
    variables: [...model.variables, ...variables],
    body: model.body.map((s) => mapStmt(s, rewrite)),
  };
}

/**
 * The estimated programs of the objective's text by their names; those that a run gives stand in
 * `programs` in the place of the programs that they are made of.
 * @throws TildeError for sites that there are not, for proposals that draw others than they should,
 * and for guides with auxiliary sites that nothing integrates over
 */
export function bindEstimates(
  objective: Objective,
  { programs: bindings, estimates }: BoundPrograms,
  programs: Map<string, Program>,
): ReadonlyMap<string, Program> {
  const found = new Map<string, Program>();
  for (const e of estimates) {
    refuseImages(objective, programs.get(e.program)?.conditioned.model);
    const made = bindEstimate(e, programs, bindings);
    if (made !== undefined) found.set(e.name, made);
  }
  for (const name of bindings.keys()) {
    const made = found.get(name);
    if (made === undefined) continue;
    programs.set(name, made);
    found.delete(name);
  }
  for (const { program } of [...objective.draws, ...objective.evaluations]) {
    const binding = bindings.get(program);
    const [name] = binding?.auxiliary ?? [];
    if (binding === undefined || name === undefined) continue;
    if (programs.get(program)?.estimate !== undefined) continue;
    const { model } = binding;
    const site = model.variables.find((v) => v.name === name);
    fail("guide_auxiliary", site?.span, { name, guide: model.name });
  }
  return found;
}

/** Densities of images are known at their own draws alone. */
function refuseImages({ name: objective }: Objective, model: Model | undefined): void {
  const [image] = Object.keys(model?.images ?? {});
  if (model === undefined || image === undefined) return;
  const span = model.variables.find((v) => v.name === image)?.span;
  const what = "estimates its density";
  fail("transformed_density", span, { site: image, guide: model.name, objective, what });
}

function bindEstimate(
  e: Wanted,
  programs: ReadonlyMap<string, Program>,
  bindings: ReadonlyMap<string, ProgramBinding>,
): Program | undefined {
  const base = programs.get(e.program);
  if (base === undefined) return undefined;
  if (e.name !== e.program && bindings.get(e.program)?.estimate !== undefined) {
    fail("estimate_nested", e.span, { name: e.program, kind: e.kind });
  }
  const { kind, span, particles } = e;
  const own = integrated(e, base, bindings.get(e.program));
  const proposal = e.proposal === undefined ? undefined : programs.get(e.proposal);
  if (proposal !== undefined) checkProposal(e, base, proposal, own);
  const { name: program } = base.conditioned.model;
  const name = e.name === e.program ? `${kind}(${program})` : e.name;
  const estimate: BoundEstimate = {
    ...{ kind, name, span, particles, own, base },
    ...(proposal !== undefined && { proposal }),
  };
  return { ...base, estimate };
}

/** Sites that are neither kept nor given by data. */
function integrated(
  e: Wanted,
  { conditioned, isGuide }: Program,
  binding: ProgramBinding | undefined,
): ReadonlySet<string> {
  const { model, observed } = conditioned;
  const known = sitesOf(model);
  const isGiven = (name: string): boolean => {
    const value = observed.get(name);
    return value !== undefined && value.missing === undefined;
  };
  const open = known.filter((name) => !isGiven(name));
  if (e.kind === "normalize") {
    if (open.length === 0) fail("estimate_nothing", e.span ?? model.span, { program: model.name });
    return new Set(open);
  }
  for (const { name: site, span } of e.keep ?? []) {
    if (known.includes(site)) continue;
    const near = nearestNames(site, known);
    fail("estimate_keep_unknown", span, { site, program: model.name, known, near });
  }
  const auxiliary = binding?.auxiliary ?? [];
  if (e.keep === undefined && !isGuide) {
    fail("estimate_keep_needed", e.span, { program: model.name, known });
  }
  const kept = e.keep?.map((k) => k.name) ?? known.filter((name) => !auxiliary.includes(name));
  return new Set(open.filter((name) => !kept.includes(name)));
}

function sitesOf({ variables, body }: Model): string[] {
  const drawn = new Set<string>();
  walkStmts(body, (s) => {
    if (s.kind === "site") drawn.add(s.name);
  });
  return variables.flatMap((v) => (v.role === "site" && drawn.has(v.name) ? [v.name] : []));
}

function holds(s: Stmt, test: (s: Stmt) => boolean): boolean {
  let found = false;
  walkStmts([s], (t) => {
    found ||= test(t);
  });
  return found;
}

function checkProposal(
  e: Wanted,
  base: Program,
  proposal: Program,
  own: ReadonlySet<string>,
): void {
  const { model } = proposal.conditioned;
  // Weights need the density of what is drawn, at all values that are given.
  const odd = model.body.find((s) => holds(s, (t) => t.kind === "factor" || t.kind === "observe"));
  if (odd !== undefined) fail("estimate_factor", odd.span, { proposal: model.name });
  const draws = sitesOf(model).filter((name) => {
    const value = proposal.conditioned.observed.get(name);
    return value === undefined || value.missing !== undefined;
  });
  const missing = [...own].filter((name) => !draws.includes(name));
  const extra = draws.filter((name) => !own.has(name));
  if (missing.length + extra.length > 0) {
    const params = { proposal: model.name, program: base.conditioned.model.name, missing, extra };
    fail("estimate_proposal", e.span ?? model.span, params);
  }
  for (const site of own) {
    const [mine, wanted] = [proposal, base].map(({ conditioned }) => {
      const v = conditioned.model.variables.find((x) => x.name === site);
      const dims = v === undefined ? [] : concreteDims(conditioned, v.type.dims);
      return { scalar: v?.type.scalar ?? "real", dims };
    });
    const isSame =
      mine.scalar === wanted.scalar &&
      mine.dims.length === wanted.dims.length &&
      mine.dims.every((d, k) => d === wanted.dims[k]);
    if (isSame || elementCount(wanted.dims) + elementCount(mine.dims) === 0) continue;
    const [text, expected] = [mine, wanted].map((t) =>
      printType({ scalar: t.scalar, dims: t.dims.map(sizeConst) }),
    );
    const params = { site, proposal: model.name, own: text, wanted: expected };
    fail("estimate_shape", model.variables.find((v) => v.name === site)?.span, params);
  }
}
