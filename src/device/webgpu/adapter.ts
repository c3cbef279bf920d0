/**
 * Opens a WebGPU device: the browser's where there is one, else Dawn's through the npm package
 * `webgpu`, loaded on first use.
 */
import { fail, TildeError } from "../../base/diagnostic.js";
import { InternalError } from "../../base/internal.js";
import type { Span } from "../../base/span.js";
import {
  COMPUTE_STAGE,
  type GpuAdapterInfo,
  type GpuBindGroupLayout,
  type GpuBuffer,
  type GpuDevice,
  type GpuEntry,
  type GpuLimits,
  type GpuPipeline,
  type GpuPipelineLayout,
  USAGE,
} from "./api.js";
import { SOFTWARE_TUNING, type Tuning, USUAL_TUNING } from "./plan/context.js";
import type { Profiler } from "./profile.js";
import type { KernelText } from "./program.js";

/** What `create` returned. Dawn's instance ends with this object, and the process with it. */
const keptForEver: GpuEntry[] = [];

/** Bindings that every kernel has; see `wgsl/module.ts`. */
const BINDINGS = [
  "storage",
  "read-only-storage",
  "read-only-storage",
  "uniform",
  "storage",
] as const;

/** How a program's buffers are bound. */
interface Layouts {
  readonly bindGroup: GpuBindGroupLayout;
  readonly pipeline: GpuPipelineLayout;
}

/** Buffers that are given back and wait for their next use, by size and usage. */
type Pool = Map<string, GpuBuffer[]>;

/** An open device with what all its programs share. */
export class WebGpuDevice {
  readonly #pipelines = new Map<string, Promise<GpuPipeline>>();
  readonly #pool: Pool = new Map();
  /** By the number of pieces of `data`. */
  readonly #layouts = new Map<number, Layouts>();
  #lost: string | undefined;
  /** Where set, every dispatch is timed; see `profile.ts`. */
  profiler: Profiler<KernelText> | undefined;

  constructor(
    readonly gpu: GpuDevice,
    readonly info: GpuAdapterInfo,
    /** Bytes that one buffer may have and one binding may show; the device's own, or fewer. */
    readonly mostBytes = Math.min(gpu.limits.maxBufferSize, gpu.limits.maxStorageBufferBindingSize),
    private readonly ownTuning?: Tuning,
  ) {
    void gpu.lost.then(({ reason, message }) => {
      this.#lost = message.length > 0 ? message : reason;
    });
  }

  get limits(): GpuLimits {
    return this.gpu.limits;
  }
  /** What its kernels may use. */
  get tuning(): Tuning {
    if (this.ownTuning !== undefined) return this.ownTuning;
    if (this.isSoftware) return SOFTWARE_TUNING;
    return { ...USUAL_TUNING, subgroups: this.gpu.features.has("subgroups") };
  }
  /** Whether it is no card: the adapter says so, or is one of those that are none. */
  get isSoftware(): boolean {
    const { isFallbackAdapter, architecture, device, description } = this.info;
    if (isFallbackAdapter !== undefined) return isFallbackAdapter;
    return /swiftshader|llvmpipe|lavapipe/i.test(`${architecture} ${device} ${description}`);
  }
  get features(): readonly string[] {
    return [...this.gpu.features].sort();
  }
  /** One line: vendor, architecture and driver. */
  get name(): string {
    const { vendor, architecture, device, description } = this.info;
    return [vendor, architecture, device, description].filter((s) => s).join(" ") || "unnamed";
  }
  /** Pieces that a program's data may be cut into. */
  get mostPieces(): number {
    const others = BINDINGS.filter((type) => type !== "uniform").length - 1;
    return this.limits.maxStorageBuffersPerShaderStage - others;
  }
  /** The bindings of a program whose data are in so many pieces. */
  layouts(pieces: number): Layouts {
    const known = this.#layouts.get(pieces);
    if (known !== undefined) return known;
    const further = Array.from({ length: pieces - 1 }, () => "read-only-storage" as const);
    const bindGroup = this.gpu.createBindGroupLayout({
      entries: [...BINDINGS, ...further].map((type, binding) => ({
        binding,
        visibility: COMPUTE_STAGE,
        buffer: { type },
      })),
    });
    const pipeline = this.gpu.createPipelineLayout({ bindGroupLayouts: [bindGroup] });
    const made = { bindGroup, pipeline };
    this.#layouts.set(pieces, made);
    return made;
  }
  /** Pipelines compiled so far. */
  get pipelineCount(): number {
    return this.#pipelines.size;
  }

