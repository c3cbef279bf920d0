/**
 * What the kernels of a line reach, kind by kind: their times by the device's timestamps, beside the
 * bytes and operations that they need at least, which are known from the plan. Each dispatch then has
 * a pass of its own, so lines are timed without this.
 */
import type { GraphDevice } from "../../src/device/contract.js";
import {
  asGraphDevice,
  type KernelText,
  type KernelTime,
  Profiler,
  type WebGpuDevice,
} from "../../src/device/webgpu/index.js";

/** All kernels of a line that do the same kinds of work. */
export interface KernelRow {
  readonly kinds: string;
  readonly dispatches: number;
  /** Of all its dispatches together. */
  readonly microseconds: number;
  /** Of all kernels of the line, 0 … 1. */
  readonly share: number;
  readonly gigabytes?: number;
  readonly gigaflops?: number;
}

/** Of a program the calls that are profiled: the first compiles, later ones are the line's own. */
const PROFILED = { from: 2, to: 4 } as const;

/** A device whose programs are timed kernel by kernel in a few of their calls. */
export interface KernelProbe {
  readonly device: GraphDevice;
  /** The rows of what was run since the last time. */
  readonly rows: () => Promise<readonly KernelRow[]>;
}

/** @param gpu a device with the feature `timestamp-query` */
export function kernelProbe(gpu: WebGpuDevice): KernelProbe {
  let profiler = new Profiler<KernelText>(gpu.gpu);
  const own = asGraphDevice(gpu);
  /** The function with some of its calls profiled. */
  const watched = <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) => {
    let calls = 0;
    return async (...args: A): Promise<R> => {
      calls++;
      if (calls < PROFILED.from || calls > PROFILED.to) return await call(...args);
      gpu.profiler = profiler;
      try {
        return await call(...args);
      } finally {
        gpu.profiler = undefined;
      }
    };
  };
  const device: GraphDevice = {
    ...own,
    compileGraph: async (graph) => {
      const program = await own.compileGraph(graph);
      return { ...program, run: watched(program.run) };
    },
    compileLoop: async (spec) => {
      const program = await own.compileLoop(spec);
      return { ...program, steps: watched(program.steps) };
    },
  };
  const rows = async (): Promise<readonly KernelRow[]> => {
    const times = await profiler.times();
    profiler = new Profiler<KernelText>(gpu.gpu);
    return kernelRows(times);
  };
  return { device, rows };
}

/** Times by kinds of work, the longest first. */
export function kernelRows(times: readonly KernelTime<KernelText>[]): readonly KernelRow[] {
  const all = times.reduce((sum, t) => sum + t.nanoseconds, 0);
  const groups = new Map<string, KernelTime<KernelText>[]>();
  for (const time of times) {
    const kinds = kindsOf(time.kernel);
    groups.set(kinds, [...(groups.get(kinds) ?? []), time]);
  }
  return [...groups]
    .map(([kinds, own]): KernelRow => {
      const sum = (of: (t: KernelTime<KernelText>) => number): number =>
        own.reduce((total, t) => total + of(t), 0);
      const nanoseconds = sum((t) => t.nanoseconds);
      const known = own.every((t) => t.kernel.work !== undefined);
      const bytes = sum((t) => t.dispatches * (t.kernel.work?.bytes ?? 0));
      const flops = sum((t) => t.dispatches * (t.kernel.work?.flops ?? 0));
      return {
        kinds,
        dispatches: sum((t) => t.dispatches),
        microseconds: nanoseconds / 1000,
        share: all === 0 ? 0 : nanoseconds / all,
        ...(known && { gigabytes: bytes / 1e9 }),
        ...(known && flops > 0 && { gigaflops: flops / 1e9 }),
      };
    })
    .sort((a, b) => b.microseconds - a.microseconds);
}

/** Kernels of one workgroup wait for barriers; factorisations and drawn rows are not counted. */
function kindsOf({ work, groups }: KernelText): string {
  if (work !== undefined) return [...work.kinds].sort().join(", ");
  return groups === 1 ? "one workgroup" : "other";
}
