/** Expected joints of small models, and their values. */
import type {
  ExpectedJoint,
  ExpectedSite,
  NotMultilinear,
} from "../../../src/inference/expectation/contract.js";
import { expectJoint } from "../../../src/inference/expectation/index.js";
import { statisticValues } from "../../../src/inference/expectation/values.js";
import { buildDirectJoint, type DirectJoint } from "../../../src/inference/logjoint/direct.js";
import { condition } from "../../../src/passes/condition/index.js";
import { evaluate } from "../../../src/tensor/evaluate.js";
import type { Node } from "../../../src/tensor/ops.js";
import type { Data } from "../conditionals/harness.js";
import { dataSet, modelOf } from "../logjoint/models.js";

export interface Both {
  readonly joint: DirectJoint;
  readonly expected: ExpectedJoint;
}

export function jointOf(text: string, data: Data): DirectJoint {
  return buildDirectJoint(condition(modelOf(text), dataSet(data)), new Set(), "test");
}

export function tryExpect(
  text: string,
  data: Data,
  points: readonly string[] = [],
): ExpectedJoint | NotMultilinear {
  return expectJoint(jointOf(text, data), new Set(points));
}

/** @param most numbers of products of data that are formed before (`expectJoint`) */
export function bothOf(
  text: string,
  data: Data,
  points: readonly string[] = [],
  most?: number,
): Both {
  const joint = jointOf(text, data);
  const expected = expectJoint(joint, new Set(points), most);
  if ("kind" in expected) throw new Error(expected.sites.map((s) => s.reason).join("; "));
  return { joint, expected };
}

/** Inputs of the statistics of one site at a value. */
export function statisticsAt(site: ExpectedSite, own: Float64Array): Record<string, Float64Array> {
  if (site.kind === "point") return { [site.input.name]: own };
  const { dims } = site.direct.latent;
  const size = dims[dims.length - 1] ?? 1;
  return Object.fromEntries(
    site.statistics.map((s) => [s.input.name, statisticValues(s.statistic, own, size)]),
  );
}

export const outputsOf = (e: ExpectedJoint): Node[] => [
  ...e.factors.map((f) => f.rows),
  ...e.terms,
];
export const directOutputs = (j: DirectJoint): Node[] => [
  ...j.factors.map((f) => f.rows),
  ...j.plain,
];

export function expectedAt(e: ExpectedJoint, own: readonly Float64Array[]): Float64Array[] {
  const inputs = Object.assign({}, ...e.sites.map((s, k) => statisticsAt(s, own[k])));
  return evaluate(outputsOf(e), inputs);
}

/** The direct joint's outputs, rows added up as the expected joint's factors do. */
export function directAt({ joint, expected }: Both, own: readonly Float64Array[]): Float64Array[] {
  const values = evaluate(
    directOutputs(joint),
    Object.fromEntries(joint.sites.map((s, k) => [s.input.name, own[k]])),
  );
  return values.map((v, k) => {
    if (k >= joint.factors.length) return v;
    const { references } = joint.factors[k];
    const { references: kept, rows } = expected.factors[k];
    const key = (refs: typeof references, i: number) => refs.map((r) => r.elements[i]).join();
    const places = new Map(
      Array.from({ length: rows.shape[0] }, (_, i) => [key(kept, i), i] as const),
    );
    const tuples = joint.factors[k].rows.shape[0];
    if (tuples === rows.shape[0]) return v;
    const width = v.length / tuples;
    const out = new Float64Array(rows.shape[0] * width);
    v.forEach((x, i) => {
      const place = places.get(key(references, Math.floor(i / width))) as number;
      out[place * width + (i % width)] += x;
    });
    return out;
  });
}
