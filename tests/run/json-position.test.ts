/** Where a text stops being JSON: whatever the engine says of it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonErrorPosition } from "../../src/run/data/json-position.js";

describe("the position of a mistake in JSON", () => {
  test.each([
    ['{"a": [1, 2,]}', 12],
    ['{"a": 1 "b": 2}', 8],
    ['{"a": [1,\n 2', 12],
    ['{"a": NaN}', 6],
    ["{a: 1}", 1],
    ["", 0],
    ["{} 1", 3],
    ['{"a": 01}', 7],
    ["[1,2}", 4],
    ['{"a":-}', 5],
    ['{"a",1}', 4],
    ["{,}", 1],
  ])("%s", (text, position) => {
    expect(jsonErrorPosition(text)).toBe(position);
  });

  test("there is one exactly where the engine finds a mistake", () => {
    const texts = fc.oneof(
      fc.json(),
      // Valid texts with one character removed or doubled.
      fc.tuple(fc.json(), fc.nat(), fc.boolean()).map(([text, at, twice]) => {
        const k = at % text.length;
        return text.slice(0, k) + (twice ? text[k] + text[k] : "") + text.slice(k + 1);
      }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        expect(jsonErrorPosition(text) === undefined).toBe(isJson);
      }),
      { seed: 4, numRuns: 500 },
    );
  });
});
