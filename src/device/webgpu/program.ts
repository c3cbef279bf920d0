/** Planned programs on the device: buffers, pipelines, recording and reading back. */
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import { READ_USAGE, STORAGE_USAGE, UNIFORM_USAGE, type WebGpuDevice } from "./adapter.js";
import {
  type GpuBindGroup,
  type GpuBuffer,
  type GpuComputePass,
  type GpuPipeline,
  MAP_READ,
} from "./api.js";
import type { Item, Task } from "./plan/context.js";
import { planMemory } from "./plan/memory.js";
import { type Stage, scheduleItems } from "./plan/schedule.js";
import type { ConstantTables, Region, Regions } from "./plan/storage.js";
import { paramsData, type RunParams } from "./wgsl/library.js";
import { counterModule, groupsOf, MOST_LEVELS, soloModule, wideModule } from "./wgsl/module.js";

/** What a program's kernels are made of, before a device is involved. */
export interface Planned {
  readonly items: readonly Item[];
  readonly regions: Regions;
  readonly tables: ConstantTables;
  /** See `scheduleItems`. */
  readonly fewRounds?: number;
}

/** A stage with its pipelines. */
type Compiled =
  | { readonly kind: "dispatch"; readonly pipeline: GpuPipeline; readonly groups: number }
  | {
      readonly kind: "loop";
      readonly length: number | "call";
      readonly reset: GpuPipeline;
      readonly next: GpuPipeline;
      readonly body: readonly Compiled[];
    };

interface UsedBuffer {
  readonly buffer: GpuBuffer;
  readonly usage: number;
}

/** One kernel of a program, for `--dump wgsl` and tests. */
export interface KernelText {
  readonly label: string;
  readonly groups: number;
  readonly code: string;
}

export const NO_RUN: RunParams = { first: 0, count: 0, seed0: 0, seed1: 0, run: 0 };

/** Kernels and memory of one program. Calls must not overlap: each is awaited before the next. */
export class Executable {
  readonly #device: WebGpuDevice;
  readonly #stages: readonly Compiled[];
  readonly #places: ReadonlyMap<Region, number>;
  readonly #buffers: readonly UsedBuffer[];
  readonly #group: GpuBindGroup;
  #isOpen = true;

