// Counts where the points of a saved generator lie: node examples/gan_ring/count.mjs FOLDER
import { loadFit } from "tilde-ppl";

const fit = await loadFit(process.argv[2] ?? "fit");
const x = fit.predict().get("x").data;
const n = x.length / 2;
const counts = new Array(8).fill(0);
for (let i = 0; i < n; i++) {
  for (let k = 0; k < 8; k++) {
    const angle = (k * Math.PI) / 4;
    const [dx, dy] = [x[2 * i] - 2 * Math.cos(angle), x[2 * i + 1] - 2 * Math.sin(angle)];
    if (Math.hypot(dx, dy) < 0.3) counts[k]++;
  }
}
const near = counts.reduce((a, b) => a + b);
console.log(`${n} points, ${((100 * near) / n).toFixed(0)} % within three sd of a centre`);
console.log(`at each: ${counts.map((c) => `${((100 * c) / n).toFixed(0)} %`).join(", ")}`);
