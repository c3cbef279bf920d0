/** Densities of items and components against the interpreter; tables; growth; spellings. */
import { describe, expect, test } from "vitest";
import { withClusters } from "../../../../src/inference/dp/model/finite.js";
import { stream } from "../../../../src/math/rng/index.js";
import type { DataValue } from "../../../../src/model/data.js";
import { logJointTerms } from "../../../../src/passes/interpret/log-joint.js";
import { columnsOf, type Data, type Planned, planned, ramp } from "./harness.js";

const N = 9;
const x = ramp(N, (i) => Math.sin(i * 1.3) * 3);
const rows = ramp(N, (i) => i).map((i) => [Math.sin(i), Math.cos(2 * i)]);

const cases: readonly { name: string; text: string; data: Data }[] = [
  {
    name: "scales and locations",
    text: `model m(N: int) {
      alpha ~ Gamma(1, 1)
      for k in 0.. { mu[k] ~ Normal(0, 10);  tau[k] ~ Gamma(2, 2) }
      for i in 0..N { z[i] ~ CRP(alpha);  x[i] ~ Normal(mu[z[i]], 1 / sqrt(tau[z[i]])) }
    }`,
    data: { N, x },
  },
  {
    name: "several statements an item, a loop, a definition of the plate, sites outside",
    text: `model m(N: int, y: real[N, 2], w: real[N]) {
      m0 ~ Normal(0, 2)
      s ~ HalfNormal(1)
      for k in 0.. {
        mu[k] ~ MvNormal(fill(m0, 2), eye(2))
        S[k] ~ InverseWishart(4, eye(2))
        let L[k] = cholesky(S[k])
        b[k] ~ Normal(0, 1)
      }
      for i in 0..N {
        z[i] ~ CRP(1.5)
        observe y[i] ~ MvNormal(mu[z[i]], cholesky: L[z[i]])
        let m = b[z[i]] * w[i]
        x[i] ~ Normal(m, s)
        for d in 0..2 { observe y[i, d] ~ Normal(mu[z[i], d] + m0, 2) }
      }
    }`,
    data: { N, y: rows, w: x.map((v) => v / 3), x: x.map((v, i) => (i === 4 ? null : v)) },
  },
  {
    name: "groups of unequal size as items",
    text: `model m(N: int, G: int, group: category(G)[N]) {
      for k in 0.. { mu[k] ~ Normal(0, 3) }
      for g in 0..G { z[g] ~ CRP(2) }
      for i in 0..N { x[i] ~ Normal(mu[z[group[i]]], 1) }
    }`,
    data: { N, G: 4, group: [0, 1, 1, 3, 3, 3, 0, 1, 3], x },
  },
  {
    name: "latent variables of items",
    text: `model m(N: int) {
      for k in 0.. { mu[k] ~ Normal(0, 3) }
      for i in 0..N {
        z[i] ~ CRP(2)
        eta[i] ~ Normal(mu[z[i]], 1)
        y[i] ~ Poisson(exp(eta[i]))
      }
    }`,
    data: { N, y: ramp(N, (i) => (i * 7) % 5) },
  },
];

/** Sites outside the plate as the chain has them, whole. */
function outside({ plan, model }: Planned): Map<string, DataValue> {
  const values = model.globals();
  let at = 0;
  const out = new Map<string, DataValue>();
  for (const { name, dims, length } of plan.structure.globals) {
    const own = values.subarray(at, at + length);
    at += length;
    const given = plan.conditioned.observed.get(name);
    let next = 0;
    const data = given?.data.map((v, i) => (given.missing?.[i] === 1 ? own[next++] : v));
    out.set(name, { dims, data: data ?? own.slice() });
  }
  if (plan.structure.concentrationName !== undefined) {
    out.set(plan.structure.concentrationName, { dims: [], data: Float64Array.of(1) });
  }
  return out;
}

/** Components in rows of θ by name. */
function componentArrays({ plan }: Planned, thetas: Float64Array, count: number) {
  const out = new Map<string, DataValue>();
  plan.structure.components.forEach(({ name, dims, length }, component) => {
    const data = new Float64Array(count * length);
    plan.layout.forEach((column, j) => {
      if (column.component !== component) return;
      for (let c = 0; c < count; c++) {
        data[c * length + column.element] = thetas[c * plan.layout.length + j];
      }
    });
    out.set(name, { dims: [count, ...dims], data });
  });
  return out;
}

