/** Draws and evaluations of estimated programs in an objective, and what gradients need of them. */
import { fail } from "../../base/diagnostic.js";
import type { Draw, Evaluation, Objective } from "../../model/objective.js";
import type { Node } from "../../tensor/ops.js";
import type { Program } from "./conditioned-program.js";
import type { SiteStrategy } from "./contract.js";
import type { Parts } from "./costs.js";
import { estimatedDensity } from "./estimates.js";
import type { Particles } from "./particles.js";
import { type Builder, drawTrace, type Trace } from "./programs.js";
import type { Copies } from "./replicate.js";
import { choiceTerm, drawResampled, type Resampled } from "./resample.js";
import { type SiteTerms, siteTerms } from "./score.js";
import type { StateNode } from "./states.js";

/** Draws whose sites are not those of a draw of the text, with their draw of the text, if one. */
export interface EstimatedDraws {
  readonly resampled: Map<string, Resampled>;
  readonly particles: Particles[];
}

export function noEstimatedDraws(): EstimatedDraws {
  return { resampled: new Map(), particles: [] };
}

/** A draw of a program, estimated or not. */
export function drawProgram(
  b: Builder,
  program: Program,
  name: string,
  copies: Copies,
  frozen: boolean,
  found: EstimatedDraws,
): Trace {
  if (program.estimate?.kind !== "normalize") return drawTrace(b, program, name, copies, frozen);
  const made = drawResampled(b, program, name, copies, frozen);
  found.resampled.set(name, made);
  return made.trace;
}

/** The log density of an estimated program at a draw of the objective, or at the data. */
export function evaluateEstimated(
  b: Builder & { readonly objective: Objective },
  program: Program,
  trace: Trace,
  e: Evaluation,
  found?: EstimatedDraws,
): Node | undefined {
  if (program.estimate === undefined) return undefined;
  const { draws, evaluations } = b.objective;
  const place = evaluations.findIndex((x) => x.name === e.name);
  const made = estimatedDensity(b, program.estimate, trace, {
    name: `${e.draw ?? "data"}.particles.${place}`,
    ...{ kind: e.kind, span: e.span, frozen: e.frozen },
    isOwn: draws.find((d) => d.name === e.draw)?.program === e.program,
  });
  found?.particles.push(...made.particles);
  return made.node;
}

/** Natural gradients are those of sites that a guide draws, not of particles that are chosen among. */
export function refuseNatural({ draws }: Objective, programs: ReadonlyMap<string, Program>): void {
  for (const d of draws) {
    const estimate = programs.get(d.program)?.estimate;
    if (estimate?.kind !== "normalize") continue;
    fail("estimate_natural", estimate.span ?? d.span, { program: estimate.name });
  }
}

/** The draw as other programs see it: without the sites that a marginal leaves out. */
export function visible(drawnFrom: Program | undefined, trace: Trace): Trace {
  const { estimate } = drawnFrom ?? {};
  if (estimate?.kind !== "marginal" || estimate.own.size === 0) return trace;
  const values = [...trace.values].filter(([name]) => !estimate.own.has(name));
  return { ...trace, values: new Map(values) };
}

/** As `siteTerms`, with the sites of particles and the choices among them. */
export function estimatedTerms(parts: Parts, value: Node, found: EstimatedDraws): SiteTerms {
  const { objective } = parts;
  if (found.resampled.size === 0 && found.particles.length === 0) return siteTerms(parts, value);
  const programs = new Map(parts.programs);
  const traces = new Map(parts.traces);
  /** By draws made here, the draw of the text that they belong to. */
  const owners = new Map<string, string | undefined>();
  const add = ({ program, trace }: Particles, owner: Draw | undefined): Draw => {
    const { name } = trace;
    programs.set(name, program);
    traces.set(name, trace);
    owners.set(name, owner?.name);
    const { span } = owner ?? objective;
    return { name, span, program: name, frozen: owner?.frozen === true, loops: [] };
  };
  const own = objective.draws.flatMap((d) => {
    const made = found.resampled.get(d.name);
    return made === undefined ? [d] : [add(made.particles, d)];
  });
  const draws = [...own, ...found.particles.map((p) => add(p, undefined))];
  const all = { ...parts, programs, traces, objective: { ...objective, draws } };
  const made = siteTerms(all, value);
  const states: StateNode[] = [...made.states];
  const choices = objective.draws.flatMap((d) => {
    const resampled = found.resampled.get(d.name);
    const program = parts.programs.get(d.program);
    if (resampled === undefined || program === undefined || d.frozen) return [];
    return [choiceTerm(parts, d, program, resampled, value, states)];
  });
  const strategies = made.strategies.flatMap((s): SiteStrategy[] => {
    if (!owners.has(s.draw)) return [s];
    const draw = owners.get(s.draw);
    return draw === undefined ? [] : [{ ...s, draw }];
  });
  return { ...made, score: [...made.score, ...choices], states, strategies };
}
