/** `tilde run --method svi`: flags, files, and what is left of a run that diverged. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { scratchFolder, tilde } from "../../helpers/cli.js";

const scratch = scratchFolder();
const model = scratch.file(
  "m.ppl",
  `model m(N: int) { mu ~ Normal(0, 1);  for i in 0..N { y[i] ~ Normal(mu, 1) } }
guide q() for m { param a: real = 0;  param s: positive = 1;  mu ~ Normal(a, s) }`,
);
const data = scratch.file("d.json", JSON.stringify({ N: 4, y: [1, 2, 3, 2] }));
const run = ["run", model, "--data", data, "--method", "svi"];

describe("tilde run --method svi", () => {
  test("writes the params beside the summary, and begins from them", async () => {
    const out = join(scratch.path, "fit");
    const flags = ["--guide", "q", "--objective", "elbo", "--lr", "0.05", "--batch", "N=2"];
    const { code, out: text } = await tilde(...run, ...flags, "--steps", "6000", "--out", out);
    expect(text).toContain("m: stochastic variational inference, 4000 draws");
    expect([0, 2]).toContain(code);
    const { q } = JSON.parse(readFileSync(join(out, "params.json"), "utf8"));
    // The posterior is Normal(8 / 5, √(1 / 5)).
    expect(Math.abs(q.a - 1.6)).toBeLessThan(0.05);
    expect(Math.abs(q.s - Math.sqrt(0.2))).toBeLessThan(0.05);
    const init = `init=${join(out, "params.json")}`;
    const again = await tilde(...run, "--steps", "1", "--lr", "1e-12", "--option", init, "--json");
    const summary = JSON.parse(again.out);
    expect(Math.abs(summary.variables.mu.mean - q.a)).toBeLessThan(0.05);
    expect(summary.diagnostics).toMatchObject({ objective: "elbo", steps: 1 });
  });

  test("keeps the last finite params of a run that diverged", async () => {
    const out = join(scratch.path, "diverged");
    const flags = ["--option", "optimizer=sgd", "--lr", "10", "--out", out];
    const { code, err } = await tilde(...run, ...flags);
    expect(code).toBe(1);
    expect(err).toMatch(/the run diverged at step \d+/);
    expect(err).toContain(join(out, "params.json"));
    const { q } = JSON.parse(readFileSync(join(out, "params.json"), "utf8"));
    expect(Object.values(q).every(Number.isFinite)).toBe(true);
    expect(existsSync(join(out, "summary.json"))).toBe(false);
  });

  test.each([
    [["--batch", "N"], "SIZE=COUNT"],
    [["--batch", "N=9"], "a minibatch of 9 is larger than `N`"],
    [["--batch", "M=1"], "no size `M`"],
    [["--guide", "r"], "no guide `r` for the model `m`"],
    [["--objective", "iwea(5)"], "did you mean `iwae`"],
    [["--lr", "0"], "--lr"],
  ])("%j is a diagnostic", async (flags, text) => {
    const { code, err } = await tilde(...run, ...flags);
    expect(code).toBe(1);
    expect(err).toContain(text);
  });
});
