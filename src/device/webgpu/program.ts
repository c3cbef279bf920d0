/** Planned programs on the device: buffers, pipelines, recording and reading back. */
import { fail, TildeError } from "../../base/diagnostic.js";
import { assertNever, internalError } from "../../base/internal.js";
import { singles } from "../single.js";
import { READ_USAGE, STORAGE_USAGE, UNIFORM_USAGE, type WebGpuDevice } from "./adapter.js";
import {
  type GpuBindGroup,
  type GpuBuffer,
  type GpuComputePass,
  type GpuPipeline,
  MAP_READ,
} from "./api.js";
import type { Item } from "./plan/context.js";
import { planMemory } from "./plan/memory.js";
import { type Part, type Stage, scheduleItems } from "./plan/schedule.js";
import type { ConstantTables, Region, Regions, Space } from "./plan/storage.js";
import { type KernelWork, kernelWork } from "./plan/work.js";
import { readBeyond } from "./wgsl/forward.js";
import { paramsData, type RunParams } from "./wgsl/library.js";
import {
  type CounterRole,
  counterModule,
  FIXED_BINDINGS,
  kernelModule,
  type Layout,
} from "./wgsl/module.js";

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
  | {
      readonly kind: "dispatch";
      readonly pipeline: GpuPipeline;
      readonly groups: number;
      readonly kernel: KernelText;
    }
  | {
      readonly kind: "loop";
      readonly length: number | "call";
      readonly reset: GpuPipeline;
      /** Counts on, where the kernels of the body do not. */
      readonly next: GpuPipeline | undefined;
      readonly body: readonly Compiled[];
    }
  | { readonly kind: "choice"; readonly cases: readonly (readonly Compiled[])[] };

interface UsedBuffer {
  readonly buffer: GpuBuffer;
  readonly usage: number;
}

/** One kernel of a program, for `--dump wgsl` and tests. */
export interface KernelText {
  readonly label: string;
  readonly groups: number;
  readonly code: string;
  /** Of a dispatch, where it is known. */
  readonly work?: KernelWork;
}

/** The buffers of a program, in the order of their bindings; further pieces of `data` follow. */
const BINDING = { work: 0, data: 1, indices: 2, params: 3, words: 4 } as const satisfies {
  readonly [K in Space | "indices" | "params"]: number;
};

/** Numbers that are converted for a device at a time: more would need as much memory again. */
const SLICE = 1 << 22;

function slices(length: number, visit: (from: number, to: number) => void): void {
  for (let from = 0; from < length; from += SLICE) visit(from, Math.min(length, from + SLICE));
}

type Numbers = Float64Array | Float32Array | Uint32Array;

function part(values: ArrayLike<number>, from: number, to: number): ArrayLike<number> {
  return ArrayBuffer.isView(values)
    ? (values as Numbers).subarray(from, to)
    : Array.prototype.slice.call(values, from, to);
}

export const NO_RUN: RunParams = { first: 0, count: 0, seed0: 0, seed1: 0, run: 0, turn: 0 };

/** Kernels and memory of one program. Calls must not overlap: each is awaited before the next. */
export class Executable {
  readonly #device: WebGpuDevice;
  readonly #stages: readonly Compiled[];
  readonly #places: ReadonlyMap<Region, number>;
  readonly #buffers: readonly UsedBuffer[];
  /** Numbers of each piece of `data` but the last. */
  readonly #pieceLength: number;
  readonly #group: GpuBindGroup;
  #isOpen = true;

