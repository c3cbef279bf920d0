/** A program of an objective joined with what the data say of it, whole or cut into minibatches. */
import { fail } from "../../base/diagnostic.js";
import type { Span } from "../../base/span.js";
import { type DataSet, type DataValue, elementCount } from "../../model/data.js";
import type { Model } from "../../model/ir.js";
import type { EstimateKind } from "../../model/objective.js";
import type { Size } from "../../model/size.js";
import { stmtExprs, walkExpr, walkStmts } from "../../model/traverse.js";
import { type Conditioned, condition } from "../../passes/condition/index.js";
import type { ParamSlot, ProgramBinding, StreamInput } from "./contract.js";

/** Minibatches: by size name, how many of its elements are seen in one step. */
export type Batch = ReadonlyMap<string, number>;

export interface Program {
  readonly conditioned: Conditioned;
  readonly isGuide: boolean;
  readonly prefix: string;
  readonly slots: ReadonlyMap<string, ParamSlot>;
  /** Data that are cut into minibatches, by name. */
  readonly streams: ReadonlyMap<string, StreamInput>;
  /** By size name, the elements there are for each one that is seen. */
  readonly scale: ReadonlyMap<string, number>;
  /** Of a program made of this one; its draws are this one's, its density is estimated. */
  readonly estimate?: BoundEstimate;
  /** Its params are constants wherever it is lowered. */
  readonly held?: boolean;
  /** Its draws enter the objective beside the densities: all of the objective is their cost. */
  readonly isParticles?: boolean;
}

/** An estimated program with what it is made of. */
export interface BoundEstimate {
  readonly kind: EstimateKind;
  /** As the text has it, for messages. */
  readonly name: string;
  readonly span?: Span;
  readonly particles: number;
  /** Sites that particles draw: neither kept nor given by data. */
  readonly own: ReadonlySet<string>;
  readonly base: Program;
  /** Draws `own` given the rest; without one the program does so itself. */
  readonly proposal?: Program;
}

/**
 * The data with the sizes that they tell: a size of the data of any program's input or site is the
 * size of that name in all of them.
 */
export function withSizes(models: readonly Model[], data: DataSet): DataSet {
  const found = new Map(data);
  for (const model of models) {
    for (const v of [...model.inputs, ...model.variables]) {
      const value = data.get(v.name);
      if (value === undefined || ("role" in v && v.role !== "site")) continue;
      v.type.dims.forEach((d, axis) => {
        const name = plainName(d);
        if (name === undefined || found.has(name) || axis >= value.dims.length) return;
        found.set(name, { dims: [], data: Float64Array.of(value.dims[axis]) });
      });
    }
  }
  return found;
}

/** A program joined with what the data say of it. */
export function conditionProgram(
  binding: ProgramBinding,
  data: DataSet,
  batch: Batch,
): Omit<Program, "prefix" | "slots"> {
  const { model, isGuide } = binding;
  const variables = new Map([...model.inputs, ...model.variables].map((v) => [v.name, v]));
  const known = new Set([...model.inputs.map((i) => i.name), ...model.boundSizes]);
  for (const v of model.variables) {
    if (v.role !== "site" && !(isGuide && isImage(model, v.name))) continue;
    if (!isGuide) known.add(v.name);
    else if (data.has(v.name)) {
      fail("guide_draws_observed", v.span, { name: v.name, guide: model.name });
    }
  }
  const own = new Map([...data].filter(([name]) => known.has(name)));
  const full = condition(model, own);
  const streams = new Map<string, StreamInput>();
  const scale = new Map<string, number>();
  if (batch.size === 0) return { conditioned: full, isGuide, streams, scale };
  const cut = new Map<string, DataValue>();
  for (const [name, value] of own) {
    const dims = variables.get(name)?.type.dims ?? [];
    const axes = dims.flatMap((d, axis) => (batch.has(plainName(d) ?? "") ? [axis] : []));
    const count = batch.get(name);
    if (count !== undefined) cut.set(name, { dims: [], data: Float64Array.of(count) });
    if (axes.length === 0 || count !== undefined) {
      if (count === undefined) cut.set(name, value);
      continue;
    }
    const [axis] = axes;
    const size = plainName(dims[axis]) ?? "";
    const rows = batch.get(size) ?? 0;
    if (axes.length > 1 || value.missing !== undefined) {
      fail("batch_unsupported", variables.get(name)?.span, { name, size });
    }
    streams.set(name, { name, data: value, axis, size });
    cut.set(name, firstRows(value, axis, rows));
  }
  for (const v of model.variables) {
    const size = v.type.dims.map(plainName).find((n) => n !== undefined && batch.has(n));
    if (v.role === "param" && size !== undefined) {
      fail("batch_unsupported", v.span, { name: v.name, size });
    }
  }
  checkIndices(model, streams);
  const conditioned = condition(model, cut);
  for (const [size, rows] of batch) {
    const all = full.sizes.get(size);
    if (all !== undefined) scale.set(size, all / rows);
  }
  return { conditioned, isGuide, streams, scale };
}

const isImage = ({ images }: Model, name: string): boolean =>
  images !== undefined && Object.hasOwn(images, name);

/** The name that a size is; undefined for `N + 1` and the like. */
export function plainName(size: Size): string | undefined {
  const [term] = size.terms;
  const isName = size.terms.length === 1 && term.coefficient === 1 && term.names.length === 1;
  return isName ? term.names[0] : undefined;
}

function firstRows(value: DataValue, axis: number, rows: number): DataValue {
  const dims = value.dims.map((d, k) => (k === axis ? rows : d));
  const inner = elementCount(value.dims.slice(axis + 1));
  const outer = elementCount(value.dims.slice(0, axis));
  const data = new Float64Array(elementCount(dims));
  for (let o = 0; o < outer; o++) {
    const start = o * value.dims[axis] * inner;
    data.set(value.data.subarray(start, start + rows * inner), o * rows * inner);
  }
  return { dims, data };
}

/** Positions must be known when the graph is built; those of a minibatch are not. */
function checkIndices(model: Model, streams: ReadonlyMap<string, StreamInput>): void {
  walkStmts(model.body, (s) => {
    for (const root of stmtExprs(s)) {
      walkExpr(root, (e) => {
        if (e.kind !== "index") return;
        for (const i of e.indices) {
          if (i.kind !== "at") continue;
          walkExpr(i.value, (x) => {
            const stream = x.kind === "var" ? streams.get(x.name) : undefined;
            if (stream !== undefined) {
              fail("batch_unsupported", e.span, { name: stream.name, size: stream.size });
            }
          });
        }
      });
    }
  });
}
