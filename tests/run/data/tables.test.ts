/** Tables written by pandas, PyArrow and polars (scripts/reference/data_files.py). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadDataFiles } from "../../../src/run/data/files.js";
import { scratchFolder } from "../../helpers/cli.js";

const scratch = scratchFolder();
const files = join(import.meta.dirname, "files");
const N = 40;
const indices = Array.from({ length: N }, (_, i) => i);

/** What the script wrote, by name: numbers, NaN where there is none. */
const expected: Readonly<Record<string, readonly number[]>> = {
  n: indices,
  x: indices.map((i) => 0.5 * i - 3),
  gap: indices.map((i) => (i % 7 === 3 ? Number.NaN : i / 8)),
  count: indices.map((i) => (i % 9 === 4 ? Number.NaN : 10 * i)),
  yes: indices.map((i) => (i % 3 === 0 ? 1 : 0)),
  row: indices.flatMap((i) => [i, i + 0.25]),
  small: indices.map((i) => i % 5),
  single: indices.map((i) => i / 4),
};

async function read(name: string) {
  return await loadDataFiles([join(files, name)]);
}

describe("every file holds the same columns", () => {
  test.each([
    ...["none", "snappy", "gzip", "brotli", "zstd", "lz4", "groups"].map(
      (c) => `arrow-${c}.parquet`,
    ),
    ...["uncompressed", "lz4", "zstd"].map((c) => `arrow-${c}.feather`),
    "arrow.arrows",
    "pandas.parquet",
    "pandas.feather",
    "pandas.csv",
    "pandas.tsv",
    "polars.parquet",
    "polars.arrow",
    "polars-lz4.arrow",
  ])("%s", async (name) => {
    const { values, problems } = await read(name);
    const isText = /sv$/.test(name);
    const isWhole = name.startsWith("arrow");
    const names = ["n", "x", "gap", "count", "yes"];
    if (!isText) names.push("row");
    if (isWhole) names.push("small", "single");
    expect([...values.keys()].sort()).toEqual([...names].sort());
    for (const column of names) {
      const { data, dims, missing } = values.get(column) ?? { data: [], dims: [] };
      expect([...data], column).toEqual(expected[column]);
      expect(dims, column).toEqual(column === "row" ? [N, 2] : [N]);
      const gaps = [...data].map((v) => (Number.isNaN(v) ? 1 : 0));
      expect(missing === undefined ? gaps.map(() => 0) : [...missing], column).toEqual(gaps);
    }
    const told = Object.fromEntries([...problems].map(([k, d]) => [k, d.message]));
    expect(told.word).toContain('the text "red" at [0]');
    if (!isWhole) return;
    expect(told.ragged).toContain("`ragged[1]` has 2 entries where earlier rows have 1");
    expect(told.day).toContain("a date at [0]");
    expect(told.huge).toContain("the integer 1152921504606846976, which is beyond 2^53, at [0]");
  });

  test.each(["no-rows.parquet", "no-rows.feather"])("%s", async (name) => {
    const { values } = await read(name);
    expect([...values].map(([k, v]) => [k, v.dims])).toEqual([
      ["n", [0]],
      ["x", [0]],
    ]);
  });

  test("compressed blocks in a row", async () => {
    const { values } = await read("long.feather");
    const x = values.get("x");
    expect(x?.dims).toEqual([600_000]);
    expect(x?.data.every((v, i) => v === i % 10)).toBe(true);
  });

  test("what a file is goes by its bytes before its name", async () => {
    const bytes = readFileSync(join(files, "pandas.parquet"));
    const path = scratch.file("table.csv", "");
    const { writeFileSync } = await import("node:fs");
    writeFileSync(path, bytes);
    expect((await loadDataFiles([path])).values.get("n")?.dims).toEqual([N]);
  });
});

describe("files that are not whole", () => {
  test.each([
    "arrow-snappy.parquet",
    "arrow-lz4.feather",
    "arrow-zstd.feather",
    "arrow.arrows",
    "polars.arrow",
  ])("%s, cut anywhere", async (name) => {
    const { writeFileSync } = await import("node:fs");
    const bytes = readFileSync(join(files, name));
    const path = scratch.file(`cut-${name}`, "");
    for (const part of [4, 9, 0.25, 0.5, 0.9, bytes.length - 1]) {
      writeFileSync(path, bytes.subarray(0, part < 1 ? Math.floor(part * bytes.length) : part));
      await expect(loadDataFiles([path]), `${part}`).rejects.toThrow(
        /no whole (Parquet|Arrow) file/,
      );
    }
    writeFileSync(path, "");
    await expect(loadDataFiles([path])).rejects.toThrow("it is empty");
    writeFileSync(path, "x,y\n1,2\n");
    await expect(loadDataFiles([path])).rejects.toThrow(/no whole (Parquet|Arrow) file/);
  });

  test("text of another convention", async () => {
    await expect(read("german.csv")).rejects.toThrow(
      "separated by semicolons: write it with commas and with points in numbers",
    );
    const tabs = scratch.file("tabs.csv", "x\ty\n1\t2\n");
    await expect(loadDataFiles([tabs])).rejects.toThrow("separated by tabs: name it `.tsv`");
    const commas = scratch.file("commas.tsv", "x,y\n1,2\n");
    await expect(loadDataFiles([commas])).rejects.toThrow("separated by commas: name it `.csv`");
    const one = scratch.file("one.tsv", "x\r\n1\r\n2\r\n");
    expect((await loadDataFiles([one])).values.get("x")?.data).toEqual(Float64Array.of(1, 2));
    const old = scratch.file("old.feather", "FEA1....");
    await expect(loadDataFiles([old])).rejects.toThrow("Feather of version 1");
  });

  test("a file that is not there is told as that", async () => {
    for (const name of ["no.json", "no.csv", "no.parquet", "no.arrow"]) {
      const error = await loadDataFiles([join(scratch.path, name)]).catch((e: unknown) => e);
      expect(String(error)).toMatch(/there is no such file; check the path/);
    }
  });
});
