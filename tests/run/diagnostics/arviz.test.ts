import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { energyBfmi } from "../../../src/run/diagnostics/energy.js";
import { VariableDiagnostics } from "../../../src/run/diagnostics/variable.js";

interface Case {
  readonly name: string;
  readonly kind: "ar" | "heavy" | "discrete" | "constant" | "trend";
  readonly chains: number;
  readonly draws: number;
  readonly seed: number;
  readonly phi: number;
  readonly offset: number;
  readonly shift: number;
  readonly levels: number;
}
interface Reference {
  readonly case: Case;
  readonly sum: number;
  readonly bfmi: readonly (number | null)[];
  readonly [statistic: string]: unknown;
}

const { references } = JSON.parse(
  readFileSync(new URL("./reference/arviz.json", import.meta.url), "utf8"),
) as { references: readonly Reference[] };

/** The twin of `series` in scripts/reference/diagnostics.py: the same doubles, bit for bit. */
function series(c: Case): Float64Array {
  const out = new Float64Array(c.chains * c.draws);
  for (let chain = 0; chain < c.chains; chain++) {
    let state = c.seed + chain;
    const uniform = (): number => {
      state = (48271 * state) % 2147483647;
      return state / 2147483647;
    };
    for (let i = 0; i < 50; i++) uniform();
    let x = 0;
    for (let t = 0; t < c.draws; t++) {
      const u = uniform();
      const v = u - 0.5;
      let value: number;
      switch (c.kind) {
        case "ar":
          x = c.phi * x + v;
          value = c.offset + c.shift * chain + x;
          break;
        case "heavy":
          value = 1 / v;
          break;
        case "discrete":
          value = Math.floor(u * c.levels);
          break;
        case "constant":
          value = c.offset;
          break;
        case "trend":
          value = v + (c.shift * t) / c.draws;
          break;
      }
      out[chain * c.draws + t] = value;
    }
  }
  return out;
}

/** The algorithm is the same step by step, so only rounding (of sums over ≤ 4000 draws) differs. */
const TOLERANCE = 1e-9;

function expectClose(actual: number, expected: unknown, what: string): void {
  if (expected === null) expect(actual, what).toBeNaN();
  else {
    const gap = Math.abs(actual / (expected as number) - 1);
    expect(
      expected === 0 ? Math.abs(actual) : gap,
      `${what}: ${actual} against ${expected}`,
    ).toBeLessThan(TOLERANCE);
  }
}

describe("diagnostics equal ArviZ 0.23.4", () => {
  for (const reference of references) {
    it(reference.case.name, () => {
      const { chains, draws } = reference.case;
      const x = series(reference.case);
      expectClose(
        x.reduce((a, b) => a + b, 0),
        reference.sum,
        "the same draws",
      );
      const d = new VariableDiagnostics(chains, draws);
      expectClose(d.rhat(x), reference.rhat, "rhat");
      expectClose(d.essBulk(x), reference.ess_bulk, "ess_bulk");
      expectClose(d.essTail(x), reference.ess_tail, "ess_tail");
      expectClose(d.essMean(x), reference.ess_mean, "ess_mean");
      expectClose(d.essSd(x), reference.ess_sd, "ess_sd");
      expectClose(d.essQuantile(x, 0.1), reference.ess_q10, "ess_q10");
      expectClose(d.mcseMean(x), reference.mcse_mean, "mcse_mean");
      expectClose(d.mcseSd(x), reference.mcse_sd, "mcse_sd");
      expectClose(d.mcseQuantile(x, 0.25), reference.mcse_q25, "mcse_q25");
      expectClose(d.mcseQuantile(x, 0.95), reference.mcse_q95, "mcse_q95");
      for (let c = 0; c < chains; c++) {
        const chain = x.subarray(c * draws, (c + 1) * draws);
        expectClose(energyBfmi(chain), reference.bfmi[c], "bfmi");
      }
      const summary = d.summarise(x);
      expectClose(summary.rhat, reference.rhat, "summary rhat");
      expectClose(summary.essBulk, reference.ess_bulk, "summary ess_bulk");
      expectClose(summary.essTail, reference.ess_tail, "summary ess_tail");
      expectClose(summary.mcseMean, reference.mcse_mean, "summary mcse_mean");
    });
  }
});
