import { expect, test } from "vitest";
import { philox, philoxKey } from "../../../src/math/rng/index.js";

// Random123 kat_vectors, the three "philox4x32 10" lines: counter, key, expected words.
test.each([
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
] as const)("known answer of counter %j, key %j", (c, key, expected) => {
  const out = new Uint32Array(4);
  philox(key, c[0], c[1], c[2], c[3], out);
  expect([...out]).toEqual([...expected]);
});

test("agrees with 64-bit integer arithmetic on 200 counters", () => {
  // The slow obvious twin: the round function in bigints.
  const slow = (key: readonly [number, number], counter: readonly number[]) => {
    const mask = 0xffffffffn;
    let [k0, k1] = [BigInt(key[0]), BigInt(key[1])];
    let x = counter.map(BigInt);
    for (let round = 0; round < 10; round++) {
      const p0 = 0xd2511f53n * x[0];
      const p1 = 0xcd9e8d57n * x[2];
      x = [(p1 >> 32n) ^ x[1] ^ k0, p1 & mask, (p0 >> 32n) ^ x[3] ^ k1, p0 & mask];
      k0 = (k0 + 0x9e3779b9n) & mask;
      k1 = (k1 + 0xbb67ae85n) & mask;
    }
    return x.map(Number);
  };
  const out = new Uint32Array(4);
  let words = [1, 2, 3, 4];
  let key: readonly [number, number] = [5, 6];
  for (let i = 0; i < 200; i++) {
    philox(key, words[0], words[1], words[2], words[3], out);
    expect([...out]).toEqual(slow(key, words));
    key = [words[0], words[3]];
    words = [...out];
  }
});

test("the key of a seed is its two's complement halves", () => {
  expect(philoxKey(0)).toEqual([0, 0]);
  expect(philoxKey(2 ** 32 + 7)).toEqual([7, 1]);
  expect(philoxKey(-1)).toEqual([0xffffffff, 0xffffffff]);
  expect(philoxKey((1n << 64n) + 3n)).toEqual([3, 0]);
});
