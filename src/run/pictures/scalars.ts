/** The scalars of a fit that a picture shows. */
import type { Posterior } from "../posterior.js";
import { forEachColumn, openColumns } from "../results/columns.js";

export interface Scalar {
  readonly name: string;
  /** Draws, chain after chain. */
  readonly values: Float64Array;
}

export interface Scalars {
  readonly list: readonly Scalar[];
  readonly chains: number;
  /** Of each chain. */
  readonly draws: number;
  /** What was left out, in words. */
  readonly notes: readonly string[];
}

/** Elements of one variable that are looked at. */
const MOST_ELEMENTS = 1000;

/**
 * At most `most` scalars: those of `vars`, or of all variables by turns, so that a long one does not
 * push out the others.
 * @throws TildeError for a name that the model does not define.
 */
export function scalarsOf(
  posterior: Posterior,
  vars: readonly string[] | undefined,
  most: number,
): Scalars {
  const { fit } = posterior;
  const { columns, cut } = openColumns(fit, vars ?? posterior.names, MOST_ELEMENTS);
  const dropped = cut.reduce((n, c) => n + c.total - MOST_ELEMENTS, 0);
  let chosen = columns.slice(0, most);
  if (vars === undefined && columns.length > most) {
    const byTurns = [...columns].sort((a, b) => a.index - b.index).slice(0, most);
    chosen = columns.filter((c) => byTurns.includes(c));
  }
  const list: Scalar[] = [];
  forEachColumn(fit, chosen, ({ name }, draws) => {
    list.push({ name, values: draws.slice() });
  });
  const total = columns.length + dropped;
  const notes =
    total > chosen.length ? [`${chosen.length} of ${total} scalars; \`vars\` chooses others`] : [];
  const draws = Math.min(...fit.chains.map((c) => c.draws));
  return { list, chains: fit.chains.length, draws, notes };
}

/** Rows of divergent transitions, over all chains. */
export function divergentRows({ fit }: Posterior): number[] {
  const rows: number[] = [];
  let start = 0;
  for (const { statistics, draws } of fit.chains) {
    statistics.divergent?.forEach((d, t) => {
      if (d !== 0) rows.push(start + t);
    });
    start += draws;
  }
  return rows;
}
