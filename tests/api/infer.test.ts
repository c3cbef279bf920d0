/** `infer` and what it gives: draws, lets, summaries, predictions, files, options, data. */
import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  compile,
  hmc,
  type InferOptions,
  InternalError,
  infer,
  laplace,
  type Method,
  map,
  nuts,
  type Posterior,
  type Program,
  prior,
  TildeError,
} from "../../src/index.js";
import { scratchFolder } from "../helpers/cli.js";

const scratch = scratchFolder();

/** Conjugate: given n observations of variance s², mu is normal with the moments of `exact`. */
const normal = compile(`model normal(N: int, s: positive = 2.0) {
  mu ~ Normal(0, 10)
  let twice = 2 * mu
  for i in 0..N { y[i] ~ Normal(mu, s) }
}`);
const y = [3.1, 4.2, 2.7, 5.0, 3.9];
function exact(values: readonly number[], s = 2) {
  const precision = 1 / 100 + values.length / s ** 2;
  const mean = values.reduce((a, b) => a + b, 0) / s ** 2 / precision;
  return { mean, sd: 1 / Math.sqrt(precision) };
}
const quick = nuts({ chains: 2, warmup: 300, draws: 500 });

function rowOf(posterior: Posterior, name: string) {
  const row = posterior.summary().rows.find((r) => r.name === name);
  if (row === undefined) throw new Error(`no row ${name}`);
  return row as Required<typeof row>;
}

async function errorOf(work: Promise<unknown>): Promise<TildeError> {
  const error = await work.then(
    () => new Error("nothing was thrown"),
    (e: unknown) => e,
  );
  if (error instanceof TildeError) return error;
  throw error;
}

describe("draws", () => {
  const regression = compile(`model regression(N: int, K: int, X: real[N, K]) {
    for k in 0..K { beta[k] ~ Normal(0, 5) }
    s ~ HalfNormal(2)
    let mean = X @ beta
    let table = [[beta[0], s], [beta[1], 1.0]]
    for n in 0..N { y[n] ~ Normal(mean[n], s) }
  }`);
  const X = [
    [1, 0.5],
    [1, -1],
    [1, 2],
    [1, 0.1],
  ];

  test("have the shape [chains, draws, …dims]; lets are computed from them", async () => {
    const data = { N: 4, K: 2, X, y: [1, 0, 3, 1.2] };
    const posterior = await infer(regression, { data, method: quick, seed: 4 });
    expect(posterior.names).toEqual(["beta", "s", "mean", "table"]);
    const beta = posterior.draws("beta");
    const s = posterior.draws("s");
    const mean = posterior.draws("mean");
    const table = posterior.draws("table");
    expect(beta.shape).toEqual([2, 500, 2]);
    expect(s.shape).toEqual([2, 500]);
    expect(mean.shape).toEqual([2, 500, 4]);
    expect(table.shape).toEqual([2, 500, 2, 2]);
    expect(beta.data).toBeInstanceOf(Float64Array);
    expect(beta.data.length).toBe(2000);
    for (const t of [0, 499, 500, 999]) {
      const [b0, b1] = beta.data.subarray(2 * t, 2 * t + 2);
      X.forEach(([x0, x1], n) => {
        expect(mean.data[4 * t + n]).toBeCloseTo(b0 * x0 + b1 * x1, 12);
      });
      expect([...table.data.subarray(4 * t, 4 * t + 4)]).toEqual([b0, s.data[t], b1, 1]);
    }
    expect(() => posterior.draws("bta")).toThrow("did you mean `beta`?");
    expect(() => posterior.summary(["nothing"])).toThrow("defines no `nothing`");
    expect(posterior.summary(["s"]).rows.map((r) => r.name)).toEqual(["s"]);
  });

  test("do not depend on how the arrays are given", async () => {
    const given: readonly Readonly<Record<string, unknown>>[] = [
      { N: 4, K: 2, X, y: [1, 0, 3, 1] },
      { X: X.map((r) => Float64Array.from(r)), y: Float32Array.of(1, 0, 3, 1) },
      { X: X.map((r) => Float64Array.from(r)), y: Int32Array.of(1, 0, 3, 1), K: 2 },
    ];
    const draws = await Promise.all(
      given.map(async (data) => (await infer(regression, { data, method: quick })).draws("beta")),
    );
    expect(draws[1]).toEqual(draws[0]);
    expect(draws[2]).toEqual(draws[0]);
  });

  test("agree with the exact posterior, under every method that samples it", async () => {
    const { mean, sd } = exact(y);
    const data = { N: 5, y };
    for (const method of [nuts(), hmc(), laplace()] satisfies Method[]) {
      const row = rowOf(await infer(normal, { data, method, seed: 3 }), "mu");
      expect(Math.abs(row.mean - mean)).toBeLessThan(4 * row.mcseMean);
      // 4000 draws know an sd to 1/√8000 = 1.1 % or, correlated, a few times that.
      expect(Math.abs(row.sd / sd - 1)).toBeLessThan(0.1);
    }
    const mode = await infer(normal, { data, method: map() });
    expect(rowOf(mode, "mu").mean).toBeCloseTo(mean, 6);
    expect(rowOf(mode, "twice").mean).toBeCloseTo(2 * mean, 6);
    const before = await infer(normal, { data: { N: 5 }, method: prior({ draws: 4000 }) });
    const row = rowOf(before, "mu");
    expect(Math.abs(row.mean)).toBeLessThan((4 * 10) / Math.sqrt(4000));
    expect(before.names).toContain("y");
  });
});

