// The curve of a fit with its 90 % bands: `node examples/bayesian_network/picture.mjs results...` writes
// `bands.svg` for up to three folders of fits: the band of the mean curve and that of new observations.
import { readFileSync, writeFileSync } from "node:fs";
import { loadFit } from "tilde-ppl";
import { chart } from "../../scripts/examples/chart.mjs";

const here = (file) => new URL(file, import.meta.url);
const { t, y, grid } = JSON.parse(readFileSync(here("data.json"), "utf8"));
const colours = ["#1b6ca8", "#d1495b", "#2e933c"];
const series = [];
for (const [k, folder] of process.argv.slice(2, 5).entries()) {
  const fit = await loadFit(folder);
  const colour = colours[k];
  const rows = fit.summary(["curve", "spread"]).rows;
  const column = (name, figure) =>
    grid.map((_, g) => rows.find((r) => r.name === `${name}[${g}]`)[figure]);
  const [mean, low, high] = ["mean", "q5", "q95"].map((f) => column("curve", f));
  // A normal about the curve, whose own width adds to the spread of the observations.
  const sd = column("curve", "sd");
  const wide = column("spread", "mean").map((s, g) => 1.645 * Math.hypot(s, sd[g]));
  series.push({ kind: "band", colour, x: grid, low, high });
  for (const sign of [-1, 1]) {
    const edge = mean.map((m, g) => m + sign * wide[g]);
    series.push({ kind: "dashes", colour, x: grid, y: edge });
  }
  series.push({ name: `${fit.method}`, kind: "line", colour, x: grid, y: mean });
}
series.push({ kind: "points", colour: "#222", x: t, y });
writeFileSync(
  here("bands.svg"),
  chart({
    x: { label: "milliseconds after the impact", range: [0, 60] },
    y: { label: "acceleration / g", range: [-190, 130] },
    series,
  }),
);
