/** Joint draws of the discrete sites under q, and the most probable assignment. */
import type { RandomStream } from "../../math/rng/random.js";
import { planElimination } from "../enumerate/plan.js";
import { Propagation } from "../enumerate/propagate.js";
import type { Ascent } from "./engine.js";
import { elementsOf, factorGraph, sizeOfSites } from "./patterns.js";

export class DiscreteDraws {
  readonly #ascent: Ascent;
  readonly #count: number;
  readonly #low: Int32Array;
  /** Of elements that stand alone: the site, and its element's marginal. */
  #alone: { readonly probabilities: Float64Array; readonly starts: Int32Array } | undefined;
  #joint: Propagation | undefined;

  constructor(ascent: Ascent) {
    this.#ascent = ascent;
    const { discrete, sum } = ascent.plan;
    this.#count = sizeOfSites(discrete);
    this.#low = new Int32Array(this.#count);
    for (const s of discrete) this.#low.fill(s.low, s.offset, s.offset + elementsOf(s));
    const independent = sum?.groups.every((g) => {
      return g.kind === "aligned" && g.width === 1;
    });
    if (this.#count === 0) return;
    if (independent === true) this.#alone = this.#marginals();
    else {
      const graph = factorGraph(discrete, ascent.plan.patterns);
      const name = (e: number): string => {
        const site = discrete.find((s) => e < s.offset + elementsOf(s));
        return site?.name ?? "a discrete site";
      };
      this.#joint = new Propagation(planElimination(graph, name));
      this.#joint.setTables(ascent.plan.patterns.map((_, p) => ascent.expectedTable(p).slice()));
    }
  }

  /** The model's value of every element, in their numbering. */
  draw(rng: RandomStream): Int32Array {
    if (this.#joint !== undefined) {
      return this.#joint.sample(() => rng.uniform()).map((k, e) => k + this.#low[e]);
    }
    const out = new Int32Array(this.#count);
    if (this.#alone === undefined) return out;
    const { probabilities, starts } = this.#alone;
    for (let e = 0; e < out.length; e++) {
      let left = rng.uniform();
      let k = starts[e];
      // The last value of positive probability takes what rounding leaves over.
      for (let at = starts[e]; at < starts[e + 1]; at++) {
        if (probabilities[at] === 0) continue;
        k = at;
        left -= probabilities[at];
        if (left < 0) break;
      }
      out[e] = k - starts[e] + this.#low[e];
    }
    return out;
  }

  /** The most probable joint assignment. */
  mostProbable(): Int32Array {
    if (this.#joint !== undefined) {
      return this.#joint.mostProbable().values.map((k, e) => k + this.#low[e]);
    }
    const out = new Int32Array(this.#count);
    if (this.#alone === undefined) return out;
    const { probabilities, starts } = this.#alone;
    for (let e = 0; e < out.length; e++) {
      let best = starts[e];
      for (let at = best + 1; at < starts[e + 1]; at++) {
        if (probabilities[at] > probabilities[best]) best = at;
      }
      out[e] = best - starts[e] + this.#low[e];
    }
    return out;
  }

  #marginals(): { probabilities: Float64Array; starts: Int32Array } {
    const { discrete } = this.#ascent.plan;
    const all = this.#ascent.marginals();
    const starts = new Int32Array(this.#count + 1);
    const length = all.reduce((n, m) => n + m.length, 0);
    const probabilities = new Float64Array(length);
    let at = 0;
    discrete.forEach((s, k) => {
      probabilities.set(all[k], at);
      for (let e = 0; e < elementsOf(s); e++) {
        at += s.count;
        starts[s.offset + e + 1] = at;
      }
    });
    return { probabilities, starts };
  }
}
