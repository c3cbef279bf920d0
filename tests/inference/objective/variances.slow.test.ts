/** The second table of variances in docs/inference.md. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { structuredTable } from "./structures.js";

test("variances of sites that depend on each other", { timeout: 120_000 }, () => {
  const docs = readFileSync(new URL("../../../docs/inference.md", import.meta.url), "utf8");
  for (const { strategy, variances } of structuredTable(5000)) {
    const line = docs
      .split("\n")
      .find((l) => l.startsWith(`| \`${strategy}\` |`) && /(\|.*){7}/.test(l));
    const written = (line ?? "").split("|").slice(2, -1);
    expect(written.length, strategy).toBe(variances.length);
    // The noise is the same everywhere; figures are rounded to two places.
    variances.forEach((v, i) => {
      if (Number.isNaN(v)) expect(written[i].trim()).toBe("–");
      else expect(Math.abs(Number(written[i]) - v), strategy).toBeLessThan(0.005 + 0.001 * v);
    });
  }
});
