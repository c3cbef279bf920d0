/**
 * Rewrites a direct joint as a multilinear function of expected statistics: the canonicalisation of
 * Hoffman, Johnson and Tran, "Autoconj: recognizing and exploiting conjugacy without a
 * domain-specific language" (NeurIPS 2018), on the tensor graph.
 *
 * Nothing is centred: a statistic like v² keeps what floating point leaves of it, so data far from
 * 0 relative to their spread lose digits in Σ (x − μ)² as they do in any update from E[μ²]. Callers
 * that mind centre the data.
 */
import type { Node } from "../../tensor/ops.js";
import type { DirectJoint } from "../logjoint/direct.js";
import { Algebra } from "./algebra.js";
import type { ExpectedFactor, ExpectedJoint, ExpectedSite, NotMultilinear } from "./contract.js";
import { Emitter } from "./emit.js";
import { Reader } from "./nodes.js";
import { type Prepared, prepare } from "./prepare.js";
import { factsOf } from "./sites.js";
import { canonicalReadings, StatisticTable } from "./statistics.js";
import { type Axis, Obstacle } from "./terms.js";

export type {
  ExpectedFactor,
  ExpectedJoint,
  ExpectedSite,
  NotMultilinear,
  Statistic,
  StatisticInput,
} from "./contract.js";

interface Plan {
  readonly terms: readonly Prepared[];
  readonly axes: readonly Axis[];
  readonly node: Node;
}

/**
 * The expected joint of a direct joint whose sites are read in their own coordinates. `points` are
 * read as values from the direct sites' own inputs (in whichever coordinates those are) and never
 * block. Inputs of statistics are called `<site>.<statistic>`.
 *
 * Symmetric arrays are read in one triangle: gradients in `inverse`, and in `value` of matrix
 * sites, may be unsymmetric; their mean with the transpose is the natural parameter of a
 * symmetric statistic.
 */
export function expectJoint(
  joint: DirectJoint,
  points: ReadonlySet<string>,
): ExpectedJoint | NotMultilinear {
  const { g } = joint;
  const sites = factsOf(joint, points);
  const blocked = new Map<number, string>();
  joint.sites.forEach((s, k) => {
    if (!s.isFree || points.has(s.latent.name)) return;
    blocked.set(k, `\`${s.latent.name}\` is read in unconstrained coordinates`);
  });
  if (blocked.size > 0) return refusal(joint, blocked);
  const a = new Algebra(g, sites);
  const reader = new Reader(a, [...joint.factors.map((f) => f.rows), ...joint.plain]);
  const plan = (node: Node): Plan | undefined => {
    try {
      const value = reader.value(node);
      const terms = value.terms.flatMap((t) => {
        const made = prepare(a.axes, canonicalReadings(t, sites));
        return made === undefined ? [] : [made];
      });
      return { terms, axes: value.dims.flat(), node };
    } catch (e) {
      if (!(e instanceof Obstacle)) throw e;
      for (const k of e.sites) if (!blocked.has(k)) blocked.set(k, e.reason);
      return undefined;
    }
  };
  const factors = joint.factors.map((f) => plan(f.rows));
  const plain = joint.plain.map(plan);
  if (blocked.size > 0) return refusal(joint, blocked);

  const table = new StatisticTable(g, sites);
  for (const p of [...factors, ...plain]) {
    for (const t of p?.terms ?? []) for (const r of t.readings) table.register(r);
  }
  const emitter = new Emitter(g, table);
  const emit = (p: Plan): Node =>
    g.withOrigin(p.node.origin, () => g.reshape(emitter.emit(p.terms, p.axes), p.node.shape));
  return {
    g,
    factors: joint.factors.flatMap((f, k): ExpectedFactor[] => {
      const p = factors[k];
      return p === undefined ? [] : [{ label: f.label, references: f.references, rows: emit(p) }];
    }),
    terms: plain.flatMap((p) => (p === undefined ? [] : [emit(p)])),
    sites: joint.sites.map((direct, site): ExpectedSite => {
      if (points.has(direct.latent.name)) {
        return { kind: "point", site, direct, input: direct.input };
      }
      return { kind: "statistics", site, direct, statistics: table.of(site) };
    }),
  };
}

/** Whether `expectJoint` gave up. */
export function isNotMultilinear(e: ExpectedJoint | NotMultilinear): e is NotMultilinear {
  return "kind" in e;
}

function refusal(joint: DirectJoint, blocked: ReadonlyMap<number, string>): NotMultilinear {
  const sites = [...blocked].map(([site, reason]) => ({
    name: joint.sites[site].latent.name,
    site,
    reason,
  }));
  return { kind: "not_multilinear", sites };
}

export { statisticValues } from "./values.js";
