/**
 * Unconstrained coordinates of the parameters, where no step leaves the support: for climbing, for
 * random starts and for standard errors. Values and pulled-back gradients are compiled.
 */
import { internalError } from "../../base/internal.js";
import type { Buffer, KernelModule } from "../../kernel/ir.js";
import type { SupportKind } from "../../model/ir.js";
import type { Conditioned } from "../../passes/condition/index.js";
import { gradient } from "../../passes/grad/index.js";
import { ConstantPool, type Lowered, lowerGraph } from "../../passes/lower/index.js";
import { simplify } from "../../passes/simplify/index.js";
import { GraphBuilder } from "../../tensor/builder.js";
import type { InputNode, Node } from "../../tensor/ops.js";
import type { KernelInstance } from "../contract.js";
import { startLowering } from "../logjoint/index.js";
import {
  fromConstrained,
  type LatentVariable,
  latentVariables,
  shapeOf,
  supportOf,
  transformPiece,
} from "../logjoint/latents.js";
import { assemble } from "../logjoint/pieces.js";
import { contextOf, targetPositions } from "../logjoint/scopes.js";
import { definitionsOf, variableNode } from "../logjoint/variables.js";
import { unconstrained } from "./unconstrained.js";

/** The elements of one defining statement, in the order of their unconstrained numbers. */
interface Piece {
  readonly support: SupportKind;
  readonly positions: Float64Array;
  readonly eventSize: number;
  readonly size: number;
  readonly free: number;
}

/** One parameter's kernels. */
export interface Coordinates {
  readonly latent: LatentVariable;
  readonly freeLength: number;
  /** Own values at unconstrained numbers; a copy. */
  readonly own: (u: Float64Array) => Float64Array;
  /** The gradient in the unconstrained numbers of a function with gradient `slope` in its own. */
  readonly pull: (u: Float64Array, slope: Float64Array) => Float64Array;
  /** Unconstrained numbers of values inside the support; of sites that are latent in full. */
  readonly free: (own: Float64Array) => Float64Array;
  /** log |det ∂own/∂u|, and its gradient. */
  readonly logDet: (u: Float64Array) => { readonly value: number; readonly slope: Float64Array };
}

export interface CoordinateKernels {
  readonly module: KernelModule;
  /** Puts an instance of the module behind the coordinates; by the order of the names. */
  readonly bind: (instance: KernelInstance) => readonly Coordinates[];
  /** Sites that the bounds of supports may read, and where their own values stand. */
  readonly others: readonly { readonly name: string; readonly buffer: string }[];
}