  private constructor(
    device: WebGpuDevice,
    stages: readonly Compiled[],
    places: ReadonlyMap<Region, number>,
    buffers: readonly UsedBuffer[],
    pieceLength: number,
    readonly kernels: readonly KernelText[],
  ) {
    this.#device = device;
    this.#stages = stages;
    this.#places = places;
    this.#buffers = buffers;
    this.#pieceLength = pieceLength;
    this.#group = device.gpu.createBindGroup({
      layout: device.layouts(buffers.length - FIXED_BINDINGS + 1).bindGroup,
      entries: buffers.map(({ buffer }, binding) => ({ binding, resource: { buffer } })),
    });
  }

  /**
   * Plans memory, writes WGSL, compiles all kernels at once and uploads the constants. Where memory
   * does not suffice, the buffers of closed programs are given up first.
   */
  static async create(device: WebGpuDevice, planned: Planned): Promise<Executable> {
    try {
      return await Executable.#make(device, planned);
    } catch (error) {
      const isFull = error instanceof TildeError && error.diagnostics[0].code === "webgpu_memory";
      if (!isFull || device.pooledBytes === 0) throw error;
      device.trim();
      return await Executable.#make(device, planned);
    }
  }

  static async #make(device: WebGpuDevice, planned: Planned): Promise<Executable> {
    const { stages, spans } = scheduleItems(planned.items, planned.fewRounds);
    const { places, length } = planMemory(planned.regions.all, spans);
    const { tables } = planned;
    const kernels: KernelText[] = [];
    const words = tables.wordData();
    checkSize(device, "working memory", length * 4);
    checkSize(device, "indices", words.byteLength);
    checkSize(device, "rows of minibatches", tables.ownWordCount * 4);
    const { pieces, pieceLength } = piecesOf(device, tables.floatCount);
    const all = new Map([...places, ...tables.places]);
    const isReadBeyond = readBeyond(stages);
    const layout = { placeOf: namedPlaces(all), pieces, pieceLength, isReadBeyond };
    const taken: UsedBuffer[] = [];
    const setUp = device.guarded("setting a program up", async () => {
      // Memory is taken and constants are sent while drivers compile.
      const compiling = Promise.all(stages.map((s) => compile(device, s, layout, kernels)));
      compiling.catch(() => undefined);
      const { gpu } = device;
      const own = Array.from({ length: pieces }, (_, k): readonly [number, number] => [
        4 * Math.min(pieceLength, tables.floatCount - k * pieceLength),
        STORAGE_USAGE,
      ]);
      const sizes = [
        [length * 4, STORAGE_USAGE] as const,
        own[0],
        [words.byteLength, STORAGE_USAGE] as const,
        [paramsData(NO_RUN).byteLength, UNIFORM_USAGE] as const,
        [4 * tables.ownWordCount, STORAGE_USAGE] as const,
        ...own.slice(1),
      ];
      for (const [bytes, usage] of sizes) {
        taken.push({ buffer: device.takeBuffer(bytes, usage, true), usage });
      }
      gpu.queue.writeBuffer(taken[BINDING.indices].buffer, 0, words);
      gpu.queue.writeBuffer(taken[BINDING.params].buffer, 0, paramsData(NO_RUN));
      const compiled: Compiled[] = [];
      const made = new Executable(device, compiled, all, taken, pieceLength, kernels);
      for (const [offset, values] of tables.floatParts) made.#writeData(offset, values);
      compiled.push(...(await compiling));
      return made;
    });
    try {
      return await setUp;
    } catch (error) {
      // What was had of it is no use to anyone.
      for (const { buffer } of taken) buffer.destroy();
      throw error;
    }
  }

  /** Writes the first elements of a region. */
  write(region: Region, values: ArrayLike<number>): void {
    this.#check();
    const place = this.#placeOf(region);
    if (region.space === "data") {
      this.#writeData(place, values);
      return;
    }
    const { queue } = this.#device.gpu;
    if (region.space === "words") {
      const { buffer } = this.#buffers[BINDING.words];
      slices(values.length, (from, to) => {
        queue.writeBuffer(buffer, (place + from) * 4, new Uint32Array(part(values, from, to)));
      });
      return;
    }
    const { buffer } = this.#buffers[BINDING.work];
    const data = values instanceof Float32Array ? values : singles(values);
    if (data.length > 0) queue.writeBuffer(buffer, place * 4, data);
  }

  /** Writes numbers of `data`, cut where its pieces end. Only a part at a time is converted. */
  #writeData(place: number, values: ArrayLike<number>): void {
    slices(values.length, (from, to) => {
      const converted = singles(part(values, from, to));
      this.#pieces(place + from, to - from, (buffer, at, start, length) => {
        this.#device.gpu.queue.writeBuffer(
          buffer,
          at * 4,
          converted.subarray(start, start + length),
        );
      });
      // What is on the way is memory of the host until a submit sends it off.
      if (to < values.length) this.#device.gpu.queue.submit([]);
    });
  }

  /** The parts of `length` numbers of `data` from `place` on that lie in one buffer each. */
  #pieces(
    place: number,
    length: number,
    visit: (buffer: GpuBuffer, at: number, start: number, length: number) => void,
  ): void {
    let done = 0;
    while (done < length) {
      const piece = Math.floor((place + done) / this.#pieceLength);
      const at = place + done - piece * this.#pieceLength;
      const count = Math.min(length - done, this.#pieceLength - at);
      const binding = piece === 0 ? BINDING.data : FIXED_BINDINGS + piece - 1;
      visit(this.#buffers[binding].buffer, at, done, count);
      done += count;
    }
  }

  #placeOf(region: Region): number {
    return this.#places.get(region) ?? internalError(`${region.name} has no place`);
  }

  setParams(run: RunParams): void {
    this.#device.gpu.queue.writeBuffer(this.#buffers[BINDING.params].buffer, 0, paramsData(run));
  }

  /**
   * Runs all stages in one submit. Loops of as many steps as the call asks for run `count` times;
   * one whose length is not known to the kernels is recorded step by step.
   * @param turnOf the turn of the call's step with this number
   */
  submit(count: number, turnOf: (step: number) => number = () => 0): void {
    this.#check();
    const { gpu, profiler } = this.#device;
    const encoder = gpu.createCommandEncoder();
    const call = { count, turnOf, step: 0 };
    if (profiler !== undefined) {
      const timed = profiler.recorder(encoder, this.#group);
      record(timed.dispatch, this.#stages, call);
      const read = timed.finish();
      gpu.queue.submit([encoder.finish()]);
      read();
      return;
    }
    const pass = encoder.beginComputePass();
    pass.setBindGroup(0, this.#group);
    record(dispatcher(pass), this.#stages, call);
    pass.end();
    gpu.queue.submit([encoder.finish()]);
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
      const place = this.#placeOf(region);
      const copy = (buffer: GpuBuffer, at: number, start: number, count: number): void =>
        encoder.copyBufferToBuffer(buffer, at * 4, staging, starts[k] + start * 4, count * 4);
      if (length === 0) return;
      if (region.space === "data") this.#pieces(place, length, copy);
      else copy(this.#buffers[BINDING[region.space]].buffer, place, 0, length);
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
  const { tables } = planned;
  const placeOf = namedPlaces(new Map([...places, ...tables.places]));
  const isReadBeyond = readBeyond(stages);
  const layout = { placeOf, pieces: 1, pieceLength: tables.floatCount, isReadBeyond };
  const visit = (stage: Stage): KernelText[] => {
    if (stage.kind === "loop") return stage.body.flatMap(visit);
    if (stage.kind === "choice") return stage.cases.flatMap((c) => c.flatMap(visit));
    const { parts } = stage;
    const made = kernelModule(parts, layout, USUAL_GROUPS);
    const work = kernelWork(parts, made.code);
    return [{ label: labelOfKernel(parts), ...made, ...(work !== undefined && { work }) }];
  };
  return stages.flatMap(visit);
}
/** The least `maxComputeWorkgroupsPerDimension` that WebGPU allows. */
const USUAL_GROUPS = 65_535;

function namedPlaces(places: ReadonlyMap<Region, number>): (name: string) => number {
  const byName = new Map([...places].map(([region, place]) => [region.name, place]));
  return (name) => byName.get(name) ?? -1;
}

function checkSize(device: WebGpuDevice, what: string, bytes: number): void {
  const limit = device.mostBytes;
  if (bytes > limit) {
    fail("webgpu_too_large", undefined, { what, needed: String(bytes), limit: String(limit) });
  }
}

/** Kernels count the numbers of `data` in 32 bits. */
const MOST_NUMBERS = 2 ** 32;
/** Pieces end at multiples of so many numbers: vectors of them lie in one. */
const PIECE_UNIT = 4;

/** How `count` numbers of data are cut into buffers. @throws TildeError `webgpu_too_large` */
function piecesOf(
  device: WebGpuDevice,
  count: number,
): { readonly pieces: number; readonly pieceLength: number } {
  const most = Math.floor(device.mostBytes / 4 / PIECE_UNIT) * PIECE_UNIT;
  const pieces = Math.ceil(count / most);
  const room = Math.min(device.mostPieces * most, MOST_NUMBERS);
  if (count > room) {
    const [needed, limit] = [String(4 * count), String(4 * room)];
    fail("webgpu_too_large", undefined, { what: "data", needed, limit });
  }
  return { pieces, pieceLength: pieces === 1 ? count : most };
}

async function compile(
  device: WebGpuDevice,
  stage: Stage,
  layout: Layout,
  kernels: KernelText[],
  roles: readonly CounterRole[] = [],
): Promise<Compiled> {
  switch (stage.kind) {
    case "kernel": {
      const { parts } = stage;
      const most = device.limits.maxComputeWorkgroupsPerDimension;
      const { code, groups } = kernelModule(parts, layout, most, roles);
      const label = labelOfKernel(parts);
      const work = kernelWork(parts, code);
      const kernel = { code, label, groups, ...(work !== undefined && { work }) };
      kernels.push(kernel);
      const tasks = parts.flatMap((p) => p.tasks);
      const origin = tasks.find((t) => t.origin !== undefined)?.origin;
      const pipeline = await device.pipeline(code, label, origin?.span, layout.pieces);
      return { kind: "dispatch", pipeline, groups, kernel };
    }
    case "loop": {
      const { level, length, body } = stage;
      const counter = (what: "reset" | "next"): Promise<GpuPipeline> =>
        device.pipeline(counterModule(level, what), "a loop's count", undefined, layout.pieces);
      const [first, last] = [body[0], body[body.length - 1]];
      const counts = body.length > 1 && first.kind === "kernel" && last.kind === "kernel";
      const rolesOf = (s: Stage): CounterRole[] => {
        if (!counts) return [];
        if (s === first) return [{ level, role: "first" }];
        return s === last ? [{ level, role: "last" }] : [];
      };
      const [reset, next, ...inner] = await Promise.all([
        counter("reset"),
        counts ? undefined : counter("next"),
        ...body.map((s) => compile(device, s, layout, kernels, rolesOf(s))),
      ]);
      return { kind: "loop", length, reset, next, body: inner };
    }
    case "choice": {
      const cases = stage.cases.map((own) =>
        Promise.all(own.map((s) => compile(device, s, layout, kernels))),
      );
      return { kind: "choice", cases: await Promise.all(cases) };
    }
    default:
      return assertNever(stage, "compile");
  }
}

function labelOfKernel(parts: readonly Part[]): string {
  return soloLabel(parts.flatMap((p) => p.tasks.map((t) => t.label)));
}

function soloLabel(labels: readonly string[]): string {
  return labels.length === 1 ? labels[0] : `${labels[0]} and ${labels.length - 1} more`;
}

/** A call of loops, and the step that is recorded. */
interface Recorded {
  readonly count: number;
  readonly turnOf: (step: number) => number;
  readonly step: number;
}

/** Runs a pipeline with so many workgroups; `kernel` is none of a loop's counters. */
type Dispatch = (pipeline: GpuPipeline, groups: number, kernel?: KernelText) => void;

function dispatcher(pass: GpuComputePass): Dispatch {
  return (pipeline, groups) => {
    pass.setPipeline(pipeline);
    pass.dispatchWorkgroups(groups);
  };
}

function record(dispatch: Dispatch, stages: readonly Compiled[], call: Recorded): void {
  for (const stage of stages) {
    if (stage.kind === "dispatch") {
      dispatch(stage.pipeline, stage.groups, stage.kernel);
      continue;
    }
    if (stage.kind === "choice") {
      record(dispatch, stage.cases[call.turnOf(call.step)], call);
      continue;
    }
    const isCall = stage.length === "call";
    const length = stage.length === "call" ? call.count : stage.length;
    dispatch(stage.reset, 1);
    for (let step = 0; step < length; step++) {
      record(dispatch, stage.body, isCall ? { ...call, step } : call);
      if (stage.next !== undefined) dispatch(stage.next, 1);
    }
  }
}
