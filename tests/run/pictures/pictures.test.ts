/** Pictures of fits: what they show, and that every kind becomes a chart and characters. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { pictureList } from "../../../src/cli/main.js";
import { compile, gibbs, infer, lineChart, map, nuts, vi } from "../../../src/index.js";
import { checkFit } from "../../../src/run/pictures/checks.js";
import { densityOf, highestDensity, histogramBars } from "../../../src/run/pictures/estimates.js";
import { kindsOf, pictureOf } from "../../../src/run/pictures/of-fit.js";
import { pictureKinds } from "../../../src/run/pictures/picture.js";
import { pngOf } from "../../../src/run/pictures/render.js";
import { scratchFolder, tilde } from "../../helpers/cli.js";

const scratch = scratchFolder();
const model = compile(`model m(N: int) {
  mu ~ Normal(0, 3)
  s ~ HalfNormal(2)
  for i in 0..N { y[i] ~ Normal(mu, s) }
}`);
const y = [0.3, -0.8, 1.9, 0.6, 0.1, -0.4, 1.2, 0.9, 0.2, -1.1, 0.7, 1.4];
const data = { N: y.length, y };
const fit = await infer(model, { data, method: nuts({ chains: 2, warmup: 300, draws: 300 }) });

describe("estimates", () => {
  test("a density has mass one, also where it ends abruptly", () => {
    const n = 4000;
    for (const quantile of [(u: number) => u, (u: number) => -Math.log1p(-u)]) {
      const draws = Float64Array.from({ length: n }, (_, k) => quantile((k + 0.5) / n));
      const curve = densityOf(draws);
      if (curve === undefined) throw new Error("no density");
      let mass = 0;
      for (let k = 1; k < curve.x.length; k++) {
        mass += 0.5 * (curve.x[k] - curve.x[k - 1]) * (curve.y[k] + curve.y[k - 1]);
      }
      // Tails beyond the grid, and the kernel's width.
      expect(Math.abs(mass - 1)).toBeLessThan(0.01);
      // Both densities are 1 at 0: without folding it would be a half.
      expect(Math.abs(curve.y[0] - 1)).toBeLessThan(0.12);
    }
  });

  test("the narrowest interval of exponential draws begins at 0", () => {
    const draws = Float64Array.from({ length: 1000 }, (_, k) => -Math.log1p(-(k + 0.5) / 1000));
    const [low, high] = highestDensity(draws, 0.9);
    expect(low).toBe(draws[0]);
    expect(Math.abs(high - Math.log(10))).toBeLessThan(0.02);
  });

  test("shares of a histogram sum to one", () => {
    const { y: shares } = histogramBars([1, 2, 2, 3, 9], 4);
    expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
    expect(shares[0]).toBeCloseTo(0.6, 12);
  });
});

describe("kinds", () => {
  test("the command lists them all", () => {
    for (const kind of pictureKinds) expect(pictureList).toContain(kind);
  });

  test("each that a sampled fit has becomes SVG and characters", async () => {
    const kinds = kindsOf(fit);
    expect(kinds).toEqual(["trace", "rank", "density", "pair", "forest", "energy", "ppc"]);
    for (const kind of kinds) {
      const svg = await fit.plot({ kind });
      expect(svg.startsWith("<svg")).toBe(true);
      expect(svg).not.toMatch(/NaN|undefined/);
      expect(svg).toContain(pictureOf(fit, kind).title);
      const text = await fit.plot({ kind, format: "text" });
      expect(text.split("\n").length).toBeGreaterThan(6);
    }
  });

  test("PNG without any font is refused, for it would have no text", async () => {
    const none = { loadSystemFonts: false };
    await expect(pngOf(pictureOf(fit, "forest"), none)).rejects.toThrow(/no font/);
  });

  test("PNG and a page that needs no network", async () => {
    const png = await fit.plot({ kind: "forest", format: "png" });
    expect([...png.slice(1, 4)]).toEqual([..."PNG"].map((c) => c.charCodeAt(0)));
    const html = await fit.plot({ kind: "forest", format: "html" });
    expect(html).toContain("vega.View");
    expect(html).not.toMatch(/<script[^>]+src=|<link/);
  });

  test("a forest shows the draws' own quantiles", () => {
    const [layer] = pictureOf(fit, "forest", ["mu"]).panels[0].layers.filter(
      (l) => l.kind === "intervals",
    );
    if (layer.kind !== "intervals") throw new Error("no intervals");
    const sorted = fit.draws("mu").data.slice().sort();
    expect(layer.rows[0].middle).toBeCloseTo((sorted[299] + sorted[300]) / 2, 12);
    expect(layer.rows[0].low).toBeLessThan(layer.rows[0].midLow);
  });

  test("ranks of all chains fill the bins evenly", () => {
    const [panel] = pictureOf(fit, "rank", ["mu"]).panels;
    const lines = panel.layers.flatMap((l) => (l.kind === "line" ? [Array.from(l.y)] : []));
    expect(lines.length).toBe(2);
    for (let k = 0; k < 20; k++) expect(lines[0][k] + lines[1][k]).toBe(30);
  });

  test("what a fit has not is told with what it has", async () => {
    expect(() => pictureOf(fit, "tracer")).toThrow(/did you mean `trace`/);
    expect(() => pictureOf(fit, "elbo")).toThrow(/of a fit by nuts/);
    const point = await infer(model, { data, method: map() });
    expect(() => pictureOf(point, "trace")).toThrow(/by map/);
    await expect(fit.plot({ kind: "trace", vars: ["nu"] })).rejects.toThrow(/nu/);
  });

  test("bounds of vi, clusters of a mixture", async () => {
    const guided = await infer(model, { data, method: vi({ steps: 800 }) });
    const [panel] = pictureOf(guided, "elbo").panels;
    expect(panel.layers[0].kind).toBe("line");
    const mixture = compile(`model mix(N: int) {
  mu ~ iid(Normal(0, 5), 2)
  for i in 0..N { z[i] ~ Bernoulli(0.5); y[i] ~ Normal(mu[int(z[i])], 0.5) }
}`);
    const two = { N: 8, y: [-3, -3.1, -2.8, -3.3, 3, 3.2, 2.9, 3.1] };
    const method = gibbs({ chains: 1, warmup: 200, draws: 200 });
    const drawn = await infer(mixture, { data: two, method });
    const table = pictureOf(drawn, "clusters").panels[1].layers[0];
    if (table.kind !== "cells") throw new Error("no table");
    // Ordered by cluster: blocks of four, far apart.
    for (let i = 0; i < 8; i++) {
      for (let j = 0; j < 8; j++) {
        const together = Math.floor(i / 4) === Math.floor(j / 4);
        expect(table.values[i * 8 + j] > 0.9).toBe(together);
      }
    }
    expect(await drawn.plot({ kind: "clusters", format: "text" })).toContain("████");
  });

  test("curves of one's own", async () => {
    const series = [{ name: "a", x: [1, 10, 100], y: [1, 2, 3] }];
    const svg = await lineChart({ title: "growth", series, x: "n", log: "x" });
    expect(svg).toContain("growth");
    expect(await lineChart({ series }, "text")).toContain("┤");
  });
});

describe("predictive checks", () => {
  test("p-values lie in the middle for a model that is right, at the end for one that is not", async () => {
    const [site] = fit.ppc();
    expect(site.observed).toEqual(Float64Array.from(y));
    expect(site.replications).toBe(600);
    expect(site.statistics.map((s) => s.name)).toEqual(["mean", "sd", "min", "median", "max"]);
    for (const { p } of site.statistics) {
      expect(p).toBeGreaterThan(0.02);
      expect(p).toBeLessThan(0.98);
    }
    const narrow = compile(
      "model n(N: int) { mu ~ Normal(0, 3)\n for i in 0..N { y[i] ~ Normal(mu, 0.1) } }",
    );
    const wrong = await infer(narrow, { data, method: nuts({ chains: 1, draws: 200 }) });
    const sd = wrong.ppc()[0].statistics.find((s) => s.name === "sd");
    expect(sd?.p).toBe(0);
  });

  test("own statistics; ties count half; missing entries are left out", async () => {
    const partly = await infer(model, {
      data: { N: 3, y: [1, null, 2] },
      method: nuts({ chains: 1, draws: 100 }),
    });
    const [site] = checkFit(partly, { statistics: { count: (x) => x.length } });
    expect(site.statistics[0].observed).toBe(2);
    expect(site.statistics[0].p).toBe(0.5);
  });
});

describe("commands", () => {
  test("plot, ppc and compare on saved fits", async () => {
    const [a, b] = [join(scratch.path, "a"), join(scratch.path, "b")];
    await fit.save(a);
    await (await infer(model, { data, method: nuts({ draws: 200 }), seed: 9 })).save(b);
    const shown = await tilde("plot", a, "--kind", "forest");
    expect([shown.code, shown.err]).toEqual([0, ""]);
    expect(shown.out).toContain("●");
    const out = join(scratch.path, "trace.svg");
    expect((await tilde("plot", a, "--vars", "mu", "--out", out)).code).toBe(0);
    expect(readFileSync(out, "utf8").startsWith("<svg")).toBe(true);
    expect((await tilde("plot", a, "--out", "x.jpg")).err).toContain("no format of pictures");
    const checked = await tilde("ppc", a, "--json");
    expect(Object.keys(JSON.parse(checked.out).y)).toContain("median");
    const compared = await tilde("compare", a, b);
    expect(compared.code).toBe(0);
    expect(compared.out).toContain("leave-one-out, the best first");
    const rows = JSON.parse((await tilde("compare", a, b, "--json")).out) as { elpd: number }[];
    expect(rows[0].elpd).toBeGreaterThanOrEqual(rows[1].elpd);
  });
});
