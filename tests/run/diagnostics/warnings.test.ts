import { describe, expect, it } from "vitest";
import { stream } from "../../../src/math/rng/index.js";
import { effectiveSize, essScratch } from "../../../src/run/diagnostics/ess.js";
import {
  betaQuantile,
  type ChainStatistics,
  samplerDiagnostics,
  VariableDiagnostics,
  type VariableSummary,
} from "../../../src/run/diagnostics/index.js";
import { Sorter, sortOrder } from "../../../src/run/diagnostics/ranks.js";
import { tailScratch, tailSize } from "../../../src/run/diagnostics/tails.js";

const good: VariableSummary = {
  mean: 0,
  sd: 1,
  mcseMean: 0.02,
  q5: -1.6,
  q50: 0,
  q95: 1.6,
  essBulk: 2000,
  essTail: 2500,
  rhat: 1.001,
};

function chain(draws: number, seed: number, autocorrelation = 0): ChainStatistics {
  const random = stream(seed, 0, 0, 0);
  let x = 0;
  return {
    divergent: new Uint8Array(draws),
    treeDepth: new Uint8Array(draws).fill(3),
    energy: Float64Array.from({ length: draws }, () => {
      x = autocorrelation * x + random.normal();
      return x;
    }),
  };
}

const fit = { draws: 1000, targetAccept: 0.8, maxTreeDepth: 10 };

describe("warnings", () => {
  it("says nothing of a good fit", () => {
    const variables = [["mu", good]] as const;
    const result = samplerDiagnostics({
      ...fit,
      chains: [chain(1000, 1), chain(1000, 2)],
      variables,
    });
    expect(result.warnings).toEqual([]);
    expect(result.passed).toBe(true);
    expect(result.maxRhat).toBe(1.001);
    // Independent energies change by twice their variance.
    for (const b of result.ebfmi) expect(b).toBeGreaterThan(1.8);
  });

  it("names what failed, worst first, and what to try", () => {
    const stuck = chain(1000, 3, 0.95); // E-BFMI of an AR(1) is 2(1 - φ) = 0.1
    const divergent = new Uint8Array(1000);
    divergent[5] = 1;
    const result = samplerDiagnostics({
      ...fit,
      chains: [chain(1000, 1), { ...stuck, divergent }],
      variables: [
        ["a", { ...good, rhat: 1.02 }],
        ["b", { ...good, rhat: 1.5, essBulk: 7.9 }],
        ["constant", { ...good, rhat: Number.NaN, essBulk: 1 }],
        ["c", { ...good, essTail: 150 }],
      ],
    });
    expect(result.passed).toBe(false);
    expect(result.warnings.map((w) => [w.code, w.message])).toEqual([
      [
        "divergences",
        "1 draw of 2000 (0.05 %) ended in a divergence, so parts of the posterior may not have been reached",
      ],
      [
        "low_ebfmi",
        expect.stringMatching(
          /^E-BFMI is below 0.3 in chain 2 \(lowest 0\.\d\d\): the chain moves/,
        ),
      ],
      [
        "high_rhat",
        "R-hat is above 1.01 for `b` and `a` (highest 1.500): the chains do not agree yet",
      ],
      [
        "low_ess_bulk",
        "bulk effective sample size is below 200 for `b` (lowest 7): means and medians are imprecise",
      ],
      [
        "low_ess_tail",
        "tail effective sample size is below 200 for `c` (lowest 150): standard deviations and 5 % and 95 % quantiles are imprecise",
      ],
    ]);
    expect(result.warnings.every((w) => w.severity === "warning" && w.help !== undefined)).toBe(
      true,
    );
  });

  it("fails a fit for divergences above one in 200 draws, and warns of fewer", () => {
    const judged = (count: number) => {
      const divergent = new Uint8Array(1000).fill(1, 0, count);
      const chains = [{ ...chain(1000, 1), divergent }, chain(1000, 2)];
      return samplerDiagnostics({ ...fit, chains, variables: [["mu", good]] });
    };
    for (const [count, passed] of [
      [0, true],
      [1, true],
      [10, true],
      [11, false],
    ] as const) {
      const result = judged(count);
      expect(result.passed).toBe(passed);
      expect(result.warnings.map((w) => w.code)).toEqual(count > 0 ? ["divergences"] : []);
    }
    const stuck = { ...good, rhat: 1.2 };
    const chains = [{ ...chain(1000, 1), divergent: new Uint8Array(1000).fill(1, 0, 1) }];
    expect(samplerDiagnostics({ ...fit, chains, variables: [["mu", stuck]] }).passed).toBe(false);
  });

  it("warns of every divergence, and fails a fit where more than 0.5 % of its draws diverged", () => {
    const judge = (count: number, variable = good) => {
      const divergent = new Uint8Array(1000).fill(1, 0, count);
      const chains = [chain(1000, 1), { ...chain(1000, 2), divergent }];
      return samplerDiagnostics({ ...fit, chains, variables: [["mu", variable]] });
    };
    // Of 2000 draws 10 are 0.5 %.
    for (const [count, passed] of [
      [1, true],
      [10, true],
      [11, false],
      [500, false],
    ] as const) {
      const result = judge(count);
      expect(result.warnings.map((w) => w.code)).toEqual(["divergences"]);
      expect(result.passed, `${count} divergences`).toBe(passed);
    }
    // What is tolerated of divergences excuses nothing else.
    expect(judge(1, { ...good, rhat: 1.2 }).passed).toBe(false);
  });

  it("does not fail a fit for its tree depth alone", () => {
    const deep = { ...chain(1000, 1), treeDepth: new Uint8Array(1000).fill(10) };
    const result = samplerDiagnostics({ ...fit, chains: [deep], variables: [["mu", good]] });
    expect(result.warnings.map((w) => w.code)).toEqual(["tree_depth"]);
    expect(result.passed).toBe(true);
  });

  it("says that three draws are too few", () => {
    const d = new VariableDiagnostics(2, 3);
    const summary = d.summarise(Float64Array.of(1, 2, 3, 4, 5, 6));
    expect(summary.mean).toBe(3.5);
    expect(summary.q50).toBe(3.5);
    expect(summary.rhat).toBeNaN();
    const chains = [chain(3, 1), chain(3, 2)];
    const result = samplerDiagnostics({ ...fit, draws: 3, chains, variables: [["mu", summary]] });
    expect(result.warnings.map((w) => w.code)).toContain("no_diagnostics");
  });
});

