/**
 * Where buffers lie. One memory holds the constants once, at absolute addresses from 0, and then
 * one workspace per instance (a chain, perhaps in its own thread); generated code adds the
 * instance's `env.base` to workspace offsets.
 */
import { internalError } from "../../base/internal.js";
import type { Buffer, Element } from "../../kernel/ir.js";

/** Buffers start at multiples of this, so that two-lane loads never straddle a cache line. */
const BUFFER_ALIGNMENT = 16;
/** Workspaces of different threads never share a cache line (nor its prefetched neighbour). */
const INSTANCE_ALIGNMENT = 128;
export const PAGE_BYTES = 65536;

export interface Placement {
  readonly element: Element;
  readonly length: number;
  readonly region: "constant" | "workspace";
  /** Bytes: from 0 for constants, from the instance's base for workspace buffers. */
  readonly offset: number;
}

/** Plain data: can be posted to a worker thread. */
export interface Layout {
  readonly placements: { readonly [buffer: string]: Placement };
  /** Bytes of the constant region, the emitter's pool of f64 literals included. */
  readonly constantBytes: number;
  /** Bytes of one instance's workspace. */
  readonly workspaceBytes: number;
}

const alignUp = (value: number, to: number): number => Math.ceil(value / to) * to;

export function elementBytes(element: Element): number {
  return element === "f64" ? 8 : 4;
}

/** Places every buffer. Two buffers of one name are an internal error. */
export function placeBuffers(buffers: readonly Buffer[]): Layout {
  const placements = new Map<string, Placement>();
  const used = { constant: 0, workspace: 0 };
  for (const { name, element, length, region } of buffers) {
    if (placements.has(name)) internalError(`two kernel buffers named ${name}`);
    const offset = alignUp(used[region], BUFFER_ALIGNMENT);
    placements.set(name, { element, length, region, offset });
    used[region] = offset + length * elementBytes(element);
  }
  return {
    placements: Object.fromEntries(placements),
    constantBytes: alignUp(used.constant, BUFFER_ALIGNMENT),
    workspaceBytes: alignUp(used.workspace, BUFFER_ALIGNMENT),
  };
}

/** The address of instance `index`'s workspace. */
export function instanceBase(layout: Layout, index: number): number {
  const first = alignUp(layout.constantBytes, INSTANCE_ALIGNMENT);
  return first + index * alignUp(layout.workspaceBytes, INSTANCE_ALIGNMENT);
}

/** Pages of 64 KiB for the constants and `instances` workspaces. */
export function pagesFor(layout: Layout, instances: number): number {
  return Math.max(1, Math.ceil(instanceBase(layout, instances) / PAGE_BYTES));
}
