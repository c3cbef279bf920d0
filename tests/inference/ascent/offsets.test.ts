/** Products of data that a device forms in single precision: told where they would lose the data. */
import { describe, expect, it } from "vitest";
import { farColumn } from "../../../src/inference/ascent/offsets.js";
import { stageAscent } from "../../../src/inference/ascent/stage.js";
import { expectJoint, isNotMultilinear } from "../../../src/inference/expectation/index.js";
import { buildDirectJoint } from "../../../src/inference/logjoint/direct.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { jobOf } from "../../devices/run/fixtures.js";
import { emModel, points } from "../../devices/run/mixtures.js";

describe("columns far from 0", () => {
  it("are those of products alone, by their spreads", () => {
    const g = new GraphBuilder();
    const data = (means: readonly number[]): ReturnType<typeof g.constant> =>
      g.constant(
        Float64Array.from({ length: 100 * means.length }, (_, k) => {
          return means[k % means.length] + (Math.floor(k / means.length) % 2 === 0 ? 1 : -1);
        }),
        [100, means.length],
      );
    const [near, far] = [data([0, 20]), data([0, 50, -90])];
    const theta = g.input("theta", [3, 2]);
    expect(farColumn([g.square(near), g.matmul(far, theta)], 100)).toBeUndefined();
    expect(farColumn([g.sum(g.mul(far, far))], 100)).toEqual({
      column: 2,
      mean: expect.closeTo(-90, 9),
      spread: expect.closeTo(1, 9),
    });
    // With a factor that is no data there is no product of data.
    expect(farColumn([g.mul(g.mul(far, 3), g.input("w", [100, 3]))], 100)).toBeUndefined();
  });

  it("refuse a device in single precision, with the numbers; formed here they are no matter", () => {
    const stage = (shift: number, most: number, isSingle: boolean) => {
      const x = points(60).map((row) => row.map((v) => v + shift));
      const { conditioned } = jobOf(emModel("mixture_full"), { N: 60, K: 3, D: 2, x }).run;
      const joint = expectJoint(buildDirectJoint(conditioned, new Set(), "em"), new Set(), most);
      if (isNotMultilinear(joint)) throw new Error("not multilinear");
      return stageAscent(joint, isSingle);
    };
    const refused = stage(4000, 10, true);
    expect(refused.kind === "not_staged" && refused.reason).toMatch(
      /60 rows.*spread \d\.\d+ of column [01], whose mean is (399|400)\d: subtract the means/,
    );
    expect(stage(4000, 1e6, true).kind).toBe("staged");
    expect(stage(4000, 10, false).kind).toBe("staged");
    expect(stage(0, 10, true).kind).toBe("staged");
  });
});
