/**
 * Structured factors q(z) q(x | z) of a discrete site and a continuous one of which every unit is
 * read with one element of z: x has a factor for each value of z (Saul & Jordan 1996). The log joint
 * is multilinear in the statistics of x and the counts of z, so column k of the tables is taken at
 * the statistics given z = k, all else at their average. Everything runs through the kernels of the
 * plan without structure: an instance that stands before them loads each value's statistics in turn.
 */
import { internalError } from "../../base/internal.js";
import { stream } from "../../math/rng/random.js";
import { topological } from "../../tensor/traverse.js";
import type { KernelInstance } from "../contract.js";
import type { Statistic } from "../expectation/contract.js";
import { inputsOf, names } from "./compile.js";
import { type Factor, factorFrom } from "./contract.js";
import type { AscentPlan } from "./engine.js";
import { factorOf } from "./factors/index.js";
import { elementsOf } from "./patterns.js";

export interface Conditional {
  /** x, in the plan's joint. */
  readonly site: number;
  /** z, among the plan's discrete sites. */
  readonly discrete: number;
  /** Patterns whose tables depend on x; each reads one element of z. */
  readonly patterns: readonly number[];
  /** The element of z (counted within it) that each scalar of x is read with; −1: none. */
  readonly elements: Int32Array;
  /** The same of each entry of each statistic. */
  readonly entries: readonly Int32Array[];
  /** For each element a pattern and a tuple that read it. */
  readonly tuples: readonly { readonly pattern: number; readonly tuple: number }[];
}

/** A conditional factor has at most so many values: each is a run of the kernels. */
const LARGEST_COUNT = 64;

/**
 * Finds which element each unit of x is read with, by the response of natural parameters to random
 * counts that are masked by the bits of the element's number.
 * @param instance of the plan's kernels, with statistics of every site loaded
 * @returns the reason where there is no such structure
 */
export function findConditional(
  plan: AscentPlan,
  instance: KernelInstance,
  site: number,
  discrete: number,
): Conditional | string {
  const x = plan.joint.sites[site];
  const z = plan.discrete[discrete];
  if (x.kind === "point") return "the continuous site belongs to no conjugate family";
  if (z.count > LARGEST_COUNT) return `\`${z.name}\` has more than ${LARGEST_COUNT} values`;
  const inputs = new Set(inputsOf(x).map((n) => n.name));
  const patterns = plan.patterns.flatMap((p, k) => {
    const reads = topological([p.table]).some((n) => n.op === "input" && inputs.has(n.name));
    return reads ? [k] : [];
  });
  const name = x.direct.latent.name;
  if (patterns.length === 0) return `no statement reads \`${name}\` together with \`${z.name}\``;
  const isAlone = patterns.every((p) => {
    const { references } = plan.patterns[p];
    return references.length === 1 && references[0].site === z;
  });
  if (!isAlone) return `\`${name}\` is read with other discrete sites too`;

  const several = `an element of \`${name}\` is read with several elements of \`${z.name}\``;
  if (patterns.some((p) => plan.patterns[p].shared)) return several;

  const rng = stream(1_996, 0, 0, 0);
  const counts = plan.patterns.map((_, p) => instance.f64(names.counts(p)));
  const weights = patterns.map((p) => Float64Array.from(counts[p], () => 0.5 + rng.uniform()));
  const elementOf = (p: number, tuple: number): number =>
    plan.patterns[p].references[0].elements[tuple] - z.offset;
  const respond = (isOn: (element: number) => boolean): Float64Array[] => {
    for (const c of counts) c.fill(0);
    patterns.forEach((p, at) => {
      for (let i = 0; i < weights[at].length; i++) {
        if (isOn(elementOf(p, Math.floor(i / z.count)))) counts[p][i] = weights[at][i];
      }
    });
    instance.call(names.update(site));
    return x.statistics.map((s, j) => {
      return instance.f64(names.natural(site, j)).slice(0, s.input.shape[0]);
    });
  };
  const base = respond(() => false);
  const whole = respond(() => true);
  const bits = Math.max(1, Math.ceil(Math.log2(elementsOf(z))));
  const masked = Array.from({ length: bits }, (_, b) => respond((e) => ((e >> b) & 1) === 1));
  for (const c of counts) c.fill(0);
  const entries = x.statistics.map((_, j) => new Int32Array(base[j].length).fill(-1));
  for (const [j, own] of entries.entries()) {
    for (let i = 0; i < own.length; i++) {
      const full = whole[j][i] - base[j][i];
      if (Math.abs(full) <= 1e-12 * (Math.abs(whole[j][i]) + Math.abs(base[j][i]))) continue;
      let element = 0;
      for (let b = 0; b < bits; b++) {
        const part = (masked[b][j][i] - base[j][i]) / full;
        if (Math.abs(part - 1) < 1e-6) element |= 1 << b;
        else if (!(Math.abs(part) < 1e-6)) return several;
      }
      own[i] = element;
    }
  }

  const scalars = x.statistics.map((s, j) =>
    scalarsOf(s.statistic, base[j].length, x.direct.latent.dims),
  );
  const units = unitsOf(
    x.direct.latent.length,
    eventSize(x.statistics, x.direct.latent.dims),
    x.statistics.map((s) => s.statistic),
  );
  const elements = new Int32Array(x.direct.latent.length).fill(-1);
  for (const [j, own] of entries.entries()) {
    for (let i = 0; i < own.length; i++) {
      if (own[i] < 0) continue;
      const unit = units[scalars[j][i]];
      if (elements[unit] >= 0 && elements[unit] !== own[i]) {
        return `elements of \`${name}\` that are read with different elements of \`${z.name}\` depend on each other`;
      }
      elements[unit] = own[i];
    }
  }
  for (let i = 0; i < elements.length; i++) elements[i] = elements[units[i]];
  for (const [j, own] of entries.entries()) {
    for (let i = 0; i < own.length; i++) own[i] = elements[scalars[j][i]];
  }
  const tuples = new Array<{ pattern: number; tuple: number }>(elementsOf(z));
  for (const p of [...patterns].reverse()) {
    for (let t = plan.patterns[p].tuples - 1; t >= 0; t--) {
      tuples[elementOf(p, t)] = { pattern: p, tuple: t };
    }
  }
  return { site, discrete, patterns, elements, entries, tuples };
}

