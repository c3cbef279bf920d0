/** The pictures of a fit by kind, and which of them it has. */
import { diagnostic, fail, TildeError } from "../../base/diagnostic.js";
import { nearestNames } from "../../base/nearest.js";
import type { Posterior } from "../posterior.js";
import { comesInChains } from "../results/summary.js";
import { checkPicture, observedSites } from "./checks.js";
import {
  densityPicture,
  energyPicture,
  forestPicture,
  pairPicture,
  rankPicture,
  tracePicture,
} from "./draws.js";
import { clustersPicture, elboPicture, historiesOf, labelsOf } from "./learning.js";
import { type Picture, type PictureKind, pictureKinds } from "./picture.js";

interface KindRule {
  readonly make: (posterior: Posterior, vars?: readonly string[]) => Picture;
  /** Why a fit has no such picture. */
  readonly lacks: (posterior: Posterior) => string | undefined;
}

const hasDraws = ({ fit }: Posterior): boolean =>
  !fit.isPoint && fit.chains.length > 0 && fit.chains.every((c) => c.draws > 1);
const inChains = (p: Posterior): string | undefined =>
  comesInChains(p.fit) && hasDraws(p) ? undefined : "it shows the chains of nuts, hmc and gibbs";
const inDraws = (p: Posterior): string | undefined =>
  hasDraws(p) ? undefined : "it shows draws, and this fit has none";

const rules: { readonly [K in PictureKind]: KindRule } = {
  trace: { make: tracePicture, lacks: inChains },
  rank: { make: rankPicture, lacks: inChains },
  density: { make: densityPicture, lacks: inDraws },
  pair: { make: pairPicture, lacks: inDraws },
  forest: { make: forestPicture, lacks: inDraws },
  energy: {
    make: energyPicture,
    lacks: (p) =>
      p.fit.chains.some((c) => (c.statistics.energy?.length ?? 0) > 1)
        ? undefined
        : "it shows the energies of nuts and hmc",
  },
  ppc: {
    make: checkPicture,
    lacks: (p) => {
      if (!hasDraws(p) || p.fit.whole !== undefined) return "it needs draws from the posterior";
      return observedSites(p).length > 0 ? undefined : "the model has no observed sites";
    },
  },
  elbo: {
    make: elboPicture,
    lacks: (p) =>
      historiesOf(p.fit).length > 0 ? undefined : "it shows what vi, svi, cavi and em climb",
  },
  clusters: {
    make: clustersPicture,
    lacks: (p) =>
      labelsOf(p) === undefined || !hasDraws(p)
        ? "it shows labels that were drawn, as gibbs does"
        : undefined,
  },
};

/** The kinds that there are of a fit. */
export function kindsOf(posterior: Posterior): readonly PictureKind[] {
  return pictureKinds.filter((kind) => rules[kind].lacks(posterior) === undefined);
}

/**
 * @param kind the first that there is where it is left out
 * @throws TildeError for a kind that there is not, with those that there are.
 */
export function pictureOf(posterior: Posterior, kind?: string, vars?: readonly string[]): Picture {
  const available = kindsOf(posterior);
  const known = pictureKinds.find((k) => k === (kind ?? available[0] ?? "density"));
  if (known === undefined) {
    const near = nearestNames(kind ?? "", pictureKinds);
    return fail("picture_kind", undefined, { kind: kind ?? "", near, available });
  }
  const reason = rules[known].lacks(posterior);
  if (reason !== undefined) {
    const { method } = posterior;
    const what = { kind: known, method, reason, available };
    throw new TildeError([diagnostic("picture_unavailable", undefined, what)]);
  }
  return rules[known].make(posterior, vars);
}
