/** `Energy` under methods that infer: what they may take, and what would need its normaliser. */
import { describe, expect, test } from "vitest";
import { compile, infer, map, nuts } from "../../src/index.js";

const quick = nuts({ chains: 2, warmup: 500, draws: 1000 });

describe("Energy", () => {
  test("of the site alone is a density like any other: a normal", async () => {
    const model = compile("model m() { x ~ Energy(u => -(u - 3)^2 / 8) }");
    const [row] = (await infer(model, { method: quick })).summary().rows;
    // N(3, 2) by some 800 effective draws: standard errors of 0.07 and 0.05.
    expect(Math.abs(row.mean - 3)).toBeLessThan(0.3);
    expect(Math.abs((row.sd ?? 0) - 2)).toBeLessThan(0.25);
  });

  test("that reads what is inferred is refused, directly and through a let, latent or observed", async () => {
    const direct = compile("model m() { mu ~ Normal(0, 1)\n x ~ Energy(u => -(u - mu)^2) }");
    const hidden = compile(
      "model m() { s ~ HalfNormal(1)\n let r = 1 / s\n x ~ Energy(u => -r * u^2) }",
    );
    for (const [model, name] of [
      [direct, "mu"],
      [hidden, "r"],
    ] as const) {
      for (const data of [{}, { x: 0.5 }]) {
        const wanted = new RegExp(`nuts needs the normaliser of \`x\`, which follows \`${name}\``);
        await expect(infer(model, { data, method: quick })).rejects.toThrow(wanted);
      }
    }
  });

  test("with params is refused where they are maximised", async () => {
    const model = compile(
      "model m(N: int) { param c: real = 0\n for i in 0..N { x[i] ~ Energy(u => -u^2 + c) } }",
    );
    const run = infer(model, { data: { x: [1, 2] }, method: map() });
    await expect(run).rejects.toThrow(/map needs the normaliser of `x`, which follows `c`/);
  });
});
