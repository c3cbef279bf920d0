// The density of a fit and draws from it: `node examples/two_moons/picture.mjs results` writes
// `density.svg`, shades of the density with the data, and `sample.svg`, draws beside it.
import { readFileSync, writeFileSync } from "node:fs";
import { loadFit } from "tilde-ppl";
import { chart } from "../../scripts/examples/chart.mjs";

const here = (file) => new URL(file, import.meta.url);
const data = JSON.parse(readFileSync(here("data.json"), "utf8"));
const fit = await loadFit(process.argv[2] ?? "results");
const { ends, C } = data;
const centres = (low, high) => Array.from({ length: C }, (_, k) => low + ((high - low) * (k + 0.5)) / C);
// Params stand in every draw alike: the first one is enough.
const density = fit.draws("log_density").data.slice(0, C * C).map(Math.exp);
const top = density.reduce((a, b) => Math.max(a, b));
const sample = fit.draws("sample").data.slice(0, 2 * data.normals.length);
const shades = {
  kind: "shades",
  x: centres(ends[0], ends[1]),
  y: centres(ends[2], ends[3]),
  value: density.map((p) => p / top),
};
const draw = (points) =>
  chart({
    x: { label: "x[0]", range: [ends[0], ends[1]] },
    y: { label: "x[1]", range: [ends[2], ends[3]] },
    series: [
      shades,
      {
        kind: "points",
        x: points.map((p) => p[0]),
        y: points.map((p) => p[1]),
        radius: 1.2,
        opacity: 0.7,
        colour: "#d1495b",
      },
    ],
  });
const pairs = Array.from({ length: sample.length / 2 }, (_, k) => [sample[2 * k], sample[2 * k + 1]]);
writeFileSync(here("density.svg"), draw(data.x));
writeFileSync(here("sample.svg"), draw(pairs));