describe("variable diagnostics", () => {
  it("gives NaN, not a crash, for draws that are not finite", () => {
    const x = Float64Array.from({ length: 40 }, (_, i) => i);
    x[7] = Number.NaN;
    const summary = new VariableDiagnostics(2, 20).summarise(x);
    expect(Object.values(summary).every(Number.isNaN)).toBe(true);
    x[7] = Infinity;
    expect(new VariableDiagnostics(2, 20).summarise(x).q50).toBe(20.5);
  });

  it("sorts negative zero with zero", () => {
    const x = Float64Array.from({ length: 64 }, (_, i) => (i % 2 === 0 ? -0 : 0) * (i + 1));
    for (let i = 0; i < 64; i += 7) x[i] = i % 3 === 0 ? 1 : -1;
    const y = x.map((v) => (v === 0 ? 0 : v));
    const d = new VariableDiagnostics(2, 32);
    expect(d.summarise(x)).toEqual(d.summarise(y));
  });

  it("sorts by every bit", () => {
    const random = stream(3, 0, 0, 0);
    const cases = [
      Float64Array.from({ length: 500 }, () => random.normal()),
      // The same high word throughout: only low words tell these apart.
      Float64Array.from({ length: 500 }, () => -1 - 1e-9 * random.uniform()),
      Float64Array.from({ length: 500 }, () => 3 + 1e-9 * random.uniform()),
      Float64Array.from({ length: 500 }, (_, i) => (random.uniform() - 0.5) * 10 ** (i % 300)),
      Float64Array.from({ length: 500 }, (_, i) => [0, -0, 1, -1, 5e-324, -5e-324][i % 6]),
      Float64Array.of(Infinity, -Infinity, 0, Number.MAX_VALUE, -Number.MAX_VALUE),
      new Float64Array(0),
    ];
    for (const x of cases) {
      const order = sortOrder(x);
      expect([...order].sort((a, b) => a - b)).toEqual([...x.keys()]);
      expect([...order].map((i) => x[i] + 0)).toEqual(
        [...x.map((v) => v + 0)].sort((a, b) => a - b),
      );
      const sorted = new Sorter(x.length).sort(x);
      expect([...sorted.order].sort((a, b) => a - b)).toEqual([...x.keys()]);
      expect([...sorted.order].map((i) => x[i])).toEqual([...sorted.values]);
      expect([...sorted.values].map((v) => v + 0)).toEqual([...order].map((i) => x[i] + 0));
    }
  });

  it("takes effective sizes of indicators from the places of their ones", () => {
    const random = stream(10, 0, 0, 0);
    for (const [chains, draws, phi] of [
      [4, 500, 0.3],
      [2, 3000, 0.999],
      [1, 50, 0.5],
    ]) {
      const scratch = essScratch(chains, draws);
      const own = tailScratch(scratch);
      let state = 0;
      const x = Float64Array.from({ length: chains * draws }, () => {
        state = phi * state + random.normal();
        return state;
      });
      // The last of them for the lack of draws below or above.
      for (const limit of [0, -1.2, 1.5, 30, -1e9, 1e9]) {
        const zeros = x.map((v) => (v <= limit ? 1 : 0));
        // Sums of zeros and ones minus their mean, in another order: rounding over 6000 terms.
        const gap = tailSize(x, limit, scratch, own) / effectiveSize(zeros, scratch) - 1;
        expect(Math.abs(gap), `${chains} × ${draws}, ${phi}, ${limit}`).toBeLessThan(1e-9);
      }
    }
  });

  it("is invariant to increasing maps in its ranks", () => {
    const random = stream(9, 0, 0, 0);
    const x = Float64Array.from({ length: 400 }, () => random.normal());
    const d = new VariableDiagnostics(4, 100);
    expect(d.essBulk(x.map(Math.exp))).toBe(d.essBulk(x));
  });
});

describe("beta quantile", () => {
  it("agrees with closed forms", () => {
    for (const x of [0.01, 0.3, 0.5, 0.77, 0.999]) {
      // I_x(a, 1) = x^a; I_x(2, 2) = 3x² - 2x³.
      expect(betaQuantile(x ** 5, 5, 1)).toBeCloseTo(x, 12);
      expect(betaQuantile(3 * x * x - 2 * x ** 3, 2, 2)).toBeCloseTo(x, 9);
    }
  });
});