describe("densities", () => {
  for (const { name, text, data } of cases) {
    test(name, () => {
      const both = planned(text, data);
      const { plan, model } = both;
      const items = model.items;
      const K = 3;
      const thetas = new Float64Array(K * model.width);
      for (let c = 0; c < K; c++) model.drawBase(stream(2, 0, 0, c), thetas, c);
      const table = new Float64Array(items * K);
      model.table(thetas, K, table);
      // The finite model with given labels, by the interpreter: its labels have density 0.
      const finite = withClusters(plan.conditioned, K);
      const total = (labels: readonly number[]): number => {
        const values = new Map([...outside(both), ...componentArrays(both, thetas, K)]);
        const { labelDims, plate } = plan.structure;
        values.set(plate.label, { dims: labelDims, data: Float64Array.from(labels) });
        return logJointTerms(finite, values)
          .filter((t) => !(t.statement.kind === "site" && t.statement.name === plate.label))
          .reduce((sum, t) => sum + t.value, 0);
      };
      const labels = ramp(items, (i) => i % K);
      const before = total(labels);
      expect(Number.isFinite(before)).toBe(true);
      for (let i = 0; i < items; i++) {
        for (let c = 0; c < K; c++) {
          const one = model.logLikelihood(i, thetas, c);
          expect(one).toBeCloseTo(table[i * K + c], 10);
          const moved = labels.map((l, j) => (j === i ? c : l));
          const wanted = total(moved) - before;
          expect(one - model.logLikelihood(i, thetas, labels[i])).toBeCloseTo(wanted, 8);
        }
      }
    });
  }

  test("more components than the tables were made for", () => {
    const { model } = planned(cases[1].text, cases[1].data);
    const before = model.globals();
    const K = 21;
    const thetas = new Float64Array(K * model.width);
    for (let c = 0; c < K; c++) model.drawBase(stream(2, 0, 0, c), thetas, c);
    const table = new Float64Array(N * K);
    model.table(thetas, K, table);
    for (const [i, c] of [
      [0, 0],
      [3, 20],
      [8, 9],
    ]) {
      expect(table[i * K + c]).toBeCloseTo(model.logLikelihood(i, thetas, c), 10);
    }
    expect(model.globals()).toEqual(before);
  });

  test("three spellings are one cluster model", () => {
    const body = "x[i] ~ Normal(THETA, 1)";
    const plate = "for k in 0.. { mu[k] ~ Normal(0, 10) }";
    const head = "model m(N: int) { alpha ~ Gamma(1, 1)";
    const texts = [
      `${head}; ${plate}; for i in 0..N { z[i] ~ CRP(alpha); ${body.replace("THETA", "mu[z[i]]")} } }`,
      `${head}; w ~ StickBreaking(alpha); ${plate}
        for i in 0..N { z[i] ~ Categorical(w); ${body.replace("THETA", "mu[z[i]]")} } }`,
      `${head}; G ~ DirichletProcess(alpha, Normal(0, 10))
        for i in 0..N { theta[i] ~ G; ${body.replace("THETA", "theta[i]")} } }`,
    ];
    const all = texts.map((text) => planned(text, { N, x }));
    const facts = all.map(({ plan, model }) => {
      const { conjugate } = model;
      const thetas = Float64Array.of(0.7, -2);
      const table = new Float64Array(2 * N);
      model.table(thetas, 2, table);
      return {
        width: model.width,
        columns: columnsOf(plan).map((c) => c.replace(/^\w+/, "")),
        family: conjugate?.family.name,
        prior: conjugate?.prior(),
        contributions: conjugate?.contributions(),
        concentration: model.concentration,
        table,
        base: (() => {
          model.drawBase(stream(4, 0, 0, 0), thetas, 0);
          return thetas[0];
        })(),
      };
    });
    expect(facts[1]).toEqual(facts[0]);
    // The base of a process is a site of another number: its draws differ.
    expect({ ...facts[2], base: 0 }).toEqual({ ...facts[0], base: 0 });
  });
});