/** The first scalar that each entry of a statistic reads. */
function scalarsOf(s: Statistic, length: number, dims: readonly number[]): Int32Array {
  const d = dims[dims.length - 1] ?? 1;
  return Int32Array.from({ length }, (_, i) => {
    if (s.kind === "products") return s.first[i];
    return s.kind === "log_det" ? i * d * d : i;
  });
}

/** Scalars of a vector or matrix that one member of a family holds; 1 for scalar families. */
function eventSize(
  statistics: readonly { readonly statistic: Statistic }[],
  dims: readonly number[],
): number {
  const d = dims[dims.length - 1] ?? 1;
  const kinds = statistics.map((s) => s.statistic.kind);
  return kinds.includes("log_det") || kinds.includes("inverse") ? d * d : 1;
}

/** A representative scalar of the unit that each scalar belongs to. */
function unitsOf(length: number, event: number, statistics: readonly Statistic[]): Int32Array {
  const parent = Int32Array.from({ length }, (_, i) => i - (i % event));
  const find = (i: number): number => {
    let root = i;
    while (parent[root] !== root) root = parent[root];
    return root;
  };
  for (const s of statistics) {
    if (s.kind !== "products") continue;
    for (let k = 0; k < s.first.length; k++) {
      const [a, b] = [find(s.first[k]), find(s.second[k])];
      parent[Math.max(a, b)] = Math.min(a, b);
    }
  }
  return parent.map((_, i) => find(i));
}

/** What takes the place of the plan's instance and of x's factor. */
export interface Conditioned {
  readonly instance: KernelInstance;
  readonly factor: Factor;
  /** Takes the statistics that stand in the workspace for those of every value. */
  readonly reset: () => void;
}

