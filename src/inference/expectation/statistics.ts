/** Which statistics the terms read, and the inputs that hold their expectations. */
import { internalError } from "../../base/internal.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import type { InputNode, Node } from "../../tensor/ops.js";
import type { Statistic, StatisticInput } from "./contract.js";
import type { SiteFacts } from "./sites.js";
import { Obstacle, type Reading, type Term } from "./terms.js";

/** The readings of a term with one name for equal statistics; what has no expectation blocks. */
export function canonicalReadings(t: Term, sites: readonly SiteFacts[]): Term {
  const seen = new Set<number>();
  for (const r of t.readings) {
    const { name } = sites[r.site];
    if (seen.has(r.site)) {
      const reason = `\`${name}\` enters through products of which no expectation is kept`;
      throw new Obstacle(new Set([r.site]), reason);
    }
    seen.add(r.site);
    if (r.fn.kind === "factor" || r.fn.kind === "log_diagonal") {
      const reason = `\`${name}\` enters through single elements of its Cholesky factor`;
      throw new Obstacle(new Set([r.site]), reason);
    }
  }
  return { ...t, readings: t.readings.map((r) => canonical(r, sites[r.site])) };
}

function canonical(r: Reading, facts: SiteFacts): Reading {
  const { matrix: d } = facts;
  if (r.second !== undefined) {
    const second = r.second;
    const low = r.index.map((v, i) => Math.min(v, second[i]));
    return { ...r, index: low, second: r.index.map((v, i) => Math.max(v, second[i])) };
  }
  if (d === undefined) return r;
  if (d === 1 && r.fn.kind === "log") return { ...r, fn: { kind: "log_det" } };
  if (d === 1 && r.fn.kind === "power" && r.fn.exponent === -1) {
    return { ...r, fn: { kind: "inverse" } };
  }
  const isElement = r.fn.kind === "inverse" || r.fn.kind === "power";
  if (!isElement) return r;
  const index = r.index.map((p) => {
    const [i, j] = [Math.floor(p / d) % d, p % d];
    return p + (Math.max(i, j) - i) * d + Math.min(i, j) - j;
  });
  return { ...r, index };
}

interface Entry {
  readonly kind: Statistic["kind"];
  readonly exponent: number;
  /** Numbers of the pairs, by first · length + second. */
  readonly pairs: Map<number, number>;
  input?: InputNode;
}

export class StatisticTable {
  private readonly entries: Map<string, Entry>[];

  constructor(
    private readonly g: GraphBuilder,
    private readonly sites: readonly SiteFacts[],
  ) {
    this.entries = sites.map(() => new Map());
  }

  /** Takes note of what a (canonical) reading needs; all before the first `read`. */
  register(r: Reading): void {
    const key = keyOf(r);
    const own = this.entries[r.site];
    let entry = own.get(key);
    if (entry === undefined) {
      const exponent = r.fn.kind === "power" ? r.fn.exponent : 1;
      entry = { kind: kindOf(r), exponent, pairs: new Map() };
      own.set(key, entry);
    }
    if (r.second === undefined) return;
    const { length } = this.sites[r.site].direct.latent;
    for (let k = 0; k < r.index.length; k++) {
      const pair = r.index[k] * length + r.second[k];
      if (!entry.pairs.has(pair)) entry.pairs.set(pair, entry.pairs.size);
    }
  }

  /** The inputs of a site. */
  of(site: number): StatisticInput[] {
    const { direct } = this.sites[site];
    return [...this.entries[site].values()].map((e) => ({
      statistic: statisticOf(e, direct.latent.length),
      input: this.inputOf(site, e),
    }));
  }

  private inputOf(site: number, e: Entry): InputNode {
    if (e.input !== undefined) return e.input;
    const { direct, name, matrix } = this.sites[site];
    const { length } = direct.latent;
    let size = length;
    if (e.kind === "products") size = e.pairs.size;
    if (e.kind === "log_det") size = length / (matrix ?? 1) ** 2;
    const power = e.kind === "power" ? `^${e.exponent}` : "";
    e.input = this.g.input(`${name}.${e.kind}${power}`, [size]);
    return e.input;
  }

  /** The expectations that a reading asks for, over its axes. */
  read(r: Reading): Node {
    const { g } = this;
    const entry = this.entries[r.site].get(keyOf(r)) ?? internalError("an unknown statistic");
    const input = this.inputOf(r.site, entry);
    const { length } = this.sites[r.site].direct.latent;
    const { second } = r;
    const at =
      second === undefined
        ? r.index
        : r.index.map((i, k) => entry.pairs.get(i * length + second[k]) ?? internalError("a pair"));
    const shape = r.axes.map((a) => a.size);
    const [first] = at;
    if (at.length > 0 && at.every((v, k) => v === first + k)) {
      return g.reshape(g.slice(input, [first], [at.length]), shape);
    }
    return g.gather(input, g.constant(Float64Array.from(at), shape, "int"), 0);
  }
}

function kindOf(r: Reading): Statistic["kind"] {
  switch (r.fn.kind) {
    case "power":
      return r.fn.exponent === 1 ? "value" : "power";
    case "pair":
      return "products";
    case "factor":
    case "log_diagonal":
      return internalError("a formal reading has no statistic");
    default:
      return r.fn.kind;
  }
}

function keyOf(r: Reading): string {
  return r.fn.kind === "power" ? `power ${r.fn.exponent}` : r.fn.kind;
}

function statisticOf(e: Entry, length: number): Statistic {
  switch (e.kind) {
    case "products": {
      const keys = [...e.pairs.keys()];
      return {
        kind: "products",
        first: Int32Array.from(keys, (k) => Math.floor(k / length)),
        second: Int32Array.from(keys, (k) => k % length),
      };
    }
    case "power":
      return { kind: "power", exponent: e.exponent };
    default:
      return { kind: e.kind };
  }
}
