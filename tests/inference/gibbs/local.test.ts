/**
 * Local densities against the whole one: what one element's value changes is the same by both, for
 * models of every way in which a site is read.
 */
import { describe, expect, it } from "vitest";
import { directKernels, inputBuffer } from "../../../src/inference/conditionals/kernels.js";
import { loadState, randomStates } from "../../../src/inference/conditionals/states.js";
import { randomBuffers, randomFunctions } from "../../../src/inference/gibbs/kernel/random.js";
import { adaptBuffer, sliceFunctions } from "../../../src/inference/gibbs/kernel/slice.js";
import { localDensity } from "../../../src/inference/gibbs/local/density.js";
import { buildDirectJoint } from "../../../src/inference/logjoint/direct.js";
import { stream } from "../../../src/math/rng/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import { ConstantPool } from "../../../src/passes/lower/index.js";
import { type Data, make } from "../conditionals/harness.js";
import { dataSet, modelOf } from "../logjoint/models.js";

interface Case {
  readonly name: string;
  readonly text: string;
  readonly data: Data;
  /** Entries of the log joint that one element reads at most; undefined: everything. */
  readonly most: Readonly<Record<string, number | undefined>>;
}

const y5 = [
  [2, 3, 1],
  [4, 2, 5],
  [0, 1, 0],
  [6, 5, 7],
  [1, 1, 2],
];

const cases: readonly Case[] = [
  {
    name: "abundance",
    text: `model m(R: int, T: int) {
      lambda ~ Gamma(2, 0.1)
      p ~ Beta(2, 2)
      for i in 0..R {
        N[i] ~ Poisson(lambda)
        for t in 0..T { y[i, t] ~ Binomial(N[i], p) }
      }
    }`,
    data: { y: y5 },
    most: { N: 4 },
  },
];

/** log p at moved values of single elements less that where they stood, by both densities. */
function differences(c: Case, name: string) {
  const conditioned = condition(modelOf(c.text), dataSet(c.data));
  const draw = randomStates(conditioned, "test", 2, true);
  const names = draw(stream(1, 0, 0, 0));
  void names;
  const free = new Set(
    buildDirectJoint(conditioned, new Set(), "test", true)
      .sites.filter((s) => !s.isCount)
      .map((s) => s.latent.name),
  );
  const joint = buildDirectJoint(conditioned, free, "test", true);
  const site = joint.sites.findIndex((s) => s.latent.name === name);
  const pool = new ConstantPool();
  const local = localDensity(joint, site, pool);
  const length = joint.sites[site].input.shape[0];
  const isWhole = joint.sites[site].isCount;
  const base = directKernels(joint, { lp: true, densities: [site] }, pool);
  const own = sliceFunctions({ site, length, isWhole, local });
  const instance = make({
    buffers: [
      ...base.buffers,
      ...randomBuffers,
      adaptBuffer,
      ...(local?.buffers ?? []),
      ...own.buffers,
    ],
    functions: [
      ...base.functions,
      ...randomFunctions(),
      ...(local?.functions ?? []),
      ...own.functions,
    ],
  });
  const values = instance.f64(inputBuffer(site));
  const found: { local: number; whole: number; scale: number }[] = [];
  for (let k = 0; k < 4; k++) {
    const rng = stream(7, 0, site, k);
    loadState(joint, instance, draw(rng));
    if (isWhole) for (let i = 0; i < length; i++) values[i] += 8;
    if (local?.isPrepared === true) instance.call(`prepare_${site}`);
    for (let e = 0; e < length; e++) {
      const at = () => [instance.call(`slice_density_${site}`, e), instance.call("lp")];
      const before = values[e];
      const [a, b] = at();
      for (const step of isWhole ? [1, 5, -1, -3] : [0.3, -1.1]) {
        values[e] = before + step;
        const [c2, d] = at();
        found.push({ local: c2 - a, whole: d - b, scale: Math.abs(a) + Math.abs(b) + Math.abs(d) });
      }
      // The others' turns come where this one was moved to.
      values[e] = before + (isWhole ? 1 : 0.2);
    }
  }
  return { found, local };
}

describe.each(cases)("$name", (c) => {
  it.each(Object.keys(c.most))("%s", (name) => {
    const { found, local } = differences(c, name);
    let finite = 0;
    for (const { local: a, whole: b, scale } of found) {
      if (!Number.isFinite(b)) {
        expect(Object.is(a, b) || Number.isNaN(a) === Number.isNaN(b)).toBe(true);
        continue;
      }
      finite++;
      expect(Math.abs(a - b)).toBeLessThan(1e-12 * (1 + scale));
    }
    expect(finite).toBeGreaterThan(found.length / 3);
    expect(local?.most).toBe(c.most[name]);
  });
});
