/**
 * The variance of the estimators of a gradient through draws of bits, as the table of
 * docs/inference.md has it:
 * `npx tsc -p tsconfig.bench.json && node dist/scripts/bench/estimators.js`.
 */
import { estimatorTable } from "../../tests/inference/objective/variance.js";

console.log("| strategy | largest bias | variance |\n|---|---|---|");
for (const row of estimatorTable(20_000)) {
  console.log(`| \`${row.strategy}\` | ${row.bias.toFixed(3)} | ${row.variance.toFixed(3)} |`);
}
