// The error of noise-contrastive estimation against the number of data and the ratio of noise to data,
// beside that of maximum likelihood: `node examples/nce_gaussian/errors.mjs [replicates]` writes
// `errors.json`, root mean squares over the replicates of the distance of (m, a, d, b, c) from the truth,
// and `errors.svg`; `draw` in the place of the number draws the picture again.
import { readFileSync, writeFileSync } from "node:fs";
import { infer, load, nce, prior } from "tilde-ppl";
import { chart } from "../../scripts/examples/chart.mjs";

const here = (file) => new URL(file, import.meta.url);
const path = here("model.ppl").pathname;
const [truth, model] = await Promise.all(
  ["truth", "unnormalised"].map((name) => load(path, { model: name })),
);

/** (m, a, d, b, c) of a mean and a covariance. */
function parameters([m0, m1], xx, xy, yy) {
  const det = xx * yy - xy * xy;
  return [m0, m1, yy / det, xx / det, -xy / det, Math.log(2 * Math.PI) + 0.5 * Math.log(det)];
}
const exact = parameters([0.5, -0.3], 1, 0.6, 0.8);
const squared = (found) => found.reduce((s, v, k) => s + (v - exact[k]) ** 2, 0);

function maximumLikelihood(x) {
  const mean = (f) => x.reduce((s, v) => s + f(v), 0) / x.length;
  const m = [mean((v) => v[0]), mean((v) => v[1])];
  const cov = (i, j) => mean((v) => (v[i] - m[i]) * (v[j] - m[j]));
  return parameters(m, cov(0, 0), cov(0, 1), cov(1, 1));
}

export async function errors({ sizes, ratios, replicates, steps }) {
  const rows = [];
  for (const N of sizes) {
    const sums = { ml: 0, ...Object.fromEntries(ratios.map((r) => [r, 0])) };
    for (let seed = 1; seed <= replicates; seed++) {
      const drawn = await infer(truth, { data: { N }, method: prior({ draws: 1 }), seed });
      const flat = drawn.draws("x").data;
      const x = Array.from({ length: N }, (_, i) => [flat[2 * i], flat[2 * i + 1]]);
      sums.ml += squared(maximumLikelihood(x));
      for (const ratio of ratios) {
        const method = nce({ ratio, steps, lr: 0.05 });
        const { params } = await infer(model, { data: { N, x }, method, seed });
        const { m, a, d, b, c } = params;
        sums[ratio] += squared([...m, a, d, b, c]);
      }
    }
    const row = { N };
    for (const [k, v] of Object.entries(sums)) row[k] = Math.sqrt(v / replicates);
    rows.push(row);
  }
  return rows;
}

if (process.argv[1] === here("errors.mjs").pathname) {
  const [, , word] = process.argv;
  if (word !== "draw") {
    const replicates = Number(word ?? 10);
    const options = { sizes: [100, 400, 1600, 6400], ratios: [1, 4, 16], replicates, steps: 1000 };
    const rows = await errors(options);
    console.table(rows);
    writeFileSync(here("errors.json"), `${JSON.stringify({ ...options, rows }, null, 1)}\n`);
  }
  const { rows, ...options } = JSON.parse(readFileSync(here("errors.json"), "utf8"));
  writeFileSync(here("errors.svg"), picture(rows, options));
}

/** Errors against the number of data, with a line of slope -1/2 through the middle of those of ML. */
function picture(rows, { sizes, ratios }) {
  const series = [...ratios, "ml"].map((k) => ({
    name: k === "ml" ? "maximum likelihood" : `ratio ${k}`,
    kind: "line",
    x: sizes,
    y: rows.map((r) => r[k]),
  }));
  const level = rows.reduce((s, r) => s + Math.log(r.ml * Math.sqrt(r.N)), 0) / rows.length;
  const half = sizes.map((N) => Math.exp(level) / Math.sqrt(N));
  series.push({ name: "slope -1/2", kind: "dashes", colour: "#888", x: sizes, y: half });
  return chart({
    x: { label: "number of data", range: [80, 8000], log: true },
    y: { label: "root mean square error", range: [0.04, 1], log: true },
    series,
  });
}
