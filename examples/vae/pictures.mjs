// Pictures of a fit: `node examples/vae/pictures.mjs results` writes `reconstructions.png` (above the
// first pictures of the data, below the means of what their codes give back) and `latent.png` (the
// decoder over the grid of codes in the data) beside this file.
import { readFileSync, writeFileSync } from "node:fs";
import { loadFit } from "tilde-ppl";
import { sheet } from "../../scripts/examples/png.mjs";

const here = (file) => new URL(file, import.meta.url);
const { x, R, d, grid } = JSON.parse(readFileSync(here("data.json"), "utf8"));
const fit = await loadFit(process.argv[2] ?? "results");

/** Means over the draws of an array of pictures. */
function means(name) {
  const { data, shape } = fit.draws(name);
  const [, draws, count, size] = shape;
  return Array.from({ length: count }, (_, i) => {
    const mean = new Float64Array(size);
    for (let t = 0; t < draws; t++) {
      for (let k = 0; k < size; k++) mean[k] += data[(t * count + i) * size + k] / draws;
    }
    return mean;
  });
}

const side = Math.sqrt(x[0].length);
writeFileSync(
  here("reconstructions.png"),
  sheet([...x.slice(0, R), ...means("again")], { side, columns: R }),
);
if (d === 2) {
  const columns = Math.sqrt(grid.length);
  writeFileSync(here("latent.png"), sheet(means("shown"), { side, columns }));
}