  private constructor(
    device: WebGpuDevice,
    stages: readonly Compiled[],
    places: ReadonlyMap<Region, number>,
    buffers: readonly UsedBuffer[],
    readonly kernels: readonly KernelText[],
  ) {
    this.#device = device;
    this.#stages = stages;
    this.#places = places;
    this.#buffers = buffers;
    this.#group = device.gpu.createBindGroup({
      layout: device.bindGroupLayout,
      entries: buffers.map(({ buffer }, binding) => ({ binding, resource: { buffer } })),
    });
  }

  /** Plans memory, writes WGSL, compiles all kernels at once and uploads the constants. */
  static async create(device: WebGpuDevice, planned: Planned): Promise<Executable> {
    const { stages, spans } = scheduleItems(planned.items, planned.fewRounds);
    const { places, length } = planMemory(planned.regions.all, spans);
    const byName = new Map([...places].map(([region, place]) => [region.name, place]));
    const placeOf = (name: string): number => byName.get(name) ?? -1;
    const kernels: KernelText[] = [];
    const floats = planned.tables.floatData();
    const words = planned.tables.wordData();
    checkSize(device, "working memory", length * 4);
    checkSize(device, "data", floats.byteLength);
    checkSize(device, "indices", words.byteLength);
    return device.guarded("setting a program up", async () => {
      const compiled = await Promise.all(stages.map((s) => compile(device, s, placeOf, kernels)));
      const { gpu } = device;
      const buffers = [
        [length * 4, STORAGE_USAGE],
        [floats.byteLength, STORAGE_USAGE],
        [words.byteLength, STORAGE_USAGE],
        [paramsData(NO_RUN).byteLength, UNIFORM_USAGE],
        [4 * MOST_LEVELS, STORAGE_USAGE],
      ].map(([bytes, usage]) => ({ buffer: device.takeBuffer(bytes, usage), usage }));
      gpu.queue.writeBuffer(buffers[1].buffer, 0, floats);
      gpu.queue.writeBuffer(buffers[2].buffer, 0, words);
      gpu.queue.writeBuffer(buffers[3].buffer, 0, paramsData(NO_RUN));
      return new Executable(device, compiled, places, buffers, kernels);
    });
  }

  /** Writes the first elements of a region. */
  write(region: Region, values: ArrayLike<number>): void {
    this.#check();
    const place = this.#places.get(region) ?? internalError(`${region.name} has no place`);
    const data = values instanceof Float32Array ? values : Float32Array.from(values);
    if (data.length > 0)
      this.#device.gpu.queue.writeBuffer(this.#buffers[0].buffer, place * 4, data);
  }

  setParams(run: RunParams): void {
    this.#device.gpu.queue.writeBuffer(this.#buffers[3].buffer, 0, paramsData(run));
  }

  /**
   * Runs all stages in one submit. Loops of as many steps as the call asks for run `count` times;
   * one whose length is not known to the kernels is recorded step by step.
   */
  submit(count: number): void {
    this.#check();
    const encoder = this.#device.gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setBindGroup(0, this.#group);
    record(pass, this.#stages, count);
    pass.end();
    this.#device.gpu.queue.submit([encoder.finish()]);
  }

  /** Reads regions back; waits for what was submitted. */
  async read(
    regions: readonly { readonly region: Region; readonly length: number }[],
  ): Promise<Float32Array[]> {
    this.#check();
    const device = this.#device;
    const starts: number[] = [];
    let bytes = 0;
    for (const { length } of regions) {
      starts.push(bytes);
      bytes += Math.ceil(length / 4) * 16;
    }
    const staging = device.takeBuffer(bytes, READ_USAGE);
    const encoder = device.gpu.createCommandEncoder();
    regions.forEach(({ region, length }, k) => {
      const place = this.#places.get(region) ?? internalError(`${region.name} has no place`);
      if (length > 0) {
        encoder.copyBufferToBuffer(
          this.#buffers[0].buffer,
          place * 4,
          staging,
          starts[k],
          length * 4,
        );
      }
    });
    device.gpu.queue.submit([encoder.finish()]);
    await staging.mapAsync(MAP_READ);
    const all = staging.getMappedRange();
    const result = regions.map(({ length }, k) => new Float32Array(all, starts[k], length).slice());
    staging.unmap();
    device.giveBuffer(staging, READ_USAGE);
    return result;
  }

  /** Gives the buffers back to the device's pool. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const { buffer, usage } of this.#buffers) this.#device.giveBuffer(buffer, usage);
  }

  #check(): void {
    if (!this.#isOpen) internalError("a closed WebGPU program was used");
  }
}

/** The kernels' texts, for which no device is needed. `groups` is what a device of usual limits runs. */
export function kernelTexts(planned: Planned): readonly KernelText[] {
  const { stages, spans } = scheduleItems(planned.items, planned.fewRounds);
  const { places } = planMemory(planned.regions.all, spans);
  const byName = new Map([...places].map(([region, place]) => [region.name, place]));
  const placeOf = (name: string): number => byName.get(name) ?? -1;
  const visit = (stage: Stage): KernelText[] => {
    switch (stage.kind) {
      case "wide": {
        const { task } = stage;
        const groups = groupsOf(task, USUAL_GROUPS);
        return [{ label: task.label, groups, code: wideModule(task, placeOf) }];
      }
      case "solo": {
        const shared = stage.tasks.flatMap((t) => t.shared);
        const label = soloLabel(stage.tasks.map((t) => t.label));
        return [{ label, groups: 1, code: soloModule(stage.text, shared, placeOf) }];
      }
      case "loop":
        return stage.body.flatMap(visit);
    }
  };
  return stages.flatMap(visit);
}
/** The least `maxComputeWorkgroupsPerDimension` that WebGPU allows. */
const USUAL_GROUPS = 65_535;

function checkSize(device: WebGpuDevice, what: string, bytes: number): void {
  const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
  const limit = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  if (bytes > limit) {
    fail("webgpu_too_large", undefined, { what, needed: String(bytes), limit: String(limit) });
  }
}

async function compile(
  device: WebGpuDevice,
  stage: Stage,
  placeOf: (name: string) => number,
  kernels: KernelText[],
): Promise<Compiled> {
  const kernel = (
    code: string,
    label: string,
    groups: number,
    tasks: readonly Task[],
  ): Promise<GpuPipeline> => {
    kernels.push({ code, label, groups });
    const origin = tasks.find((t) => t.origin !== undefined)?.origin;
    return device.pipeline(code, label, origin?.span);
  };
  switch (stage.kind) {
    case "wide": {
      const { task } = stage;
      const groups = groupsOf(task, device.limits.maxComputeWorkgroupsPerDimension);
      const pipeline = await kernel(wideModule(task, placeOf), task.label, groups, [task]);
      return { kind: "dispatch", pipeline, groups };
    }
    case "solo": {
      const shared = stage.tasks.flatMap((t) => t.shared);
      const label = soloLabel(stage.tasks.map((t) => t.label));
      const pipeline = await kernel(soloModule(stage.text, shared, placeOf), label, 1, stage.tasks);
      return { kind: "dispatch", pipeline, groups: 1 };
    }
    case "loop": {
      const { level, length } = stage;
      const [reset, next, ...body] = await Promise.all([
        device.pipeline(counterModule(level, "reset"), "a loop's start"),
        device.pipeline(counterModule(level, "next"), "a loop's step"),
        ...stage.body.map((s) => compile(device, s, placeOf, kernels)),
      ]);
      return { kind: "loop", length, reset, next, body: body as Compiled[] };
    }
  }
}

function soloLabel(labels: readonly string[]): string {
  return labels.length === 1 ? labels[0] : `${labels[0]} and ${labels.length - 1} more`;
}

function record(pass: GpuComputePass, stages: readonly Compiled[], count: number): void {
  for (const stage of stages) {
    if (stage.kind === "dispatch") {
      pass.setPipeline(stage.pipeline);
      pass.dispatchWorkgroups(stage.groups);
      continue;
    }
    const length = stage.length === "call" ? count : stage.length;
    pass.setPipeline(stage.reset);
    pass.dispatchWorkgroups(1);
    for (let step = 0; step < length; step++) {
      record(pass, stage.body, count);
      pass.setPipeline(stage.next);
      pass.dispatchWorkgroups(1);
    }
  }
}
