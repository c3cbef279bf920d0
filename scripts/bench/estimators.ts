/**
 * The variance of the estimators of a gradient through draws of bits and labels, as the tables of
 * docs/inference.md have it:
 * `npx tsc -p tsconfig.bench.json && node dist/scripts/bench/estimators.js`.
 */
import { structuredTable } from "../../tests/inference/objective/structures.js";
import { estimatorTable } from "../../tests/inference/objective/variance.js";

console.log("| strategy | largest bias | variance |\n|---|---|---|");
for (const row of estimatorTable(20_000)) {
  console.log(`| \`${row.strategy}\` | ${row.bias.toFixed(3)} | ${row.variance.toFixed(3)} |`);
}
console.log("\n| strategy | layers | vectors | chain | labels | chain of labels |");
console.log("|---|---|---|---|---|---|");
for (const { strategy, variances } of structuredTable(5000)) {
  const cells = variances.map((v) => (Number.isNaN(v) ? "–" : v.toFixed(2)));
  console.log(`| \`${strategy}\` | ${cells.join(" | ")} |`);
}
