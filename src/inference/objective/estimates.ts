/**
 * Densities of estimated programs, by importance sampling (Andrieu and Roberts 2009; Lew,
 * Cusumano-Towner and Mansinghka 2022, section 2). With particles u_j ~ r and weights
 * w(u) = q(x, u) / r(u | x) the estimate of the marginal q(x) is
 *
 *     q̂ = (1/M) Σ_j w(u_j).
 *
 * At a point x from elsewhere all M particles are fresh: E[q̂] = q(x), and E[log q̂] ≤ log q(x). At a
 * draw of the program itself the first particle is the u that x was drawn with, whose law given x is
 * the posterior: E[1/q̂] = 1/q(x), and E[log q̂] ≥ log q(x). Either way a lower bound of the evidence
 * stays one: models are evaluated at data, guides at their own draws.
 *
 * `normalize` draws z among M particles by their weights w = p/r. With M − 1 others its density is
 * estimated by p(z) / ((1/M) Σ_j w_j), z among them: unbiased at a point from elsewhere, with others
 * that are fresh; its reciprocal is, at an own draw, with those that z was chosen among.
 */
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { Evaluation } from "../../model/objective.js";
import type { Node } from "../../tensor/ops.js";
import type { BoundEstimate, Program } from "./conditioned-program.js";
import { dependences } from "./dependence.js";
import { drawParticles, openedProgram, type Particles, wholeTrace } from "./particles.js";
import {
  type Builder,
  type EvaluatedTerm,
  evaluateTerms,
  sumBeyond,
  type Trace,
} from "./programs.js";

/** An evaluation of an estimated program. */
export interface Request {
  /** Of the particles' noise: no other evaluation's. */
  readonly name: string;
  readonly kind: Evaluation["kind"];
  readonly span?: Evaluation["span"];
  readonly frozen: boolean;
  /** Whether the values are a draw of the same program. */
  readonly isOwn: boolean;
}

export interface Estimated {
  /** The log of the estimate: `copies`, for `log_probs` `copies ++ [elements]`. */
  readonly node: Node;
  /** What was drawn for it. */
  readonly particles: readonly Particles[];
}

/** What a trace adds to the log weight, in the shape of its copies and, in a plate, its elements. */
interface Weight {
  /** log p − log r of all that follows from the open sites. */
  readonly log: Node;
  /** log p of that alone. */
  readonly density: Node;
  /** Terms that do not depend on open sites. */
  readonly rest: readonly EvaluatedTerm[];
}

interface Plate {
  readonly length: number;
  readonly scale: number;
}

/** The log of the estimated density of an estimate at the values of a trace. */
export function estimatedDensity(
  b: Builder,
  e: BoundEstimate,
  trace: Trace,
  request: Request,
): Estimated {
  const { g } = b;
  const { frozen, isOwn, kind } = request;
  if (kind === "score" || kind === "laplacian")
    fail("estimate_score", request.span, { program: e.name });
  if (isOwn && frozen) {
    fail("estimate_frozen", request.span, { program: e.name, draw: trace.name });
  }
  const rank = trace.copies.loops.length;
  const isFull = e.kind === "normalize" || isOwn;
  const needsOthers = e.own.size > 0 && trace.logMean === undefined;
  const fresh = needsOthers ? e.particles - (isFull ? 1 : 0) : 0;
  const own = isFull || fresh === 0 ? weighed(b, e, trace, rank, frozen, kind) : undefined;
  const particles = fresh > 0 ? [drawParticles(b, e, request.name, trace, fresh, frozen)] : [];
  const others = particles.map((p) =>
    weighed(b, e, wholeTrace(b, e, trace, p), rank, frozen, kind),
  );
  const plate = own?.plate ?? others[0]?.plate;
  const at = own?.weight ?? others[0].weight;
  const logMean = trace.logMean ?? meanOf(b, e, rank, own?.weight, others[0]?.weight);
  const density = e.kind === "normalize" ? g.sub(at.density, logMean) : logMean;
  const node = joined(b, e, request, rank, density, at.rest, plate);
  return { node, particles };
}

/** log (1/M) Σ_j w_j over the given particle, if there is one, and the drawn ones. */
function meanOf(
  { g }: Builder,
  e: BoundEstimate,
  rank: number,
  own: Weight | undefined,
  others: Weight | undefined,
): Node {
  if (others === undefined) return own?.log ?? internalError("no particle");
  if (own === undefined) return g.sub(g.logsumexp(others.log, [rank]), Math.log(e.particles));
  const shape = [...own.log.shape];
  shape.splice(rank, 0, 1);
  const all = g.concat([g.reshape(own.log, shape), others.log], rank);
  return g.sub(g.logsumexp(all, [rank]), Math.log(e.particles));
}

/** The log weights of a draw's particles, `copies ++ [particles]`. */
export function logWeights(b: Builder, e: BoundEstimate, trace: Trace): Node {
  const rank = trace.copies.loops.length - 1;
  return weighed(b, e, trace, rank, false, "log_joint").weight.log;
}

