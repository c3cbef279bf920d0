/** Reading data: values from JavaScript, JSON and CSV. */
import { describe, expect, test } from "vitest";
import { loadDataFiles, parseJson } from "../../src/run/data/files.js";
import { mergeData, readObject, readValue } from "../../src/run/data/values.js";
import { scratchFolder } from "../helpers/cli.js";

const scratch = scratchFolder();

function value(given: unknown) {
  const read = readValue("x", given);
  if (!("data" in read)) throw new Error(read.message);
  return { dims: read.dims, data: [...read.data], missing: read.missing && [...read.missing] };
}
function problem(given: unknown): string {
  const read = readValue("x", given);
  return "data" in read ? "" : read.message;
}

describe("values", () => {
  test("scalars, lists, lists of lists and typed arrays", () => {
    expect(value(3)).toEqual({ dims: [], data: [3], missing: undefined });
    expect(value(true).data).toEqual([1]);
    expect(value([1, false, 2]).data).toEqual([1, 0, 2]);
    const matrix = { dims: [2, 3], data: [1, 2, 3, 4, 5, 6], missing: undefined };
    const rows = [
      [1, 2, 3],
      [4, 5, 6],
    ];
    expect(value(rows)).toEqual(matrix);
    expect(value(rows.map((r) => Int16Array.from(r)))).toEqual(matrix);
    expect(value([[[1], [2]]]).dims).toEqual([1, 2, 1]);
    expect(value(Float32Array.of(0.5, 2)).data).toEqual([0.5, 2]);
    expect(value([])).toEqual({ dims: [0], data: [], missing: undefined });
    expect(value([[], []]).dims).toEqual([2, 0]);
    expect(value(["inf", "-Infinity"]).data).toEqual([Infinity, -Infinity]);
  });

  test("a typed array is copied", () => {
    const mine = Float64Array.of(1, 2);
    const read = readValue("x", mine);
    mine[0] = 5;
    expect("data" in read && read.data[0]).toBe(1);
  });

  test("null, NaN and NA are missing, a whole row too", () => {
    expect(value([1, null, Number.NaN, "NA"]).missing).toEqual([0, 1, 1, 1]);
    expect(value(Float64Array.of(1, Number.NaN)).missing).toEqual([0, 1]);
    const rows = value([null, [1, 2], null]);
    expect(rows).toEqual({
      dims: [3, 2],
      data: [Number.NaN, Number.NaN, 1, 2, Number.NaN, Number.NaN],
      missing: [1, 1, 0, 0, 1, 1],
    });
    expect(value(null)).toEqual({ dims: [], data: [Number.NaN], missing: [1] });
  });

  test("what cannot be read is told with its place", () => {
    expect(problem([1, "two"])).toContain('the text "two" at [1]');
    expect(problem([[1], [{ a: 1 }]])).toContain("an object at [1][0]");
    expect(problem([[1, 2], [3]])).toContain("`x[1]` has 1 entries where earlier rows have 2");
    expect(problem([[1, 2], 3])).toContain("`x[1]` has a number");
    expect(
      problem([
        [[1], [2]],
        [[3], [4, 5]],
      ]),
    ).toContain("`x[1][1]` has 2 entries");
    expect(problem([1, [2]])).toContain("a list of 1 at [1]");
    expect(value(10n).data).toEqual([10]);
    expect(problem(2n ** 53n)).toContain(
      "the integer 9007199254740992, which is beyond 2^53, at the top",
    );
    let deep: unknown = 1;
    for (let k = 0; k < 1e5; k++) deep = [deep];
    expect(problem(deep)).toContain("more than 16 deep");
  });

  test("large arrays are read in a moment", () => {
    const rows = Array.from({ length: 100_000 }, (_, i) => [i, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const start = performance.now();
    const read = readValue("x", rows);
    // About 20 ms alone on a core; the bound catches work that grows with more than the size.
    expect(performance.now() - start).toBeLessThan(2000);
    expect("data" in read && read.data[999_990]).toBe(99_999);
  });

  test("composed and decomposed names are one name", () => {
    expect([...readObject({ "e\u0301": 1 }).values.keys()]).toEqual(["\u00e9"]);
  });

  test("later values win, also over problems", () => {
    const merged = mergeData([
      readObject({ a: "text", b: 1, c: 1 }),
      readObject({ a: 1, b: "text" }),
    ]);
    expect([...merged.values.keys()].sort()).toEqual(["a", "c"]);
    expect([...merged.problems.keys()]).toEqual(["b"]);
  });
});

describe("files", () => {
  test("JSON tells line and column of a mistake", () => {
    expect(() => parseJson("d.json", '{\n  "x": [1, 2,]\n}')).toThrow(/d\.json.*it is not JSON/);
    for (const text of ["3", "null", "[1]", '"x"']) {
      expect(() => parseJson("d.json", text)).toThrow("does not hold an object");
    }
  });

  test("CSV: quotes, blanks, byte order marks, tabs, row names, missing cells", async () => {
    const csv = scratch.file(
      "a.csv",
      '\ufeff"","x", y ,flag,"a,b"\n1,1.5, 2,TRUE,1\n2,,3,false,2\n',
    );
    const { values } = await loadDataFiles([csv]);
    expect([...values.keys()].sort()).toEqual(["a,b", "flag", "x", "y"]);
    expect([...(values.get("x")?.missing ?? [])]).toEqual([0, 1]);
    expect([...(values.get("flag")?.data ?? [])]).toEqual([1, 0]);
    const tsv = scratch.file("a.tsv", "x\ty\n1\t2\n");
    expect([...(await loadDataFiles([tsv])).values.keys()]).toEqual(["x", "y"]);
    const header = scratch.file("h.csv", "x,y\n");
    expect((await loadDataFiles([header])).values.get("x")?.dims).toEqual([0]);
  });

  test("names from a file are no names of the language's own objects", async () => {
    const path = scratch.file("proto.json", '{"__proto__": [1], "constructor": 2, "x": 3}');
    const { values } = await loadDataFiles([path]);
    expect([...values.keys()].sort()).toEqual(["__proto__", "constructor", "x"]);
    const csv = scratch.file("proto.csv", "__proto__,x\n1,2\n");
    expect([...(await loadDataFiles([csv])).values.keys()]).toEqual(["__proto__", "x"]);
  });
});
