/**
 * The law of a site's draws at the elements that a statement of another program has a density for:
 * guides and models may write a site in other loops, as a vector or element by element.
 */
import {
  expectedLogDensity,
  expectedVectorDensity,
  divergence as known,
  type Law,
  marginals,
  rangeOf,
} from "../../distributions/expectations/index.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node, Shape } from "../../tensor/ops.js";
import type { SiteLaw } from "./programs.js";

/** Laws that have one distribution and one parameterisation, in one array of draws. */
interface Table {
  readonly law: Law;
  readonly count: number;
  /** Where the draw of each place stands in the array; −1: none is made. */
  readonly at: (place: number) => number;
}

/** Arguments of `batch ++ own` as `[count] ++ own`. */
function flat({ law, batch, rows }: SiteLaw, g: GraphBuilder): Law {
  const args = Object.entries(law.args).map(([name, x]) => {
    const own = x.shape.slice(batch.length);
    return [name, g.reshape(x, [rows.length, ...own])] as const;
  });
  return { name: law.name, args: Object.fromEntries(args) };
}

const mapArgs = (law: Law, f: (x: Node) => Node): Law => ({
  name: law.name,
  args: Object.fromEntries(Object.entries(law.args).map(([name, x]) => [name, f(x)])),
});

const shapeOf = (law: Law): string => [law.name, ...Object.keys(law.args).sort()].join(" ");

function tableOf(g: GraphBuilder, drawn: readonly SiteLaw[]): Table | undefined {
  const [first] = drawn;
  if (drawn.some((d) => shapeOf(d.law) !== shapeOf(first.law))) return undefined;
  const laws = drawn.map((d) => flat(d, g));
  const names = Object.keys(first.law.args);
  const args = Object.fromEntries(
    names.map((name) => {
      const parts = laws.map((l) => l.args[name]);
      return [name, parts.length === 1 ? parts[0] : g.concat(parts, 0)];
    }),
  );
  const places = new Map<number, number>();
  for (const { rows } of drawn) for (const row of rows) places.set(row, places.size);
  const count = drawn.reduce((n, d) => n + d.rows.length, 0);
  // A place that is written twice is no draw of either.
  if (places.size !== count) return undefined;
  return { law: { name: first.law.name, args }, count, at: (place) => places.get(place) ?? -1 };
}

/** The laws at the given places of the table, in order; undefined where some place is not drawn. */
function lawAt(g: GraphBuilder, table: Table, places: Float64Array): Law | undefined {
  const rows = places.map((p) => table.at(p));
  if (rows.some((r) => r < 0)) return undefined;
  if (rows.length === table.count && rows.every((r, k) => r === k)) return table.law;
  const indices = g.constant(Float64Array.from(rows), [rows.length], "int");
  return mapArgs(table.law, (x) => g.gather(x, indices, 0));
}

/** What is known of the draws of a site at a statement that evaluates their density. */
export interface Pair {
  /** E_q log p, of the statement's batch shape. */
  readonly density?: Node;
  /** E_q [log q − log p], where both have the same draws as elements. */
  readonly divergence?: Node;
}

const inBatch = (g: GraphBuilder, x: Node | undefined, batch: Shape): Node | undefined =>
  x && g.reshape(x, batch);

/** Why nothing is known of a pair. */
export type Unpaired = "elements" | "family";

/**
 * @param drawn the statements that draw the site, all of them
 * @param to the statement that evaluates the density, at the same copies
 */
export function pairOf(g: GraphBuilder, drawn: readonly SiteLaw[], to: SiteLaw): Pair | Unpaired {
  const [{ eventSize }] = drawn;
  const table = drawn.every((d) => d.eventSize === eventSize) ? tableOf(g, drawn) : undefined;
  if (table === undefined) return "elements";
  const p = flat(to, g);
  if (eventSize === to.eventSize) {
    const q = lawAt(g, table, to.rows);
    if (q === undefined) return "elements";
    if (to.restricted && rangeOf(g, q) === "real") return "family";
    const density = inBatch(g, expectedLogDensity(g, q, p), to.batch);
    const divergence = inBatch(g, known(g, q, p), to.batch);
    return density === undefined && divergence === undefined ? "family" : { density, divergence };
  }
  if (to.eventSize === 1) {
    const each = marginals(g, table.law);
    if (each === undefined) return "family";
    const law = mapArgs(each, (x) => g.reshape(x, [table.count * eventSize]));
    const at = (place: number): number => {
      const row = table.at(Math.floor(place / eventSize));
      return row < 0 ? row : row * eventSize + (place % eventSize);
    };
    const q = lawAt(g, { law, count: table.count * eventSize, at }, to.rows);
    if (q === undefined) return "elements";
    if (to.restricted && rangeOf(g, q) === "real") return "family";
    const density = inBatch(g, expectedLogDensity(g, q, p), to.batch);
    return density === undefined ? "family" : { density };
  }
  if (eventSize !== 1 || to.restricted) return "family";
  const places = new Float64Array(to.rows.length * to.eventSize).map(
    (_, k) => to.rows[Math.floor(k / to.eventSize)] * to.eventSize + (k % to.eventSize),
  );
  const elements = lawAt(g, table, places);
  if (elements === undefined) return "elements";
  const q = mapArgs(elements, (x) => g.reshape(x, [to.rows.length, to.eventSize]));
  const density = inBatch(g, expectedVectorDensity(g, q, p), to.batch);
  return density === undefined ? "family" : { density };
}