  /** Throws the diagnostic of a lost device, if it is. */
  checkAlive(doing: string): void {
    if (this.#lost !== undefined) fail("webgpu_lost", undefined, { reason: this.#lost, doing });
  }

  /**
   * Runs `work` with its out-of-memory, validation and device errors turned into diagnostics. The
   * scopes of concurrent calls would mix: callers await one before the next.
   */
  async guarded<T>(doing: string, work: () => Promise<T> | T): Promise<T> {
    this.checkAlive(doing);
    const { gpu } = this;
    for (const filter of ["internal", "validation", "out-of-memory"] as const) {
      gpu.pushErrorScope(filter);
    }
    let result: { readonly value: T } | { readonly error: unknown };
    try {
      result = { value: await work() };
    } catch (error) {
      result = { error };
    }
    const popped = await Promise.all([0, 1, 2].map(() => gpu.popErrorScope())).catch(() => []);
    // The reason of a loss arrives by its own promise.
    await Promise.resolve();
    this.checkAlive(doing);
    const [memory, validation, internal] = popped;
    // Our own diagnostics say more than the validation errors that come with them.
    if (!memory && "error" in result && result.error instanceof TildeError) throw result.error;
    if (memory) fail("webgpu_memory", undefined, { doing, reason: memory.message });
    const other = validation ?? internal;
    if (other) fail("webgpu_shader", undefined, { label: doing, reason: firstLine(other.message) });
    if ("value" in result) return result.value;
    if (result.error instanceof InternalError) throw result.error;
    const reason = result.error instanceof Error ? result.error.message : String(result.error);
    return fail("webgpu_lost", undefined, { doing, reason });
  }

  /**
   * The pipeline of a module's text with entry point `main`, of a program whose data are in so many
   * pieces; equal ones are shared. `span` is where in the model its work comes from, for messages.
   */
  pipeline(code: string, label: string, span?: Span, pieces = 1): Promise<GpuPipeline> {
    const key = `${pieces}\n${code}`;
    const known = this.#pipelines.get(key);
    if (known !== undefined) return known;
    const made = this.#compile(code, label, pieces, span);
    this.#pipelines.set(key, made);
    made.catch(() => this.#pipelines.delete(key));
    return made;
  }

  async #compile(code: string, label: string, pieces: number, span?: Span): Promise<GpuPipeline> {
    const module = this.gpu.createShaderModule({ label, code });
    try {
      return await this.gpu.createComputePipelineAsync({
        label,
        layout: this.layouts(pieces).pipeline,
        compute: { module, entryPoint: "main" },
      });
    } catch (error) {
      this.checkAlive(`compiling ${label}`);
      const { messages } = await module.getCompilationInfo();
      const first = messages.find((m) => m.type === "error");
      const fallback = error instanceof Error ? error.message : String(error);
      const reason = first === undefined ? firstLine(fallback) : first.message;
      return fail("webgpu_shader", span, { label, reason });
    }
  }

  /**
   * A buffer of at least `bytes`, from the pool where one of that size was given back: with what it
   * held then, or, if `cleared`, zeros, as new ones are.
   */
  takeBuffer(bytes: number, usage: number, cleared = false): GpuBuffer {
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    const free = this.#pool.get(`${size}|${usage}`)?.pop();
    if (free === undefined) return this.gpu.createBuffer({ size, usage });
    if (cleared) {
      const encoder = this.gpu.createCommandEncoder();
      encoder.clearBuffer(free);
      this.gpu.queue.submit([encoder.finish()]);
    }
    return free;
  }

  /** Gives a buffer back for the next program that needs one like it. Its contents stay as they are. */
  giveBuffer(buffer: GpuBuffer, usage: number): void {
    const key = `${buffer.size}|${usage}`;
    const free = this.#pool.get(key);
    if (free === undefined) this.#pool.set(key, [buffer]);
    else free.push(buffer);
  }

  /** Bytes of buffers that wait for their next use. */
  get pooledBytes(): number {
    return [...this.#pool.values()].flat().reduce((sum, buffer) => sum + buffer.size, 0);
  }

  /** Destroys pooled buffers. Dawn frees them at the next submit, so an empty one follows. */
  trim(): void {
    for (const free of this.#pool.values()) for (const buffer of free) buffer.destroy();
    this.#pool.clear();
    this.gpu.queue.submit([]);
  }

  /** Ends the device; programs on it fail from now on. */
  close(): void {
    this.trim();
    this.gpu.destroy();
  }
}

function firstLine(text: string): string {
  return text.split("\n").slice(0, 2).join(" ").trim();
}

/** Features that are used where the adapter has them. */
const WANTED_FEATURES = ["subgroups", "timestamp-query"];
const RAISED_LIMITS = [
  "maxStorageBuffersPerShaderStage",
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeWorkgroupStorageSize",
] as const;

/** What a device may be asked to do with less than it has. */
export interface GpuOptions {
  /** Bytes of one buffer and one binding, at most: data above that are cut into pieces. */
  readonly mostBytes?: number;
  /** What kernels may use, whatever the adapter is. */
  readonly tuning?: Tuning;
}

/**
 * Opens the most powerful adapter's device, with the largest buffers that it offers. Fails with
 * `webgpu_missing` where the package is not installed, and with `webgpu_no_adapter` where there is
 * no driver.
 */
export async function openGpu(options: GpuOptions = {}): Promise<WebGpuDevice> {
  const entry = browserEntry() ?? (await packageEntry());
  const adapter = await entry.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) return fail("webgpu_no_adapter", undefined, {});
  const limits: Record<string, number> = {};
  for (const name of RAISED_LIMITS) limits[name] = adapter.limits[name];
  const gpu = await adapter.requestDevice({
    requiredFeatures: WANTED_FEATURES.filter((f) => adapter.features.has(f)),
    requiredLimits: limits,
  });
  return new WebGpuDevice(gpu, adapter.info, options.mostBytes, options.tuning);
}

/**
 * How Dawn is opened where it is ours to say (a browser's is not). Kernels write what they read of
 * workgroup memory (a test puts NaN there before), so nothing sets it to 0 for them: SwiftShader wrote a
 * store for each number of a tile, 90 % of the time that products took to compile, and every device is
 * spared the stores and a barrier. Nor is each place held against the length of its array, 40 % of the time
 * that was left: no kernel reads or writes outside (a test looks), and indices that come from a
 * program's numbers are bounded by the kernels. Timestamps are not rounded to tenths of milliseconds.
 */
const DAWN_FLAGS: readonly string[] = [
  "enable-dawn-features=disable_workgroup_init,disable_robustness",
  "disable-dawn-features=timestamp_quantization",
];

function browserEntry(): GpuEntry | undefined {
  const { navigator } = globalThis as { navigator?: { gpu?: GpuEntry } };
  return navigator?.gpu;
}

async function packageEntry(): Promise<GpuEntry> {
  if (keptForEver.length > 0) return keptForEver[0];
  // A name that the type checker does not follow: the package is optional.
  const name: string = "webgpu";
  let create: unknown;
  try {
    ({ create } = (await import(name)) as { create?: unknown });
  } catch (error) {
    const reason = error instanceof Error ? firstLine(error.message) : String(error);
    return fail("webgpu_missing", undefined, { reason });
  }
  if (typeof create !== "function") {
    return fail("webgpu_missing", undefined, { reason: "it has no function `create`" });
  }
  const entry = (create as (flags: readonly string[]) => GpuEntry)(DAWN_FLAGS);
  keptForEver.push(entry);
  return entry;
}

export const STORAGE_USAGE = USAGE.storage | USAGE.copySource | USAGE.copyTarget;
export const UNIFORM_USAGE = USAGE.uniform | USAGE.copyTarget;
export const READ_USAGE = USAGE.mapRead | USAGE.copyTarget;
export const QUERY_USAGE = USAGE.queryResolve | USAGE.copySource;
