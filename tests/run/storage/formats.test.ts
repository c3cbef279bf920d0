/**
 * Fits in the formats of other programs, read back here by the same library. That ArviZ and CmdStanPy
 * read them, to the last bit, is shown by scripts/reference/read_fit.py.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import hdf5 from "h5wasm/node";
import { describe, expect, test } from "vitest";
import * as tilde from "../../../src/index.js";
import { writeNetcdf } from "../../../src/run/results/formats/netcdf.js";
import { tilde as command, scratchFolder } from "../../helpers/cli.js";

const scratch = scratchFolder();
const model = tilde.compile(`
model line(N: int, x: real[N]) {
  a ~ Normal(0, 1)
  for i in 0..2 { for j in 0..3 { w[i, j] ~ Normal(10 * i + j, 1) } }
  s ~ HalfNormal(1)
  for n in 0..N { y[n] ~ Normal(a * x[n], s) }
  let twice = 2 * a
}`);
const data = { N: 5, x: [-2, -1, 0, 1, 2], y: [-2.1, -0.9, null, 1.2, 1.8] };
const method = tilde.nuts({ chains: 2, warmup: 200, draws: 60, thin: 2 });
const folder = join(scratch.path, "line");

async function opened(path: string) {
  await hdf5.ready;
  const file = new hdf5.File(path, "r");
  const value = (name: string) => {
    const found = file.get(name);
    if (!(found instanceof hdf5.Dataset)) throw new Error(`no ${name}`);
    return found;
  };
  return { file, value };
}

describe("netcdf", () => {
  test("groups, names, dimensions and values of ArviZ's InferenceData", async () => {
    const fit = await tilde.infer(model, { data, method, seed: 4, threads: 1 });
    await fit.save(folder, { format: ["netcdf", "cmdstan"] });
    const { file, value } = await opened(join(folder, "fit.nc"));
    expect(file.keys().sort()).toEqual([
      "constant_data",
      "log_likelihood",
      "observed_data",
      "posterior",
      "posterior_predictive",
      "sample_stats",
    ]);
    const w = value("posterior/w");
    expect(w.shape).toEqual([2, 60, 2, 3]);
    expect(w.value).toEqual(fit.draws("w").data);
    const scales = [0, 1, 2, 3].map((axis) => w.get_attached_scales(axis)[0]);
    expect(scales).toEqual(["chain", "draw", "w_dim_0", "w_dim_1"].map((d) => `/posterior/${d}`));
    expect(value("posterior/draw").value).toEqual(Int32Array.from({ length: 60 }, (_, i) => i));
    // The imputed element among the observed ones.
    expect(value("posterior/y").shape).toEqual([2, 60, 5]);
    expect(value("posterior/y").value).toEqual(fit.draws("y").data);
    expect(value("posterior/twice").value).toEqual(fit.draws("twice").data);
    const names = [
      "lp",
      "acceptance_rate",
      "step_size",
      "tree_depth",
      "n_steps",
      "diverging",
      "energy",
    ];
    for (const name of names) expect(value(`sample_stats/${name}`).shape, name).toEqual([2, 60]);
    expect(value("sample_stats/diverging").value).toBeInstanceOf(Int8Array);
    expect(value("sample_stats/diverging").attrs.dtype.value).toBe("bool");
    const [first, second] = fit.fit.chains.map((c) => c.statistics.lp ?? []);
    expect(value("sample_stats/lp").value).toEqual(Float64Array.from([...first, ...second]));
    expect(value("observed_data/y").value).toEqual(
      Float64Array.of(-2.1, -0.9, Number.NaN, 1.2, 1.8),
    );
    expect(value("constant_data/N").value).toBe(5);
    expect(value("constant_data/x").value).toEqual(Float64Array.from(data.x));
    expect(value("posterior_predictive/y").value).toEqual(fit.predict().get("y")?.data);
    expect(file.get("posterior_predictive")).toBeInstanceOf(hdf5.Group);
    // Of the four observations that there are, by hand.
    expect(value("log_likelihood/y").shape).toEqual([2, 60, 4]);
    const found = value("log_likelihood/y").value as Float64Array;
    const [a, s] = [fit.draws("a").data, fit.draws("s").data];
    for (const row of [0, 17, 119]) {
      const z = (1.8 - a[row] * 2) / s[row];
      const density = -0.5 * z * z - Math.log(s[row]) - 0.5 * Math.log(2 * Math.PI);
      expect(found[row * 4 + 3]).toBeCloseTo(density, 10);
    }
    file.close();
  });

  test("a streamed fit gives the file of a fit in memory; other methods have what they have", async () => {
    const out = join(scratch.path, "streamed");
    const streamed = await tilde.infer(model, { data, method, seed: 4, threads: 1, out });
    await streamed.save(out, { format: ["netcdf", "cmdstan"] });
    for (const name of ["cmdstan-1.csv", "cmdstan-2.csv"]) {
      const lines = (where: string) =>
        readFileSync(join(where, name), "utf8")
          .split("\n")
          .filter((line) => !line.includes("seconds"));
      expect(lines(out)).toEqual(lines(folder));
    }
    const [one, two] = [await opened(join(out, "fit.nc")), await opened(join(folder, "fit.nc"))];
    for (const path of two.file.paths()) {
      const found = two.file.get(path);
      if (!(found instanceof hdf5.Dataset)) continue;
      expect(one.value(path).value, path).toEqual(found.value);
    }
    one.file.close();
    two.file.close();
    const prior = await tilde.infer(model, { data, method: tilde.prior({ draws: 20 }) });
    await prior.save(join(scratch.path, "prior"), { format: "netcdf" });
    const { file, value } = await opened(join(scratch.path, "prior", "fit.nc"));
    expect(file.keys()).toContain("prior");
    expect(value("prior/w").shape).toEqual([1, 20, 2, 3]);
    file.close();
  });

  test("without the library it says what to install; a place that is no file is told", async () => {
    const { fit } = await tilde.loadFit(folder);
    const absent = () => Promise.reject(new Error("ERR_MODULE_NOT_FOUND"));
    await expect(writeNetcdf(fit, join(folder, "x.nc"), undefined, absent)).rejects.toThrow(
      /needs the package `h5wasm`.*`npm install h5wasm`/,
    );
    mkdirSync(join(scratch.path, "in the way"));
    await expect(writeNetcdf(fit, join(scratch.path, "in the way"))).rejects.toThrow(
      "cannot write",
    );
  });
});

describe("cmdstan", () => {
  test("columns, comments and every draw", () => {
    expect(readdirSync(folder).filter((f) => f.startsWith("cmdstan"))).toEqual([
      "cmdstan-1.csv",
      "cmdstan-2.csv",
    ]);
    const lines = readFileSync(join(folder, "cmdstan-2.csv"), "utf8").split("\n");
    const rows = lines.filter((line) => line !== "" && !line.startsWith("#"));
    const [header, ...body] = rows.map((line) => line.split(","));
    expect(header).toEqual([
      ...["lp__", "accept_stat__", "stepsize__", "treedepth__", "n_leapfrog__", "divergent__"],
      ...["energy__", "a", "w.1.1", "w.2.1", "w.1.2", "w.2.2", "w.1.3", "w.2.3", "s", "y.3"],
      "twice",
    ]);
    expect(body.length).toBe(60);
    const csv = readFileSync(join(folder, "draws.csv"), "utf8").split("\n");
    const ours = csv.filter((line) => line.startsWith("1,")).map((line) => line.split(","));
    expect(body.map((row) => row[7])).toEqual(ours.map((row) => row[3]));
    // `w[0,1]` is fifth here and sixth there.
    expect(body.map((row) => row[10])).toEqual(ours.map((row) => row[5]));
    const text = lines.join("\n");
    for (const part of ["# model = line_model", "num_samples = 120", "thin = 2", "# id = 2"]) {
      expect(text).toContain(part);
    }
    const metric = /Diagonal elements of inverse mass matrix:\n# (.*)\n/.exec(text)?.[1];
    expect(
      metric
        ?.split(", ")
        .map(Number)
        .every((v) => v > 0),
    ).toBe(true);
    expect(metric?.split(", ").length).toBe(9);
  });

  test("a dense metric is a matrix, and Gibbs has its log density alone", async () => {
    const dense = tilde.nuts({ chains: 1, warmup: 200, draws: 20, metric: "dense" });
    const at = join(scratch.path, "dense");
    await (await tilde.infer(model, { data, method: dense })).save(at, { format: "cmdstan" });
    const text = readFileSync(join(at, "cmdstan-1.csv"), "utf8");
    const [, matrix = ""] = /# Elements of inverse mass matrix:\n((?:# .*\n){9})/.exec(text) ?? [];
    const rows = matrix
      .trimEnd()
      .split("\n")
      .map((row) => row.slice(2).split(", ").map(Number));
    for (const [i, row] of rows.entries()) {
      expect(row.length).toBe(9);
      for (const [j, v] of row.entries()) expect(v).toBe(rows[j][i]);
    }
    const gibbs = await tilde.infer(model, { data, method: tilde.gibbs({ chains: 1, draws: 20 }) });
    await gibbs.save(at, { format: "cmdstan" });
    const header = readFileSync(join(at, "cmdstan-1.csv"), "utf8")
      .split("\n")
      .find((l) => l.startsWith("lp__"));
    expect(header).toMatch(/^lp__,a,w\.1\.1/);
  });
});

describe("the command", () => {
  const file = scratch.file("coin.ppl", "model coin() {\n  p ~ Beta(2, 2)\n}\n");
  const flags = ["--chains", "1", "--warmup", "50", "--draws", "20"];

  test("--format writes beside the fit, and `resume` of a finished run makes files from it", async () => {
    const out = join(scratch.path, "coin");
    await command("run", file, ...flags, "--out", out, "--format", "netcdf,cmdstan");
    expect(readdirSync(out).sort()).toEqual([
      ...["chain-0.draws", "chain-0.state", "cmdstan-1.csv", "draws.csv", "fit.json", "fit.nc"],
      ...["report.json", "run.json", "summary.json"],
    ]);
    const other = join(scratch.path, "coin-2");
    await command("run", file, ...flags, "--out", other);
    const told = await command("resume", other, "--format", "cmdstan");
    expect(told.err).toContain("the run was finished");
    expect(readdirSync(other)).toContain("cmdstan-1.csv");
  });

  test("what cannot be is told before the run", async () => {
    const alone = await command("run", file, "--format", "netcdf");
    expect(alone.code).toBe(1);
    expect(alone.err).toContain("--out");
    const wrong = await command("run", file, "--out", scratch.path, "--format", "netcd");
    expect(wrong.err).toContain("did you mean netcdf?");
    const none = await command("resume", join(scratch.path, "nothing"));
    expect(none.err).toContain("there is no such folder");
    writeFileSync(file, "model coin() {\n  p ~ Beta(3, 2)\n}\n");
    const out = join(scratch.path, "coin");
    // The finished run is read all the same; one that is to go on wants its own model.
    expect((await command("resume", out)).code).not.toBe(1);
  });

  test("an element of a single number, places that hold no files: told before the run", async () => {
    const long = ["--draws", "100000000", "--chains", "1"];
    const element = await command("run", file, ...long, "--vars", "p[0]");
    expect(element.err).toContain("there is no latent element `p[0]`");
    expect(element.err).toContain("`p` is a single number");
    for (const out of ["/proc/x", "/proc/x/y", join(file, "x")]) {
      const refused = await command("run", file, ...long, "--out", out);
      expect(refused.code, out).toBe(1);
      expect(refused.err, out).toContain(`cannot write to \`${out}\``);
    }
  });
});
