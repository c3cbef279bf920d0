/** Values of sites in objectives: `let x: real[n, d] = y.x`. */
import { fail } from "../../base/diagnostic.js";
import { nearestNames } from "../../base/nearest.js";
import type { Type } from "../../model/ir.js";
import type { Evaluation, Objective } from "../../model/objective.js";
import { printType } from "../../model/print.js";
import { sizeConst } from "../../model/size.js";
import type { Conditioned } from "../../passes/condition/index.js";
import type { Node } from "../../tensor/ops.js";
import { type Builder, dataNode, type Program, sizeNumber, type Trace } from "./programs.js";

interface Reader extends Builder {
  readonly objective: Objective;
  readonly conditioned: Conditioned;
  readonly programs: ReadonlyMap<string, Program>;
  readonly traces: ReadonlyMap<string, Trace>;
}

/**
 * The sizes that the types of readings name first.
 * @throws TildeError for sites that there are not, and for those of other types.
 */
export function bindReadings(state: Reader): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const { sizes } = state.conditioned;
  for (const e of state.objective.evaluations) {
    if (e.reading === undefined) continue;
    const { type } = e.reading;
    const trace = e.draw === undefined ? undefined : state.traces.get(e.draw);
    const node = siteValue(state, state.programs, trace, e);
    const dims = node.shape.slice(trace?.copies.loops.length ?? 0);
    const wrong = (): never => {
      const scalar = node.dtype === "real" ? "real" : type.scalar === "real" ? "int" : type.scalar;
      const actual: Type = { scalar, dims: dims.map(sizeConst) };
      const text = { declared: printType(type), found: printType(actual) };
      return fail("site_value_shape", e.span, { text: e.name, ...text });
    };
    if (dims.length !== type.dims.length) wrong();
    if (node.dtype === "real" && type.scalar !== "real") wrong();
    type.dims.forEach((size, axis) => {
      for (const { names } of size.terms) {
        const [name] = names;
        if (size.terms.length > 1 || names.length !== 1) continue;
        if (!sizes.has(name) && !found.has(name)) found.set(name, dims[axis]);
      }
      const all = { ...state.conditioned, sizes: new Map([...sizes, ...found]) };
      if (sizeNumber(all, size) !== dims[axis]) wrong();
    });
  }
  return found;
}

/** The value of a site for all copies of its draw: `copies ++ the site's own shape`. */
export function siteValue(
  b: Builder,
  programs: ReadonlyMap<string, Program>,
  trace: Trace | undefined,
  { draw, reading, name, span }: Evaluation,
): Node {
  const site = reading?.site ?? "";
  if (draw !== undefined && trace !== undefined) {
    const value = trace.values.get(site);
    if (value !== undefined) return value;
    const near = nearestNames(site, [...trace.values.keys()]);
    const program = `the draw \`${draw}\``;
    return fail("site_value_unknown", span, { text: name, site, program, near });
  }
  const known: string[] = [];
  for (const program of programs.values()) {
    const { observed, inputs } = program.conditioned;
    known.push(...observed.keys(), ...inputs.keys());
    const value = observed.get(site) ?? inputs.get(site);
    if (value === undefined || value.missing !== undefined) continue;
    const { model } = program.conditioned;
    const variable = [...model.variables, ...model.inputs].find((v) => v.name === site);
    if (variable === undefined) continue;
    return dataNode(b, program, site, variable.type.scalar);
  }
  const near = nearestNames(site, known);
  return fail("site_value_unknown", span, { text: name, site, program: "the data", near });
}
