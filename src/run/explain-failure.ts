/**
 * Why a log density is not finite somewhere: finds the statement, the element and, where it can,
 * the argument that left its domain. Runs the slow reference evaluator; only failures pay for it.
 */

import type { ParamDomain } from "../distributions/contract.js";
import type { DensityTerm, LogJoint } from "../inference/logjoint/index.js";
import { unravel } from "../model/data.js";
import { evaluate } from "../tensor/evaluate.js";

/** Tests of scalar domains; vectors and matrices are judged by their densities alone. */
const scalarDomains: Partial<Record<ParamDomain, (x: number) => boolean>> = {
  real: (x) => Number.isFinite(x),
  positive: (x) => x > 0,
  nonnegative: (x) => x >= 0,
  unit: (x) => x >= 0 && x <= 1,
  count: (x) => x >= 0,
  positive_int: (x) => x > 0,
  positive_vector: (x) => x > 0,
};

/** One sentence about the first term that is not finite at `position`, or undefined if all are. */
export function explainFailure(joint: LogJoint, position: Float64Array): string | undefined {
  const nodes = joint.terms.map((t) => t.node);
  const values = evaluate(nodes, { q: position });
  for (let k = 0; k < joint.terms.length; k++) {
    // NaN explains more than an infinity that follows from it, so look for it first in each term.
    const data = values[k];
    const nan = data.findIndex((x) => Number.isNaN(x));
    const at = nan >= 0 ? nan : data.findIndex((x) => !Number.isFinite(x));
    if (at >= 0) return explainTerm(joint.terms[k], data[at], at, position);
  }
  return undefined;
}

function explainTerm(term: DensityTerm, value: number, at: number, q: Float64Array): string {
  const shape = term.node.shape;
  const indices = unravel(at, shape);
  const where = new Map<string, number>();
  for (const [name, v] of term.loopVars) {
    const axis = term.axes.findIndex((a) => a.name === v.axis);
    if (axis >= 0) where.set(name, v.values[indices[axis]]);
  }
  const shown = Number.isNaN(value) ? "NaN" : value > 0 ? "+inf" : "-inf";
  const text = `log density is ${shown} at \`${atIndices(term.label, where)}\``;
  const args = term.args;
  const results = evaluate(
    args.map((a) => a.node),
    { q },
  );
  for (let k = 0; k < args.length; k++) {
    const test = scalarDomains[args[k].domain];
    if (test === undefined) continue;
    const x = elementAt(results[k], args[k].node.shape, indices, shape);
    if (x === undefined || test(x)) continue;
    const rounded = Number(x.toPrecision(6));
    return `${text}: ${atIndices(args[k].label, where)} = ${rounded} is outside \`${args[k].domain}\``;
  }
  const read = valuesRead(term, results, indices, where, q);
  return read.length === 0 ? text : `${text}, where ${read.join(", ")}`;
}

/** `y[3] = 1210` and the same of the arguments that are no plain numbers. */
function valuesRead(
  term: DensityTerm,
  args: readonly ArrayLike<number>[],
  indices: readonly number[],
  where: ReadonlyMap<string, number>,
  q: Float64Array,
): string[] {
  const { value, node, label } = term;
  if (value === undefined) return [];
  const [drawn] = evaluate([value], { q });
  const said = [
    { label: label.split(" ~ ")[0], data: drawn as ArrayLike<number>, shape: value.shape },
    ...term.args.map((a, k) => ({ label: a.label, data: args[k], shape: a.node.shape })),
  ];
  return said.flatMap(({ label: name, data, shape }) => {
    const x = elementAt(data, shape, indices, node.shape);
    const isPlain = !Number.isNaN(Number(name));
    if (x === undefined || isPlain) return [];
    return [`${atIndices(name, where)} = ${Number(x.toPrecision(6))}`];
  });
}

/** An argument shared by all elements has rank 0; otherwise it has the term's leading shape. */
function elementAt(
  data: ArrayLike<number>,
  shape: readonly number[],
  indices: readonly number[],
  termShape: readonly number[],
): number | undefined {
  if (shape.length === 0) return data[0];
  if (shape.length !== termShape.length) return undefined;
  return data[indices.reduce((n, i, k) => n * shape[k] + i, 0)];
}

/** The statement's text with loop variables replaced by their values. */
function atIndices(label: string, where: ReadonlyMap<string, number>): string {
  let text = label;
  for (const [name, value] of where) {
    const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const whole = new RegExp(`(?<![\\p{L}\\p{N}_])${escaped}(?![\\p{L}\\p{N}_#])`, "gu");
    text = text.replace(whole, String(value));
  }
  return text;
}