/** @param given of continuous latent sites and params; those without elements have no coordinates */
export function coordinateKernels(
  conditioned: Conditioned,
  given: readonly string[],
): CoordinateKernels {
  const g = new GraphBuilder();
  const latents = new Map(latentVariables(conditioned).map((v) => [v.name, v]));
  const names = given.filter((name) => latents.has(name));
  const wanted = new Set(names);
  const layouts = new Map<string, Piece[]>();
  const logDets = new Map<string, Node>();
  const free = new Map<string, InputNode>();
  const ownInputs: InputNode[] = [];
  for (const name of names) {
    const latent = latents.get(name) ?? internalError(`${name} is not latent`);
    const probe = new GraphBuilder();
    free.set(name, g.input(`u ${name}`, [piecesOf(conditioned, probe, latent).freeLength]));
  }
  const { l, vars } = startLowering(conditioned, g, (lowerer, variable) => {
    const latent = latents.get(variable.name);
    if (latent === undefined) {
      const { batch, event } = shapeOf(conditioned, variable);
      const data = conditioned.observed.get(variable.name)?.data ?? new Float64Array(0);
      return g.constant(data, [...batch, ...event], variable.type.scalar);
    }
    const u = free.get(variable.name);
    if (u === undefined || !wanted.has(variable.name)) {
      const input = g.input(`own ${variable.name}`, [latent.length]);
      ownInputs.push(input);
      return fromConstrained(lowerer, { ...latent, offset: 0 }, input);
    }
    let taken = 0;
    const shape = shapeOf(conditioned, variable);
    const pieces = definitionsOf(vars, variable.name).map((d) => {
      const context = contextOf(lowerer, vars.contexts, d.scope);
      const positions = targetPositions(lowerer, shape.name, d.stmt.indices, shape.batch, context);
      const before = taken;
      const take = (length: number): Node => {
        taken += length;
        return g.slice(u, [taken - length], [length]);
      };
      const made = transformPiece(lowerer, d, variable, shape, positions, context, { take });
      const list = layouts.get(variable.name) ?? [];
      layouts.set(variable.name, list);
      list.push({
        support: supportOf(d, variable).kind,
        positions,
        eventSize: shape.event.reduce((n, k) => n * k, 1),
        size: shape.event[shape.event.length - 1] ?? 1,
        free: taken - before,
      });
      logDets.set(shape.name, g.add(logDets.get(shape.name) ?? g.constant(0), made.logDet));
      return made;
    });
    return assemble(lowerer, shape, pieces);
  });

  const pool = new ConstantPool();
  const buffers: Buffer[] = [];
  const parts: Lowered[] = [];
  const inputs: Record<string, string> = {};
  const all: InputNode[] = [...free.values()];
  const values = names.map((name) => {
    const whole = variableNode(l, vars, name);
    const flat = g.reshape(whole, [whole.shape.reduce((n, d) => n * d, 1)]);
    const elements = latents.get(name)?.elements;
    if (elements === undefined) return flat;
    return g.gather(flat, g.constant(elements, [elements.length], "int"), 0);
  });
  all.push(...ownInputs);
  const slopes = names.map((name, k) => {
    const input = g.input(`slope ${name}`, values[k].shape);
    all.push(input);
    return input;
  });
  const add = (name: string, output: Node, size: number): void => {
    const graph = simplify({ inputs: all, outputs: [{ name, node: output }] });
    buffers.push(workspace(name, size));
    parts.push(lowerGraph(graph, { name, inputs, outputs: { [name]: name }, constants: pool }));
  };
  const others = ownInputs.map((input) => ({
    name: input.name.slice("own ".length),
    buffer: input.name.replace(" ", "_"),
  }));
  all.forEach((input) => {
    const buffer = bufferOf(input.name);
    inputs[input.name] = buffer;
    buffers.push(workspace(buffer, input.shape[0]));
  });
  names.forEach((name, k) => {
    const u = free.get(name) ?? internalError(`no coordinates of ${name}`);
    const total = g.sum(g.mul(values[k], slopes[k]));
    add(`own_values_${k}`, values[k], values[k].shape[0]);
    add(`pulled_${k}`, gradient(g, total, [u])[0], u.shape[0]);
    const logDet = logDets.get(name) ?? g.constant(0);
    add(`log_det_${k}`, g.reshape(logDet, [1]), 1);
    add(`log_det_slope_${k}`, gradient(g, logDet, [u])[0], u.shape[0]);
  });
  const module = {
    buffers: [...buffers, ...pool.buffers(), ...pool.scratchBuffers()],
    functions: parts.flatMap((p) => p.functions),
  };
  const bind = (instance: KernelInstance): Coordinates[] =>
    names.map((name, k): Coordinates => {
      const latent = latents.get(name) ?? internalError(`${name} is not latent`);
      const u = instance.f64(bufferOf(`u ${name}`));
      const slope = instance.f64(bufferOf(`slope ${name}`));
      const own = (at: Float64Array): Float64Array => {
        u.set(at);
        instance.call(`own_values_${k}`);
        return instance.f64(`own_values_${k}`).slice(0, latent.length);
      };
      return {
        latent,
        freeLength: free.get(name)?.shape[0] ?? 0,
        own,
        pull: (at, gradientAt) => {
          u.set(at);
          slope.set(gradientAt);
          instance.call(`pulled_${k}`);
          return instance.f64(`pulled_${k}`).slice(0, at.length);
        },
        logDet: (at) => {
          u.set(at);
          instance.call(`log_det_${k}`);
          instance.call(`log_det_slope_${k}`);
          const slopeAt = instance.f64(`log_det_slope_${k}`).slice(0, at.length);
          return { value: instance.f64(`log_det_${k}`)[0], slope: slopeAt };
        },
        free: (values) => freeOf(layouts.get(name) ?? [], values, own),
      };
    });
  return { module, bind, others };
}

