/** What stands in for Node's modules in a page, beside Node's own. */
import { createHash } from "node:crypto";
import { posix } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as standInCrypto from "../../src/page/node/crypto.js";
import * as path from "../../src/page/node/path.js";
import { setImmediate } from "../../src/page/node/timers.js";

const piece = fc.constantFrom("a", "bc.ppl", "..", ".", "", "/d", "e/f.g.h", ".x", "y.");

test("paths are those of POSIX, where the folder of work is the root", () => {
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 5 }), (pieces) => {
      expect(path.resolve(...pieces)).toBe(posix.resolve("/", ...pieces));
      const joined = posix.join(...pieces).replace(/(.)\/$/, "$1");
      expect(path.join(...pieces)).toBe(joined);
      if (joined !== "/") {
        expect(path.dirname(joined)).toBe(posix.dirname(joined));
        expect(path.basename(joined)).toBe(posix.basename(joined));
        expect(path.extname(joined)).toBe(posix.extname(joined));
      }
    }),
    { seed: 1, numRuns: 300 },
  );
});

test("paths of addresses stay at their host", () => {
  const from = path.dirname("https://a.b/c/d.ppl");
  expect(path.resolve(from, "../../e.ppl")).toBe("https://a.b/e.ppl");
  expect(path.resolve(from, "/e.ppl")).toBe("https://a.b/e.ppl");
  expect(path.resolve(from, "http://x.y/z.ppl")).toBe("http://x.y/z.ppl");
});

test("SHA-256 of text and of bytes", () => {
  for (const data of ["", "Größe", new Uint8Array(100_000).fill(7)]) {
    const expected = createHash("sha256").update(data).digest("hex");
    expect(standInCrypto.createHash("sha256").update(data).digest("hex")).toBe(expected);
  }
});

test("turns of the event loop come in order", async () => {
  const order: number[] = [];
  await Promise.all([1, 2, 3].map((k) => setImmediate().then(() => order.push(k))));
  expect(order).toEqual([1, 2, 3]);
});
