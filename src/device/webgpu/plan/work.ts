/** What kernels need of the device at least, for measuring how near to that they come. */
import type { WorkKind } from "./context.js";
import type { Part } from "./schedule.js";

/** Of one dispatch. */
export interface KernelWork {
  /** Those of its tasks, in their order. */
  readonly kinds: readonly WorkKind[];
  /** Numbers of the device's memory that are read and written, each array counted once. */
  readonly bytes: number;
  /** Multiplications and additions of products. */
  readonly flops: number;
}

/**
 * The work of a kernel. Nothing is known where some task's is not, nor where one workgroup does
 * all: that waits for barriers, and its arrays lie in caches. `code` tells which stores are left:
 * what one thread hands on to its next task crosses no bus.
 */
export function kernelWork(parts: readonly Part[], code: string): KernelWork | undefined {
  const reads = new Map<string, number>();
  const kinds = new Set<WorkKind>();
  let written = 0;
  let flops = 0;
  for (const part of parts) {
    if (part.kind === "solo") {
      if (parts.length === 1) return undefined;
      continue;
    }
    const made = new Set<string>();
    for (const task of part.tasks) {
      const { work } = task;
      if (work === undefined) return undefined;
      kinds.add(work.kind);
      flops += work.flops;
      for (const [array, count] of work.reads) {
        if (!made.has(array)) reads.set(array, Math.max(count, reads.get(array) ?? 0));
      }
      for (const { name } of task.writes) {
        made.add(name);
        if (isStored(code, name)) written += work.written;
      }
    }
  }
  const read = [...reads.values()].reduce((a, b) => a + b, 0);
  return { kinds: [...kinds], bytes: 4 * (read + written), flops };
}

function isStored(code: string, name: string): boolean {
  return new RegExp(`\\bws\\[\\(?${name}\\b`).test(code.replace(/= .*;$/gm, ";"));
}
