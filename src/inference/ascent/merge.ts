/**
 * Several real sites as one: where their factor is to be joint. The direct joint's graph is copied
 * with each site's input read as a slice of one input, so that products of scalars of different
 * sites become statistics of one site.
 */
import { internalError } from "../../base/internal.js";
import { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import { substitute } from "../../tensor/transform.js";
import { type DirectJoint, type DirectSite, STATES } from "../logjoint/direct.js";

/** Where the scalars of the sites of a direct joint stand after a merge. */
export interface Placement {
  /** The site that holds them, and from which of its scalars on. */
  readonly site: number;
  readonly from: number;
}

export interface Merged {
  readonly joint: DirectJoint;
  /** By site of the joint before. */
  readonly places: readonly Placement[];
}

/**
 * @param groups names of the sites that become one, each group of at least two; all of them real
 *   and read in the model's own coordinates
 */
export function mergeSites(joint: DirectJoint, groups: readonly (readonly string[])[]): Merged {
  const g = new GraphBuilder();
  const replaced = new Map<Node, Node>();
  const places: Placement[] = [];
  const drafts: { readonly site: DirectSite; readonly members: readonly number[] }[] = [];
  const index = new Map(joint.sites.map((s, k) => [s.latent.name, k]));
  const done = new Set<number>();
  joint.sites.forEach((site, k) => {
    if (done.has(k)) return;
    const group = groups.find((names) => names.includes(site.latent.name));
    const members = group?.map((name) => index.get(name) ?? internalError(`no site ${name}`)) ?? [
      k,
    ];
    for (const m of members) done.add(m);
    drafts.push({ site, members });
  });
  const sites = drafts.map(({ site, members }, at): DirectSite => {
    const all = members.map((m) => joint.sites[m]);
    const lengths = all.map((s) => s.input.shape[0]);
    const total = lengths.reduce((n, d) => n + d, 0);
    const name = all.map((s) => s.input.name).join(", ");
    const input = g.input(name, [total]);
    let from = 0;
    members.forEach((m, j) => {
      replaced.set(joint.sites[m].input, g.slice(input, [from], [lengths[j]]));
      places[m] = { site: at, from };
      from += lengths[j];
    });
    if (members.length === 1) return { ...site, input };
    const latent = {
      ...site.latent,
      name,
      dims: [total],
      elements: undefined,
      offset: 0,
      length: total,
    };
    return { ...site, latent, input, supports: all.flatMap((s) => s.supports) };
  });
  const states =
    joint.states === undefined ? undefined : g.input(STATES, joint.states.shape, "int");
  if (joint.states !== undefined && states !== undefined) replaced.set(joint.states, states);
  const copied = substitute(
    g,
    [...joint.factors.map((f) => f.rows), ...joint.terms, joint.logJoint],
    replaced,
  );
  const own = substitute(
    g,
    joint.sites.map((s) => s.own),
    replaced,
  );
  const count = joint.factors.length;
  return {
    joint: {
      g,
      sites: sites.map((s, at) => {
        const parts = drafts[at].members.map((m) => own[m]);
        return { ...s, own: g.concat(parts, 0) };
      }),
      discrete: joint.discrete,
      states,
      factors: joint.factors.map((f, k) => ({ ...f, rows: copied[k] })),
      terms: copied.slice(count, -1),
      plain: joint.plain.map((t) => copied[count + joint.terms.indexOf(t)]),
      logJoint: copied[copied.length - 1],
    },
    places,
  };
}
