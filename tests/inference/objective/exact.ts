/**
 * The exact ELBO of a program whose drawn sites are bits and labels: the sum over all their values of
 * densities by the interpreter, which shares no code with the estimators. For tests alone.
 */
import { elaborate } from "../../../src/elaborate/index.js";
import type { DataSet, DataValue } from "../../../src/model/data.js";
import { unravel } from "../../../src/model/data.js";
import type { Model } from "../../../src/model/ir.js";
import { concreteDims, condition } from "../../../src/passes/condition/index.js";
import { logJointOf } from "../../../src/passes/interpret/log-joint.js";
import { loadImport } from "../../../src/run/sources.js";
import { parseSource } from "../../../src/syntax/parse.js";
import { build, type Setup } from "./driver.js";

const scalar = (x: number): DataValue => ({ dims: [], data: Float64Array.of(x) });
const sizeOf = (dims: readonly number[]): number => dims.reduce((n, d) => n * d, 1);

/**
 * Gradient of the ELBO in `theta` at the initial params, all of which must be unbounded reals.
 * @param counts values of each label site; bits have two
 */
export function exactGradient(
  setup: Setup,
  counts: Readonly<Record<string, number>> = {},
): number[] {
  const { ast } = parseSource({ path: "test.ppl", text: setup.text });
  const { models, guides } = elaborate(ast, { loadImport });
  const [p, q] = [models.get(setup.programs.p), guides.get(setup.programs.q)?.program];
  if (p === undefined || q === undefined) throw new Error("no programs");
  const given = new Map<string, DataValue>();
  for (const [name, x] of Object.entries(setup.data ?? {})) {
    given.set(name, typeof x === "number" ? scalar(x) : x);
  }
  const own = (m: Model, drops: ReadonlySet<string>): DataSet => {
    const known = new Set([...m.inputs, ...m.variables].map((v) => v.name));
    for (const size of m.boundSizes) known.add(size);
    return new Map([...given].filter(([n]) => known.has(n) && !drops.has(n)));
  };
  const conditioned = { p: condition(p, own(p, new Set())), q: condition(q, own(q, new Set())) };
  const made = build(setup);
  const theta = made.initial(1);
  const sites = q.variables
    .filter((v) => v.role === "site")
    .map((v) => {
      const dims = concreteDims(conditioned.q, v.type.dims);
      return { name: v.name, dims, values: counts[v.name] ?? 2 };
    });
  const axes = sites.flatMap((s) => new Array<number>(sizeOf(s.dims)).fill(s.values));
  const total = axes.reduce((n, k) => n * k, 1);
  const elbo = (at: Float64Array): number => {
    const params = (model: string): DataSet =>
      new Map(
        made.params
          .filter((s) => s.program === model)
          .map((s) => [
            s.param,
            { dims: s.dims, data: at.slice(s.offset, s.offset + s.length) } as DataValue,
          ]),
      );
    let sum = 0;
    for (let n = 0; n < total; n++) {
      const flat = unravel(n, axes);
      let offset = 0;
      const values = new Map<string, DataValue>();
      for (const { name, dims } of sites) {
        const length = sizeOf(dims);
        values.set(name, { dims, data: Float64Array.from(flat.slice(offset, offset + length)) });
        offset += length;
      }
      const lq = logJointOf(conditioned.q, new Map([...values, ...params(q.name)]));
      const lp = logJointOf(conditioned.p, new Map([...values, ...params(p.name)]));
      sum += Math.exp(lq) * (lp - lq);
    }
    return sum;
  };
  const h = 1e-4;
  return [...theta].map((_, i) => {
    const moved = (d: number): number => {
      const at = theta.slice();
      at[i] += d;
      return elbo(at);
    };
    return (moved(h) - moved(-h)) / (2 * h);
  });
}
