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
import type { DirectJoint, Reference } from "../logjoint/direct.js";
import { Algebra } from "./algebra.js";
import { offsets, stridesBy } from "./arrays.js";
import { MAX_PRODUCT } from "./coefficients.js";
import type { ExpectedFactor, ExpectedJoint, ExpectedSite, NotMultilinear } from "./contract.js";
import { Emitter } from "./emit.js";
import { Reader } from "./nodes.js";
import { type Prepared, prepare } from "./prepare.js";
import { factsOf } from "./sites.js";
import { canonicalReadings, StatisticTable } from "./statistics.js";
import { dependsOn } from "./substitute.js";
import { axesSize, Obstacle, type Value } from "./terms.js";

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
  readonly dims: Value["dims"];
  readonly node: Node;
  readonly references: readonly Reference[];
}

/**
 * The expected joint of a direct joint whose sites are read in their own coordinates. `points` are
 * read as values from the direct sites' own inputs (in whichever coordinates those are) and never
 * block. Inputs of statistics are called `<site>.<statistic>`.
 *
 * A factor has a row for each tuple of elements that it reads, not for each tuple of its
 * statement's loops: those that only repeat elements are summed, so `references` are its own.
 *
 * Symmetric arrays are read in one triangle: gradients in `inverse`, and in `value` of matrix
 * sites, may be unsymmetric; their mean with the transpose is the natural parameter of a
 * symmetric statistic.
 *
 * @param most numbers of a product of known arrays that is formed here; larger ones are nodes
 */
export function expectJoint(
  joint: DirectJoint,
  points: ReadonlySet<string>,
  most = MAX_PRODUCT,
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
  const plan = (node: Node, given: readonly Reference[]): Plan | undefined => {
    try {
      const { value, references } = withoutRepeats(a, reader.value(node), given);
      const terms = value.terms.flatMap((t) => {
        const made = prepare(a.axes, canonicalReadings(t, sites), { g, most });
        return made === undefined ? [] : [made];
      });
      return { terms, dims: value.dims, node, references };
    } catch (e) {
      if (!(e instanceof Obstacle)) throw e;
      for (const k of e.sites) if (!blocked.has(k)) blocked.set(k, e.reason);
      return undefined;
    }
  };
  const factors = joint.factors.map((f) => plan(f.rows, f.references));
  const plain = joint.plain.map((t) => plan(t, []));
  if (blocked.size > 0) return refusal(joint, blocked);

  const table = new StatisticTable(g, sites);
  for (const p of [...factors, ...plain]) {
    for (const t of p?.terms ?? []) for (const r of t.readings) table.register(r);
  }
  const emitter = new Emitter(g, table);
  const emit = (p: Plan): Node =>
    g.withOrigin(p.node.origin, () =>
      g.reshape(emitter.emit(p.terms, p.dims.flat()), p.dims.map(axesSize)),
    );
  return {
    g,
    factors: joint.factors.flatMap((f, k): ExpectedFactor[] => {
      const p = factors[k];
      return p === undefined ? [] : [{ label: f.label, references: p.references, rows: emit(p) }];
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

/**
 * Rows of tuples that read the same elements added up, where loops of the statement do that (each
 * pixel of an image by the image's class): they become part of the data's statistics.
 */
function withoutRepeats(
  a: Algebra,
  v: Value,
  references: readonly Reference[],
): { readonly value: Value; readonly references: readonly Reference[] } {
  if (references.length === 0) return { value: v, references };
  const [tuples, ...others] = v.dims;
  const tables = references.map((r) => Int32Array.from(r.elements));
  const read = tables.map((t) => dependsOn(t, tuples));
  const kept = tuples.filter((x) => read.some((axes) => axes.has(x)));
  if (kept.length === tuples.length) return { value: v, references };
  const repeated = tuples.filter((x) => !kept.includes(x));
  const apart: Value = { dims: [kept, ...others, repeated], terms: v.terms };
  const at = offsets(kept, stridesBy(tuples));
  return {
    value: a.sum(apart, [others.length + 1]),
    references: references.map((r) => ({
      ...r,
      elements: Float64Array.from(at, (k) => r.elements[k]),
    })),
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