describe("the posterior", () => {
  test("summaries, diagnostics, timing, prediction, files", async () => {
    const posterior = await infer(normal, { data: { N: 5, y }, method: quick, seed: 2 });
    const { diagnostics, timing } = posterior;
    expect(diagnostics?.maxRhat).toBeLessThan(1.05);
    expect(diagnostics?.divergent).toBe(0);
    expect(timing.gradients).toBeGreaterThan(2 * 800);
    expect(posterior.method).toBe("nuts");
    expect(posterior.interrupted).toBe(false);

    const { mean, sd } = exact(y);
    const again = posterior.predict().get("y");
    expect(again?.shape).toEqual([2, 500, 5]);
    const values = again?.data ?? new Float64Array(0);
    const average = values.reduce((a, b) => a + b, 0) / values.length;
    // Of draw t: mu (shared by 5 values) + noise. The error of the average is mostly mu's.
    const error = Math.hypot(rowOf(posterior, "mu").mcseMean, 2 / Math.sqrt(values.length));
    expect(Math.abs(average - mean)).toBeLessThan(4 * error);
    const spread = Math.sqrt(values.reduce((a, v) => a + (v - average) ** 2, 0) / values.length);
    expect(Math.abs(spread / Math.hypot(sd, 2) - 1)).toBeLessThan(0.1);
    expect(posterior.predict({ N: 3 }).get("y")?.shape).toEqual([2, 500, 3]);
    expect(posterior.predict({}, { seed: 5 }).get("y")).toEqual(
      posterior.predict({}, { seed: 5 }).get("y"),
    );
    expect(() => posterior.predict({ N: "many" })).toThrow("`N` holds the text");

    const folder = `${scratch.path}/saved`;
    await posterior.save(folder);
    expect(existsSync(`${folder}/summary.json`)).toBe(true);
    expect(existsSync(`${folder}/draws.csv`)).toBe(true);
    const file = scratch.file("a-file", "");
    await expect(posterior.save(file)).rejects.toThrow("cannot write to");
  });

  test("imputes what is null in an observed array", async () => {
    const data = { N: 5, y: [3.1, null, 2.7, Number.NaN, 3.9] };
    const posterior = await infer(normal, { data, method: nuts(), seed: 6 });
    const names = posterior.summary().rows.map((r) => r.name);
    expect(names).toEqual(["mu", "twice", "y[1]", "y[3]"]);
    const { mean, sd } = exact([3.1, 2.7, 3.9]);
    const row = rowOf(posterior, "y[3]");
    expect(Math.abs(row.mean - mean)).toBeLessThan(4 * row.mcseMean);
    expect(Math.abs(row.sd / Math.hypot(sd, 2) - 1)).toBeLessThan(0.1);
    // The whole array: as given where it was, a draw where it was not.
    const { data: whole, shape } = posterior.draws("y");
    expect(shape).toEqual([4, 1000, 5]);
    expect([whole[0], whole[2], whole[4]]).toEqual([3.1, 2.7, 3.9]);
    expect(whole[1]).not.toBe(whole[6]);
  });

  test("warns of names in the data that the model lacks", async () => {
    const posterior = await infer(normal, { data: { N: 5, y, S: 3 }, method: quick });
    expect(posterior.warnings.map((w) => w.code)).toContain("data_unused");
    expect(posterior.warnings[0].message).toContain("`S` is neither an input nor a site");
    expect(posterior.warnings[0].help).toBe("did you mean `s`?");
  });
});