const bufferOf = (input: string): string => input.replace(" ", "_");

/** How many unconstrained numbers a parameter takes; needed before its input is made. */
function piecesOf(conditioned: Conditioned, g: GraphBuilder, latent: LatentVariable) {
  let freeLength = 0;
  const { variable } = latent;
  const shape = shapeOf(conditioned, variable);
  const latents = new Map(latentVariables(conditioned).map((v) => [v.name, v]));
  const { l, vars } = startLowering(conditioned, g, (lowerer, other) => {
    const known = latents.get(other.name);
    if (known === undefined) {
      const given = conditioned.observed.get(other.name);
      if (given === undefined) return internalError(`${other.name} has no value`);
      return g.constant(given.data, given.dims, other.type.scalar);
    }
    return fromConstrained(lowerer, { ...known, offset: 0 }, g.input(other.name, [known.length]));
  });
  for (const d of definitionsOf(vars, variable.name)) {
    const context = contextOf(l, vars.contexts, d.scope);
    const positions = targetPositions(l, shape.name, d.stmt.indices, shape.batch, context);
    const take = (length: number): Node => {
      freeLength += length;
      return g.zeros([length]);
    };
    transformPiece(l, d, variable, shape, positions, context, { take });
  }
  return { freeLength };
}

function freeOf(
  pieces: readonly Piece[],
  own: Float64Array,
  forward: (u: Float64Array) => Float64Array,
): Float64Array {
  const length = pieces.reduce((n, p) => n + p.free, 0);
  const u = new Float64Array(length);
  /** Scalars of supports with bounds: by u their position in the parameter. */
  const bounded: { readonly at: number; readonly scalar: number }[] = [];
  let at = 0;
  for (const { support, positions, eventSize, size, free } of pieces) {
    const values = new Float64Array(positions.length * eventSize);
    positions.forEach((p, i) => {
      values.set(own.subarray(p * eventSize, (p + 1) * eventSize), i * eventSize);
    });
    const found = unconstrained(support, values, size);
    if (found !== undefined) u.set(found, at);
    else {
      positions.forEach((p, i) => {
        for (let k = 0; k < eventSize; k++) {
          bounded.push({ at: at + i * eventSize + k, scalar: p * eventSize + k });
        }
      });
    }
    at += free;
  }
  if (bounded.length > 0) bisect(u, bounded, own, forward);
  return u;
}

/** |u| beyond which a logistic or exponential map is at the edge in floating point. */
const WIDEST = 700;
const BISECTIONS = 80;

/** Monotone elementwise maps are inverted without a formula for their bounds. */
function bisect(
  u: Float64Array,
  scalars: readonly { readonly at: number; readonly scalar: number }[],
  own: Float64Array,
  forward: (u: Float64Array) => Float64Array,
): void {
  const at = (v: number): Float64Array => {
    for (const s of scalars) u[s.at] = v;
    return forward(u);
  };
  const [low, high] = [at(-1), at(1)];
  const rising = scalars.map(({ scalar }) => high[scalar] > low[scalar]);
  const from = scalars.map(() => -WIDEST);
  const to = scalars.map(() => WIDEST);
  for (let step = 0; step < BISECTIONS; step++) {
    scalars.forEach((s, i) => {
      u[s.at] = (from[i] + to[i]) / 2;
    });
    const value = forward(u);
    scalars.forEach((s, i) => {
      const isBelow = value[s.scalar] < own[s.scalar] === rising[i];
      if (isBelow) from[i] = u[s.at];
      else to[i] = u[s.at];
    });
  }
}

function workspace(name: string, length: number): Buffer {
  return { name, element: "f64", length, region: "workspace" };
}
