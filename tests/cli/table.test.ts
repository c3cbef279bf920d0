/** Layout of the table and of the progress bars. */
import { describe, expect, test } from "vitest";
import { clock, ProgressBars } from "../../src/cli/progress.js";
import { figure, renderTable } from "../../src/cli/table.js";
import type { Summary, SummaryRow } from "../../src/run/results/summary.js";

const row = (name: string, more: Partial<SummaryRow> = {}): SummaryRow => ({
  name,
  mean: 1.25,
  sd: 0.5,
  mcseMean: 0.0123,
  q5: 0.4,
  q50: 1.2,
  q95: 2.1,
  essBulk: 1234.4,
  essTail: 987.6,
  rhat: 1.0012,
  histogram: [1, 3, 8, 9, 4, 0, 1, 0, 0, 0, 1, 1],
  ...more,
});
const summary = (...rows: SummaryRow[]): Summary => ({ rows, cut: [], warnings: [] });
const titles = (text: string): string[] => text.split("\n")[0].trim().split(/\s+/);

describe("the table", () => {
  test("has every column where there is room", () => {
    const text = renderTable(summary(row("mu")));
    expect(text).toBe(
      [
        "     mean      sd     mcse      5%    50%    95%  ess_bulk  ess_tail   rhat",
        "mu  1.250  0.5000  0.01230  0.4000  1.200  2.100      1234       988  1.001  ▁▃██▄ ▁   ▁▁",
      ].join("\n"),
    );
  });

  test("in a narrow terminal what is least needed goes first, and the histogram stays", () => {
    const s = summary(row("mu"), row("theta[12,345]"));
    const whole = renderTable(s);
    const widest = (text: string): number => Math.max(...text.split("\n").map((l) => l.length));
    expect(widest(whole)).toBeGreaterThan(80);
    const at80 = renderTable(s, 80);
    expect(widest(at80)).toBeLessThanOrEqual(80);
    expect(at80).toContain("▁▃██▄");
    expect(titles(at80)).toEqual(["mean", "sd", "5%", "95%", "ess_bulk", "rhat"]);
    expect(titles(renderTable(s, 85))).toContain("50%");
    expect(titles(renderTable(s, 50))).toEqual(["mean", "sd", "5%", "95%", "ess_bulk", "rhat"]);
    expect(renderTable(s, 60)).not.toContain("▁▃██▄");
    expect(renderTable(s, widest(whole))).toBe(whole);
  });

  test("a constant has no diagnostics, and its rounding is no spread", () => {
    const constant = row("L[0,0]", { mean: 1, sd: 2e-16, mcseMean: 3e-18, rhat: Number.NaN });
    const lines = renderTable(summary(row("mu"), constant)).split("\n");
    expect(lines[2].trim().split(/\s+/)).toEqual(
      "L[0,0] 1.000 0 - 0.4000 1.200 2.100 - - -".split(" "),
    );
    // Small next to its mean, but no rounding.
    expect(renderTable(summary(row("x", { mean: 1, sd: 1e-10 })))).toContain("1.00e-10");
  });

  test("columns without a figure are left out, and names of any script line up", () => {
    const text = renderTable(
      summary({ name: "μ", mean: 1 }, { name: "e\u0301t\u0301", mean: -22 }),
    );
    expect(text.split("\n").slice(1)).toEqual(["μ    1.000", "e\u0301t\u0301  -22.00"]);
  });

  test("many rows are cut, and the rest is said", () => {
    const many = Array.from({ length: 75 }, (_, k) => row(`x[${k}]`));
    const lines = renderTable(summary(...many)).split("\n");
    expect(lines.length).toBe(62);
    expect(lines[61]).toContain("and 15 more");
  });

  test.each([
    [0, "0"],
    [1234.56, "1235"],
    [0.000123456, "0.000123"],
    [-12.3456, "-12.35"],
    [1e7, "1.00e+7"],
    [1e-16, "1.00e-16"],
    [Number.POSITIVE_INFINITY, "inf"],
    [Number.NaN, "-"],
  ])("%d is written %s", (x, text) => expect(figure(x)).toBe(text));
});

describe("progress bars", () => {
  const progress = (
    chain: number,
    phase: "warmup" | "sampling",
    done: number,
    divergences = 0,
  ) => ({
    chain,
    phase,
    done,
    total: 100,
    divergences,
    gradients: 0,
    stepSize: 1,
  });

  test("one for each chain, with its own time left", () => {
    const bars = new ProgressBars({ chains: 3, warmup: 100, draws: 50, thin: 2 });
    bars.update(progress(0, "warmup", 10), 1000);
    bars.update(progress(0, "sampling", 25, 3), 2400);
    // This chain begins 5 s into the run; its pace is its own: 90 iterations in 9 s, 110 to go.
    bars.update(progress(1, "warmup", 0), 5000);
    bars.update(progress(1, "warmup", 90), 14_000);
    const [first, second, third] = bars.render(14_000).split("\n");
    expect(first).toContain("sampling 150/200");
    expect(first).toContain("3 divergent");
    expect(second).toContain("warmup 90/200  11 s left");
    expect(third).toMatch(/^chain 3 {2}░{24} {2}waiting$/);
    bars.update(progress(0, "sampling", 50), 15_000);
    expect(bars.render(15_000).split("\n")[0]).toMatch(/█{24} {2}sampling 200\/200 {2}done$/);
  });

  test("of many chains those at work, under a bar for all", () => {
    const bars = new ProgressBars({ chains: 40, warmup: 100, draws: 100, thin: 1 });
    for (let c = 0; c < 10; c++) bars.update(progress(c, "sampling", 100, 1), 1000);
    bars.update(progress(10, "warmup", 50), 1000);
    const lines = bars.render(2000).split("\n");
    expect(lines.length).toBe(2);
    expect(lines[0]).toMatch(/^40 chains {2}█{6}░{18} {2}10 done {2}10 divergent$/);
    expect(lines[1]).toContain("chain 11");
  });

  test.each([
    [0.2, "1 s"],
    [59.5, "1 min 0 s"],
    [119.2, "2 min 0 s"],
    [3599.9, "1 h 0 min"],
    [7260, "2 h 1 min"],
  ])("%d seconds are %s", (seconds, text) => expect(clock(seconds)).toBe(text));
});