describe("stopping and watching", () => {
  test("onProgress sees both phases of every chain", async () => {
    const seen = new Map<number, Set<string>>();
    await infer(normal, {
      data: { N: 5, y },
      method: nuts({ chains: 3, warmup: 500, draws: 500 }),
      onProgress: ({ chain, phase, done, total }) => {
        expect(done).toBeLessThanOrEqual(total);
        seen.set(chain, (seen.get(chain) ?? new Set()).add(phase));
      },
    });
    expect([...seen.keys()].sort()).toEqual([0, 1, 2]);
    for (const phases of seen.values()) expect([...phases]).toEqual(["warmup", "sampling"]);
  });

  test("an error of onProgress comes back as it is", async () => {
    const mine = new Error("mine");
    const onProgress = () => {
      throw mine;
    };
    await expect(infer(normal, { data: { N: 5, y }, onProgress })).rejects.toBe(mine);
  });

  test("aborting while drawing keeps the draws so far", async () => {
    const stop = new AbortController();
    const posterior = await infer(normal, {
      data: { N: 5, y },
      method: nuts({ chains: 1, warmup: 100, draws: 1_000_000 }),
      signal: stop.signal,
      onProgress: ({ phase, done }) => {
        if (phase === "sampling" && done > 10) stop.abort();
      },
    });
    expect(posterior.interrupted).toBe(true);
    const { shape, data } = posterior.draws("mu");
    expect(shape[0]).toBe(1);
    expect(shape[1]).toBeGreaterThan(10);
    expect(shape[1]).toBeLessThan(1_000_000);
    expect(data.length).toBe(shape[1]);
    expect(rowOf(posterior, "mu").mean).toBeCloseTo(exact(y).mean, 0);
  });

  test("aborted before it begins: no draws, and nothing breaks", async () => {
    const signal = AbortSignal.abort();
    const posterior = await infer(normal, { data: { N: 5, y }, signal });
    expect(posterior.interrupted).toBe(true);
    expect(posterior.summary().rows).toEqual([]);
    expect(posterior.draws("mu").data.length).toBe(0);
    expect(posterior.draws("twice").data.length).toBe(0);
    for (const { data } of posterior.predict().values()) expect(data.length).toBe(0);
  });
});

describe("wrong options", () => {
  const cases: readonly (readonly [what: string, options: object, ...says: string[]])[] = [
    ["seed", { seed: 1.5 }, "`seed` is 1.5", "whole number"],
    ["threads", { threads: 0 }, "`threads` is 0"],
    ["data", { data: [1, 2] }, "`data` is a list", "an object of names to values"],
    ["a method's name", { method: "nuts" }, '`method` is "nuts"', "nuts()"],
    [
      "a method without defaults is checked",
      { method: { method: "nuts", chains: -1 } },
      "`chains`",
    ],
    ["signal", { signal: true }, "`signal` is true", "AbortSignal"],
    ["onProgress", { onProgress: 3 }, "`onProgress` is 3", "a function"],
    ["a sampler's option", { chains: 4 }, "no option `chains`", "method: nuts({ chains })"],
    ["a misspelled option", { sed: 4 }, "no option `sed`", "did you mean `seed`?"],
    ["too many draws", { method: nuts({ draws: 1e9, chains: 1000 }) }, "of memory", "thin"],
  ];
  test.each(cases)("%s", async (...given) => {
    const [, options, ...says] = given as unknown as (typeof cases)[number];
    const error = await errorOf(infer(normal, { data: { N: 5, y }, ...options } as InferOptions));
    for (const text of says) expect(error.message).toContain(text);
  });

  test("of methods", () => {
    expect(() => nuts({ chains: 0 })).toThrow("`chains` is 0");
    expect(() => nuts({ targetAccept: 1 })).toThrow("a number between 0 and 1");
    expect(() => nuts({ drws: 3 } as object)).toThrow("did you mean `draws`?");
    expect(() => map({ chains: 2 } as object)).toThrow("map has no option `chains`");
    expect(() => hmc({ jitter: 1 })).toThrow("1 excluded");
    expect(() => laplace({ draws: 0.5 })).toThrow("whole number of at least 1");
    expect(() => prior({ draws: "many" as unknown as number })).toThrow('"many"');
  });

  test("no program", async () => {
    const error = await errorOf(infer("model m() {}" as unknown as Program));
    expect(error.message).toContain("compile, load or ppl");
  });
});

describe("what is thrown", () => {
  test("data errors name input, index and value, all of them at once", async () => {
    const model = compile(`model m(N: int, w: positive[N], A: real[N, 2]) {
      x ~ Normal(0, 1)
      for n in 0..N { y[n] ~ Gamma(w[n], 1) }
    }`);
    const data = { N: 2, w: [1, -1], A: [[1, 2], [3]], y: [1, -4] };
    const shape = await errorOf(infer(model, { data }));
    expect(shape.message).toContain("`A` is ragged: `A[1]` has 1 entries");
    const values = await errorOf(
      infer(model, {
        data: {
          ...data,
          A: [
            [1, 2],
            [3, 4],
          ],
        },
      }),
    );
    expect(values.diagnostics.map((d) => d.message)).toEqual([
      expect.stringContaining("w[1] = -1 is outside `positive`"),
      expect.stringContaining("y[1] = -4 is outside"),
    ]);
  });

  test("a model without anything to infer", async () => {
    const data = { N: 5, y, mu: 1 };
    const error = await errorOf(infer(normal, { data }));
    expect(error.message).toContain("nothing for nuts to infer");
  });

  test("errors are TildeErrors with text, never InternalErrors", async () => {
    const error = await errorOf(infer(normal, { data: { N: 5, y: [1] } }));
    expect(error).not.toBeInstanceOf(InternalError);
    expect(error.message).toContain("error: ");
    expect(error.diagnostics[0].code).toMatch(/^data_/);
  });
});