export function conditionalFactor(
  plan: AscentPlan,
  instance: KernelInstance,
  found: Conditional,
): Conditioned {
  const { site, discrete, patterns, elements, entries, tuples } = found;
  const x = plan.joint.sites[site];
  if (x.kind === "point") return internalError("a point has no conditional factor");
  const { count: K, offset, low } = plan.discrete[discrete];
  const values = Array.from({ length: K }, (_, k) => k);
  const lengths = x.statistics.map((s) => s.input.shape[0]);
  const statistics = lengths.map((n, j) => instance.f64(names.statistic(site, j)).subarray(0, n));
  const natural = lengths.map((n, j) => instance.f64(names.natural(site, j)).subarray(0, n));
  const counts = plan.patterns.map((p, k) => {
    return instance.f64(names.counts(k)).subarray(0, size(p.table.shape));
  });
  const tables = plan.patterns.map((p, k) => {
    return instance.f64(names.table(k)).subarray(0, size(p.table.shape));
  });
  const factors = values.map(() => factorOf(x) ?? internalError("a site has no factor"));
  /** Statistics given each value, and natural parameters of all values one after another. */
  const given = values.map(() => lengths.map((n) => new Float64Array(n)));
  const naturals = lengths.map((n) => new Float64Array(n * K));
  /** Of the statements that read no element. */
  const own = lengths.map((n) => new Float64Array(n));
  const nats = values.map(() => new Float64Array(elements.length));

  const load = (list: readonly Float64Array[]): void => {
    list.forEach((v, j) => {
      statistics[j].set(v);
    });
  };
  /** Runs with other counts in place; `keep` says which patterns keep theirs. */
  const withCounts = (
    keep: (p: number) => boolean,
    column: number | undefined,
    weight: (p: number, i: number) => number,
    run: () => void,
  ): void => {
    const before = counts.map((c) => c.slice());
    counts.forEach((c, p) => {
      if (keep(p)) return;
      c.fill(0);
      if (column === undefined || !patterns.includes(p)) return;
      for (let i = column; i < c.length; i += K) c[i] = weight(p, i);
    });
    run();
    counts.forEach((c, p) => {
      c.set(before[p]);
    });
  };
  const isOther = (p: number): boolean => !patterns.includes(p);
  /** P(element = k), or 1/K for every value where no weight has been given yet. */
  const weightOf = (element: number, k: number): number => {
    const { pattern, tuple } = tuples[element];
    let total = 0;
    for (let v = 0; v < K; v++) total += counts[pattern][tuple * K + v];
    return total > 0 ? counts[pattern][tuple * K + k] / total : 1 / K;
  };
  const average = (out: readonly Float64Array[]): void => {
    out.forEach((o, j) => {
      for (let i = 0; i < o.length; i++) {
        const e = entries[j][i];
        o[i] = e < 0 ? given[0][j][i] : 0;
        if (e >= 0) for (const k of values) o[i] += weightOf(e, k) * given[k][j][i];
      }
    });
  };

  const runs: Record<string, () => number> = {
    [names.update(site)]: () => {
      for (const k of values) {
        withCounts(
          isOther,
          k,
          () => 1,
          () => {
            instance.call(names.update(site));
          },
        );
        natural.forEach((n, j) => {
          naturals[j].set(n, k * n.length);
        });
      }
      return 0;
    },
    tables: () => {
      withCounts(
        isOther,
        undefined,
        () => 0,
        () => {
          instance.call(names.update(site));
        },
      );
      natural.forEach((n, j) => {
        own[j].set(n);
      });
      const before = statistics.map((s) => s.slice());
      const held = patterns.map((p) => new Float64Array(tables[p].length));
      for (const k of values) {
        load(given[k]);
        instance.call("tables");
        patterns.forEach((p, at) => {
          for (let i = k; i < tables[p].length; i += K) held[at][i] = tables[p][i];
        });
      }
      load(before);
      patterns.forEach((p, at) => {
        tables[p].set(held[at]);
      });
      // What x adds to the weight of each value: its own statements, and its entropy.
      for (const k of values) {
        const add = (e: number, amount: number): void => {
          const { pattern, tuple } = tuples[e];
          tables[pattern][tuple * K + k] += amount;
        };
        own.forEach((eta, j) => {
          for (let i = 0; i < eta.length; i++) {
            if (entries[j][i] >= 0) add(entries[j][i], eta[i] * given[k][j][i]);
          }
        });
        for (let i = 0; i < elements.length; i++) {
          if (elements[i] >= 0) add(elements[i], nats[k][i]);
        }
      }
      return 0;
    },
    terms: () => {
      let total = instance.call("terms");
      // These stand in the tables already.
      own.forEach((eta, j) => {
        for (let i = 0; i < eta.length; i++) {
          if (entries[j][i] >= 0) total -= eta[i] * statistics[j][i];
        }
      });
      return total;
    },
    discrete: () => {
      const logSum = instance.call("discrete");
      average(statistics);
      return logSum;
    },
  };
  /** Natural parameters of another site: each value's counts meet that value's statistics. */
  const others = (k: number): number => {
    const site = plan.joint.sites[k];
    if (site.kind === "point") return internalError("a point has no natural parameters");
    const outputs = site.statistics.map((s, j) => {
      return instance.f64(names.natural(k, j)).subarray(0, s.input.shape[0]);
    });
    const name = names.update(k);
    const sums = outputs.map((o) => new Float64Array(o.length));
    const collect = (sign: number): void => {
      instance.call(name);
      outputs.forEach((o, j) => {
        for (let i = 0; i < o.length; i++) sums[j][i] += sign * o[i];
      });
    };
    const before = statistics.map((s) => s.slice());
    const weights = counts.map((c) => c.slice());
    withCounts(
      isOther,
      undefined,
      () => 0,
      () => collect(1),
    );
    for (const v of values) {
      load(given[v]);
      withCounts(
        () => false,
        v,
        (p, i) => weights[p][i],
        () => collect(1),
      );
      withCounts(
        () => false,
        undefined,
        () => 0,
        () => collect(-1),
      );
    }
    load(before);
    outputs.forEach((o, j) => {
      o.set(sums[j]);
    });
    return 0;
  };
  plan.joint.sites.forEach((s, k) => {
    if (k !== site && s.kind === "statistics") runs[names.update(k)] = () => others(k);
  });
  const call = (name: string, ...args: readonly number[]): number =>
    runs[name]?.() ?? instance.call(name, ...args);
  const special = new Map(lengths.map((_, j) => [names.natural(site, j), naturals[j]]));

  const scratch = values.map(() => new Float64Array(elements.length));
  const mixed = (i: number, f: (factor: Factor) => number): number => {
    if (elements[i] < 0) return f(factors[0]);
    return values.reduce((sum, k) => {
      const w = weightOf(elements[i], k);
      return w > 0 ? sum + w * f(factors[k]) : sum;
    }, 0);
  };
  const factor = factorFrom({
    family: factors[0].family,
    isNumerical: factors[0].isNumerical,
    structure: `${factors[0].structure}, given each value of ${plan.discrete[discrete].name}`,
    update: (all) => {
      for (const k of values) {
        const part = all.map((n) => n.subarray((k * n.length) / K, ((k + 1) * n.length) / K));
        if (!factors[k].update(part)) return false;
        factors[k].statistics(given[k]);
        nats[k].fill(0);
        factors[k].entropies((i, h) => {
          nats[k][i] += h;
        });
      }
      return true;
    },
    statistics: average,
    // Of what is read with an element the tables hold the entropy.
    entropies: (add) => {
      for (let i = 0; i < elements.length; i++) if (elements[i] < 0) add(i, nats[0][i]);
    },
    mean: (i) => mixed(i, (f) => f.mean(i)),
    sd: (i) => {
      const mean = mixed(i, (f) => f.mean(i));
      return Math.sqrt(mixed(i, (f) => f.sd(i) ** 2 + (f.mean(i) - mean) ** 2));
    },
    quantile: (i, p) => {
      const ends = values.map((k) => factors[k].quantile(i, p));
      let [from, to] = [Math.min(...ends), Math.max(...ends)];
      for (let step = 0; step < 60 && to > from; step++) {
        const middle = (from + to) / 2;
        if (mixed(i, (f) => probabilityBelow(f, i, middle)) < p) from = middle;
        else to = middle;
      }
      return (from + to) / 2;
    },
    draw: (rng, out, states) => {
      factors.forEach((f, k) => {
        f.draw(rng, scratch[k], states);
      });
      for (let i = 0; i < out.length; i++) {
        const k = elements[i] < 0 ? 0 : states[offset + elements[i]] - low;
        out[i] = scratch[k][i];
      }
    },
  });
  return {
    instance: {
      call,
      fn:
        (name) =>
        (...args) =>
          call(name, ...args),
      f64: (name) => special.get(name) ?? instance.f64(name),
      i32: (name) => instance.i32(name),
    },
    factor,
    reset: () => {
      for (const k of values) {
        given[k].forEach((g, j) => {
          g.set(statistics[j]);
        });
        nats[k].fill(0);
      }
    },
  };
}

/** The distribution function of a scalar, from its quantiles. */
function probabilityBelow(f: Factor, i: number, x: number): number {
  let [from, to] = [1e-12, 1 - 1e-12];
  if (f.quantile(i, from) >= x) return 0;
  if (f.quantile(i, to) <= x) return 1;
  for (let step = 0; step < 40; step++) {
    const middle = (from + to) / 2;
    if (f.quantile(i, middle) < x) from = middle;
    else to = middle;
  }
  return (from + to) / 2;
}

const size = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);
