/** The benches' own arithmetic: what they report must follow from the times they take. */
import { describe, expect, it } from "vitest";
import {
  type Figure,
  interleaved,
  jsonLine,
  median,
  meets,
  ratioFigure,
  table,
} from "../../scripts/bench/figures.js";

const figure: Figure = {
  figure: "walk",
  unit: "ms",
  median: 12.34567,
  min: 10,
  target: 15,
  bound: "at most",
};

describe("figures", () => {
  it("are medians, and leave their input as it is", () => {
    const values = [5, 1, 100];
    expect(median(values)).toBe(5);
    expect(values).toEqual([5, 1, 100]);
  });

  it("of ratios are those of pairs, so that a slow spell that meets both does not count", () => {
    const times = { first: [2, 20, 2, 200, 2], second: [1, 10, 1, 100, 1] };
    const { median: ratio, min, parts } = ratioFigure("r", times, 1.3);
    expect([ratio, min]).toEqual([2, 2]);
    expect(parts).toEqual({ compiled_us: 2, hand_us: 1 });
  });

  it("meet upper and lower bounds", () => {
    expect(meets(figure)).toBe(true);
    expect(meets({ ...figure, median: 15.1 })).toBe(false);
    expect(meets({ ...figure, bound: "at least" })).toBe(false);
    expect(meets({ ...figure, bound: "at least", median: 15 })).toBe(true);
    expect(meets({ ...figure, median: Number.NaN })).toBe(false);
  });

  it("are one JSON line each, and an aligned table", () => {
    const line = JSON.parse(jsonLine({ ...figure, parts: { parse_ms: 0.123456 } }));
    expect(line).toEqual({ ...figure, median: 12.35, parts: { parse_ms: 0.1235 }, met: true });
    const lines = table([figure, { ...figure, figure: "a long walk", target: 5 }]).split("\n");
    const unit = lines[0].indexOf("unit");
    expect(lines.slice(1).map((l) => l.indexOf("ms"))).toEqual([unit, unit]);
    expect(lines[1]).toMatch(/^walk .* at most 15 +met$/);
    expect(lines[2]).toMatch(/^a long walk .* at most 5 +missed$/);
  });

  it("time both of a pair equally often, in alternating order", () => {
    const log: string[] = [];
    const times = interleaved(
      () => void log.push("a"),
      () => void log.push("b"),
      { pairs: 4, calls: 2, warmUpMs: 0 },
    );
    expect([times.first.length, times.second.length]).toEqual([4, 4]);
    expect(log.join("")).toBe("aabbbbaaaabbbbaa");
  });
});
