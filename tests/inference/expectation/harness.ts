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

export function bothOf(text: string, data: Data, points: readonly string[] = []): Both {
  const joint = jointOf(text, data);
  const expected = expectJoint(joint, new Set(points));
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

export function directAt(j: DirectJoint, own: readonly Float64Array[]): Float64Array[] {
  return evaluate(
    directOutputs(j),
    Object.fromEntries(j.sites.map((s, k) => [s.input.name, own[k]])),
  );
}
