// Draws docs/eight_schools.svg from a draws.csv: the densities of the school effects, one ridge each.
// node scripts/picture.mjs DRAWS.csv > docs/eight_schools.svg
import { readFileSync } from "node:fs";

const lines = readFileSync(process.argv[2], "utf8")
  .split("\n")
  .filter((l) => l && !l.startsWith("#"));
const header = lines[0].split(",");
const rows = lines.slice(1).map((l) => l.split(",").map(Number));
const schools = Array.from({ length: 8 }, (_, j) => {
  const k = header.indexOf(`theta[${j}]`);
  return { name: `theta[${j}]`, draws: rows.map((r) => r[k]).sort((a, b) => a - b) };
});

const [low, high, width, step] = [-18, 32, 640, 44];
const x = (v) => 90 + ((v - low) / (high - low)) * (width - 120);
const grid = Array.from({ length: 161 }, (_, i) => low + ((high - low) * i) / 160);
const density = (draws) => {
  const n = draws.length;
  const mean = draws.reduce((a, b) => a + b, 0) / n;
  const sd = Math.sqrt(draws.reduce((a, b) => a + (b - mean) ** 2, 0) / (n - 1));
  // Silverman's rule.
  const h =
    0.9 *
    Math.min(sd, (draws[Math.floor(0.75 * n)] - draws[Math.floor(0.25 * n)]) / 1.34) *
    n ** -0.2;
  return grid.map(
    (g) => draws.reduce((s, d) => s + Math.exp(-0.5 * ((g - d) / h) ** 2), 0) / (n * h * 2.5066),
  );
};
const ridges = schools.map((s) => ({ ...s, curve: density(s.draws) }));
const top = Math.max(...ridges.flatMap((r) => r.curve));
const height = 40 + step * 8 + 40;
const parts = [
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">`,
  `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
];
for (const v of [-10, 0, 10, 20, 30]) {
  parts.push(`<line x1="${x(v)}" y1="20" x2="${x(v)}" y2="${height - 34}" stroke="#e3e3ea"/>`);
  parts.push(`<text x="${x(v)}" y="${height - 16}" text-anchor="middle" fill="#666">${v}</text>`);
}
ridges.forEach((r, j) => {
  const base = 40 + step * (j + 1) - 8;
  const points = r.curve.map(
    (c, i) => `${x(grid[i]).toFixed(1)},${(base - (c / top) * step * 1.25).toFixed(1)}`,
  );
  const at = (p) => r.draws[Math.floor(p * r.draws.length)];
  parts.push(
    `<polygon points="${x(low)},${base} ${points.join(" ")} ${x(high)},${base}" fill="#6c7ae0" fill-opacity="0.45" stroke="#3f4bb8" stroke-width="1.2"/>`,
  );
  parts.push(
    `<line x1="${x(at(0.05)).toFixed(1)}" y1="${base}" x2="${x(at(0.95)).toFixed(1)}" y2="${base}" stroke="#232a73" stroke-width="2.4"/>`,
  );
  parts.push(`<circle cx="${x(at(0.5)).toFixed(1)}" cy="${base}" r="3.6" fill="#232a73"/>`);
  parts.push(`<text x="80" y="${base}" text-anchor="end" fill="#333">${r.name}</text>`);
});
parts.push("</svg>");
console.log(parts.join("\n"));
