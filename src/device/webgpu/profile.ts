/**
 * Times of kernels on the device, by timestamps around each dispatch: each then has a pass of its own,
 * so that what follows waits for it. A profiled call is slower than one that is not; its kernels are not.
 */
import { internalError } from "../../base/internal.js";
import { QUERY_USAGE, READ_USAGE } from "./adapter.js";
import {
  type GpuBindGroup,
  type GpuBuffer,
  type GpuCommandEncoder,
  type GpuDevice,
  type GpuPipeline,
  type GpuQuerySet,
  MAP_READ,
} from "./api.js";

/** Time of a kernel, over all of its dispatches. */
export interface KernelTime<K> {
  readonly kernel: K;
  readonly dispatches: number;
  readonly nanoseconds: number;
}

/** Timestamps of a query set, at most (WebGPU, section 20.1). */
const MOST_QUERIES = 4096;

/** Collects the times of what is submitted while it is a device's `profiler`. */
export class Profiler<K = unknown> {
  readonly #times = new Map<K, { dispatches: number; nanoseconds: number }>();
  readonly #pending: Promise<void>[] = [];

  /** @param gpu a device with the feature `timestamp-query` */
  constructor(readonly gpu: GpuDevice) {
    if (!gpu.features.has("timestamp-query")) internalError("a profiler without timestamps");
  }

  /** Records dispatches into an encoder; `finish` before it is submitted, `read` behind. */
  recorder(encoder: GpuCommandEncoder, group: GpuBindGroup): ProfiledCall<K> {
    const sets: { readonly set: GpuQuerySet; readonly kernels: (K | undefined)[] }[] = [];
    return {
      dispatch: (pipeline, groups, kernel) => {
        let last = sets.at(-1);
        if (last === undefined || 2 * last.kernels.length === MOST_QUERIES) {
          const set = this.gpu.createQuerySet({ type: "timestamp", count: MOST_QUERIES });
          last = { set, kernels: [] };
          sets.push(last);
        }
        const at = 2 * last.kernels.length;
        last.kernels.push(kernel);
        const pass = encoder.beginComputePass({
          timestampWrites: {
            querySet: last.set,
            beginningOfPassWriteIndex: at,
            endOfPassWriteIndex: at + 1,
          },
        });
        pass.setBindGroup(0, group);
        pass.setPipeline(pipeline);
        pass.dispatchWorkgroups(groups);
        pass.end();
      },
      finish: () => {
        const reads = sets.map(({ set, kernels }) => {
          const size = 16 * kernels.length;
          const resolved = this.gpu.createBuffer({ size, usage: QUERY_USAGE });
          const staging = this.gpu.createBuffer({ size, usage: READ_USAGE });
          encoder.resolveQuerySet(set, 0, 2 * kernels.length, resolved, 0);
          encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
          return { set, kernels, resolved, staging };
        });
        return () => {
          for (const { set, kernels, resolved, staging } of reads) {
            this.#pending.push(
              this.#read(kernels, staging).then(() => {
                set.destroy();
                resolved.destroy();
                staging.destroy();
              }),
            );
          }
        };
      },
    };
  }

  async #read(kernels: readonly (K | undefined)[], staging: GpuBuffer): Promise<void> {
    await staging.mapAsync(MAP_READ);
    const stamps = new BigUint64Array(staging.getMappedRange());
    for (const [k, kernel] of kernels.entries()) {
      if (kernel === undefined) continue;
      // A clock that a device sets back in between gives no time.
      const took = Math.max(0, Number(stamps[2 * k + 1] - stamps[2 * k]));
      const known = this.#times.get(kernel) ?? { dispatches: 0, nanoseconds: 0 };
      known.dispatches++;
      known.nanoseconds += took;
      this.#times.set(kernel, known);
    }
    staging.unmap();
  }

  /** Times so far, the longest first. */
  async times(): Promise<readonly KernelTime<K>[]> {
    await Promise.all(this.#pending.splice(0));
    return [...this.#times]
      .map(([kernel, time]) => ({ kernel, ...time }))
      .sort((a, b) => b.nanoseconds - a.nanoseconds);
  }
}

/** One submit that is profiled. */
export interface ProfiledCall<K> {
  /** Without a `kernel` it is run, and its time is nobody's. */
  readonly dispatch: (pipeline: GpuPipeline, groups: number, kernel?: K) => void;
  /** Ends the recording; what it gives is called once the commands are submitted. */
  readonly finish: () => () => void;
}