/** The weights at a trace, whose copies are those of the point and, beyond `rank`, particles. */
function weighed(
  b: Builder,
  e: BoundEstimate,
  trace: Trace,
  rank: number,
  frozen: boolean,
  kind: Evaluation["kind"],
): { readonly weight: Weight; readonly plate: Plate | undefined } {
  const copies = trace.copies.loops.length;
  const terms = evaluateTerms(b, e.base, trace, frozen);
  const kinds = dependences(e.base.conditioned.model, e.own);
  const moving = terms.filter((_, k) => kinds[k] !== "none");
  const rest = terms.filter((_, k) => kinds[k] === "none");
  const proposed = e.proposal && proposalTerms(b, e.proposal, e, trace, frozen);
  const isApart =
    e.kind === "marginal" &&
    terms.every((_, k) => kinds[k] !== "all") &&
    (proposed?.kinds ?? []).every((k) => k === "element");
  const both = [...moving, ...(proposed?.terms ?? [])];
  const plate = isApart ? plateOf(both, copies) : undefined;
  if (plate === undefined && (both.some((t) => t.scale !== 1) || kind === "log_probs")) {
    if (both.length > 0 && kind === "log_probs") {
      fail("pointwise_plates", e.span, { program: e.name });
    }
    if (both.length > 0) fail("estimate_batch", e.span, { program: e.name });
  }
  const shape = trace.copies.loops.map((l) => l.count);
  const wide = plate === undefined ? shape : [...shape, plate.length];
  const zero = wide.length === 0 ? b.g.constant(0) : b.g.zeros(wide);
  const total = (list: readonly EvaluatedTerm[]): Node =>
    list.reduce<Node>((sum, t) => b.g.add(sum, sumBeyond(b.g, t.node, wide.length)), zero);
  // What the program itself draws stands above and below.
  const isDrawn = ({ statement: s }: EvaluatedTerm): boolean =>
    s.kind === "site" && e.own.has(s.name);
  const density = total(moving);
  const log =
    proposed === undefined
      ? total(moving.filter((t) => !isDrawn(t)))
      : b.g.sub(density, total(proposed.terms));
  return { weight: { log, density, rest: rank < copies ? first(b, rest, rank) : rest }, plate };
}

/** The proposal's densities of the open sites, at all values that it reads. */
function proposalTerms(
  b: Builder,
  proposal: Program,
  e: BoundEstimate,
  trace: Trace,
  frozen: boolean,
) {
  const program = openedProgram(e, proposal, trace);
  const terms = evaluateTerms(b, program, trace, frozen);
  return { terms, kinds: dependences(program.conditioned.model, e.own) };
}

/** The plate of one length that all terms stand in. */
function plateOf(terms: readonly EvaluatedTerm[], copies: number): Plate | undefined {
  const [one] = terms;
  if (one === undefined || terms.some((t) => t.loops === 0)) return undefined;
  const length = one.node.shape[copies];
  const isSame = (t: EvaluatedTerm): boolean =>
    t.node.shape[copies] === length && t.scale === one.scale;
  return terms.every(isSame) ? { length, scale: one.scale } : undefined;
}

/** Terms that are alike in all particles, at the first of them. */
function first({ g }: Builder, terms: readonly EvaluatedTerm[], rank: number): EvaluatedTerm[] {
  return terms.map((t) => {
    const { shape } = t.node;
    const one = shape.map((d, k) => (k === rank ? 1 : d));
    const sliced = g.slice(
      t.node,
      shape.map(() => 0),
      one,
    );
    const kept = shape.filter((_, k) => k !== rank);
    return { ...t, node: g.reshape(sliced, kept) };
  });
}

/** The estimate with the terms beside it, summed or, for `log_probs`, by elements. */
function joined(
  b: Builder,
  e: BoundEstimate,
  request: Request,
  rank: number,
  density: Node,
  rest: readonly EvaluatedTerm[],
  plate: Plate | undefined,
): Node {
  const { g } = b;
  if (request.kind === "log_probs") {
    const lengths = new Set(rest.map((t) => (t.loops === 0 ? -1 : t.node.shape[rank])));
    if (plate !== undefined) lengths.add(plate.length);
    if (lengths.size !== 1 || lengths.has(-1)) {
      fail("pointwise_plates", request.span, { program: e.name });
    }
    const nodes = rest.map((t) => sumBeyond(g, t.node, rank + 1));
    return (plate === undefined ? nodes : [density, ...nodes]).reduce((x, y) => g.add(x, y));
  }
  const own = plate === undefined ? density : g.mul(plate.scale, sumBeyond(g, density, rank));
  return rest.reduce<Node>((sum, t) => g.add(sum, g.mul(t.scale, sumBeyond(g, t.node, rank))), own);
}
