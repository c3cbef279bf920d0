/** Numbers in single precision: what is finite stays finite. */
import { expect, test } from "vitest";
import { MOST_SINGLE, single, singles } from "../../src/device/single.js";
import { literal } from "../../src/device/webgpu/wgsl/literal.js";

test("numbers beyond the range are its ends, infinities and NaN are themselves", () => {
  const values = [0.1, -0, 1e39, -Number.MAX_VALUE, Infinity, -Infinity, NaN, 1e-60, MOST_SINGLE];
  const expected = [
    Math.fround(0.1),
    -0,
    MOST_SINGLE,
    -MOST_SINGLE,
    Infinity,
    -Infinity,
    NaN,
    0,
    MOST_SINGLE,
  ];
  expect(values.map(single)).toEqual(expected);
  expect([...singles(values)]).toEqual(expected);
  // 3.40282347e38 as text would be more than the largest f32.
  expect(Math.fround(MOST_SINGLE)).toBe(MOST_SINGLE);
  expect(Math.fround(MOST_SINGLE * (1 + 2 ** -24))).toBe(Infinity);
  expect(literal(-Number.MAX_VALUE)).toBe("(-0x1.fffffep+127f)");
});
