/** The params of all programs as stretches of one flat vector of unconstrained numbers, `theta`. */
import { internalError } from "../../base/internal.js";
import type { Conditioned } from "../../passes/condition/index.js";
import { concreteDims } from "../../passes/condition/index.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import type { InputNode, Node } from "../../tensor/ops.js";
import { bijectorOf } from "../bijectors/index.js";
import { shapeOf, transformPiece } from "../logjoint/latents.js";
import type { Lowerer } from "../logjoint/lowerer.js";
import { assemble } from "../logjoint/pieces.js";
import { contextOf, targetPositions } from "../logjoint/scopes.js";
import type { Variables } from "../logjoint/variable-table.js";
import { definitionsOf } from "../logjoint/variables.js";
import type { ParamSlot } from "./contract.js";

export interface ParamSource {
  readonly conditioned: Conditioned;
  /** Stands before the params' names, with a dot; empty for the model itself. */
  readonly prefix: string;
}

/** Where each param of the programs stands; in the order of the programs and of their text. */
export function layoutParams(sources: readonly ParamSource[]): {
  readonly slots: readonly ParamSlot[];
  /** By program, its params by their own names. */
  readonly owned: ReadonlyMap<Conditioned, ReadonlyMap<string, ParamSlot>>;
  readonly dimension: number;
  readonly valueCount: number;
} {
  const slots: ParamSlot[] = [];
  const owned = new Map<Conditioned, Map<string, ParamSlot>>();
  let offset = 0;
  let valueOffset = 0;
  for (const { conditioned, prefix } of sources) {
    const own = new Map<string, ParamSlot>();
    owned.set(conditioned, own);
    for (const v of conditioned.model.variables) {
      if (v.role !== "param") continue;
      const dims = concreteDims(conditioned, v.type.dims);
      const valueLength = dims.reduce((n, d) => n * d, 1);
      const { eventRank, free } = bijectorOf(v.support.kind);
      const size = eventRank === 0 ? 1 : dims[dims.length - 1];
      const events = valueLength === 0 ? 0 : valueLength / size ** eventRank;
      const length = eventRank === 0 ? valueLength : events * free(size);
      const isState = conditioned.model.states?.some((s) => s.param === v.name) === true;
      const slot: ParamSlot = {
        name: prefix === "" ? v.name : `${prefix}.${v.name}`,
        program: conditioned.model.name,
        param: v.name,
        dims,
        support: v.support,
        offset,
        length,
        valueOffset,
        valueLength,
        ...(isState && { isState }),
      };
      slots.push(slot);
      own.set(v.name, slot);
      offset += length;
      valueOffset += valueLength;
    }
  }
  return { slots, owned, dimension: offset, valueCount: valueOffset };
}

/** The whole array of a param, in its own coordinates. */
export function paramNode(
  l: Lowerer,
  vars: Variables,
  g: GraphBuilder,
  theta: InputNode,
  slot: ParamSlot,
): Node {
  const variable = vars.byName.get(slot.param) ?? internalError(`no param ${slot.param}`);
  const shape = shapeOf(l.conditioned, variable);
  let taken = 0;
  const take = (length: number): Node => {
    taken += length;
    return g.slice(theta, [slot.offset + taken - length], [length]);
  };
  const pieces = definitionsOf(vars, slot.param).map((d) => {
    const context = contextOf(l, vars.contexts, d.scope);
    const positions = targetPositions(l, slot.param, d.stmt.indices, shape.batch, context);
    return transformPiece(l, d, variable, shape, positions, context, { take });
  });
  if (taken !== slot.length) internalError(`${slot.name} took ${taken} of ${slot.length} numbers`);
  return assemble(l, shape, pieces);
}
