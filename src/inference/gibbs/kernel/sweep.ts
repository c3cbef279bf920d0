/**
 * The kernels of a plan: the pieces of the log joint, an update function for every block that can
 * be compiled, and runs of neighbouring updates as one function each, so that a sweep of compiled
 * blocks is one call.
 */
import {
  add,
  call,
  eq,
  f64,
  get,
  giveBack,
  i32,
  index,
  load,
  loop,
  lt,
  perform,
  set,
  store,
  when,
} from "../../../kernel/build.js";
import type { Buffer, KernelFunction, KernelModule, Stmt } from "../../../kernel/ir.js";
import { ConstantPool } from "../../../passes/lower/index.js";
import type { Conditionals } from "../../conditionals/find.js";
import { directKernels, type Wanted } from "../../conditionals/kernels.js";
import { isCompiled, referenceValues } from "../../conditionals/natural.js";
import { type DirectJoint, STATES } from "../../logjoint/direct.js";
import type { GibbsBlock } from "../blocks.js";
import { hamiltonianModule } from "../hamiltonian.js";
import { probesOf } from "../joint.js";
import { type LocalDensity, localDensity } from "../local/density.js";
import { conjugateFunction, hasUnitKernel } from "./conjugate.js";
import { discreteFunction, hasDiscreteKernel } from "./discrete.js";
import { isProbedAtOnce, jointFunction } from "./joint.js";
import { randomBuffers, randomFunctions, whole } from "./random.js";
import { adaptBuffer, sliceFunctions } from "./slice.js";

/** Part of a sweep: blocks from one number to another, by one kernel call or each by the host. */
export type Segment =
  | { readonly kind: "kernel"; readonly fn: string; readonly from: number; readonly to: number }
  | { readonly kind: "host"; readonly at: number };

/** The stream of a block: that of its first site; of discrete elements, 0. */
export function streamOf(block: GibbsBlock): number {
  switch (block.kind) {
    case "discrete":
      return 0;
    case "conjugate":
    case "truncated":
      return block.finding.site + 1;
    case "joint":
      return block.normal.sites[0] + 1;
    case "slice":
    case "count":
      return block.site + 1;
    case "hamiltonian":
      return block.sites[0] + 1;
  }
}

/** The compiled update of a block, or undefined where the host does it. */
export function updateName(block: GibbsBlock, compiled: boolean): string | undefined {
  switch (block.kind) {
    case "discrete":
      return compiled && hasDiscreteKernel(block.plan) ? "update_discrete" : undefined;
    case "conjugate":
      return compiled && hasUnitKernel(block.finding) ? `update_${block.finding.site}` : undefined;
    case "joint":
      // The host has no sparse factor of its own; a dense one would be another method.
      return `update_joint_${block.id}`;
    case "slice":
    case "count":
      return compiled ? `update_slice_${block.site}` : undefined;
    default:
      return undefined;
  }
}

export function sweepKernels(
  found: Conditionals,
  blocks: readonly GibbsBlock[],
  compiled: boolean,
): {
  readonly kernels: KernelModule;
  readonly segments: readonly Segment[];
  readonly locals: ReadonlyMap<number, LocalDensity>;
} {
  const { joint } = found;
  const pool = new ConstantPool();
  const locals = new Map<number, LocalDensity>();
  const conjugate = blocks.flatMap((b) => (b.kind === "conjugate" ? [b.finding] : []));
  const truncated = blocks.flatMap((b) => (b.kind === "truncated" ? [b.finding.site] : []));
  const normals = blocks.flatMap((b) => (b.kind === "joint" ? [b] : []));
  const slices = blocks.flatMap((b) => {
    return b.kind === "slice" || b.kind === "count" ? [b.site] : [];
  });
  for (const site of compiled ? slices : []) {
    const local = localDensity(joint, site, pool);
    if (local !== undefined) locals.set(site, local);
  }
  const wanted: Partial<Wanted> = {
    statistics: conjugate.filter(isCompiled).map((f) => ({ site: f.site, at: referenceValues(f) })),
    gradients: [...conjugate.filter((f) => !isCompiled(f)).map((f) => f.site), ...truncated],
    densities: [...slices.filter((site) => !locals.has(site)), ...truncated],
    vectors: normals.map(({ id, normal }) =>
      isProbedAtOnce(normal)
        ? { name: `joint_${id}_probes`, sites: normal.sites, at: probesOf(normal) }
        : { name: `joint_${id}_grad`, sites: normal.sites },
    ),
    tables: true,
    values: true,
    lp: true,
  };
  const base = directKernels(joint, wanted, pool);
  const buffers: Buffer[] = [...base.buffers, ...randomBuffers, adaptBuffer];
  const functions: KernelFunction[] = [...base.functions, ...randomFunctions()];
  const take = (more: {
    readonly buffers: readonly Buffer[];
    readonly functions: readonly KernelFunction[];
  }): void => {
    buffers.push(...more.buffers);
    functions.push(...more.functions);
  };
  take(rowKernels(joint));
  for (const local of locals.values()) take(local);
  for (const block of blocks) {
    const isKernel = updateName(block, compiled) !== undefined;
    if (block.kind === "hamiltonian") take(hamiltonianModule(joint, block));
    else if (!isKernel) continue;
    else if (block.kind === "discrete") take(discreteFunction(block.plan, streamOf(block)));
    else if (block.kind === "conjugate") functions.push(conjugateFunction(block.finding));
    else if (block.kind === "slice" || block.kind === "count") {
      const { site } = block;
      const length = joint.sites[site].input.shape[0];
      const isWhole = block.kind === "count";
      take(sliceFunctions({ site, length, isWhole, local: locals.get(site) }));
    } else if (block.kind === "joint") {
      const lengths = block.normal.sites.map((s) => joint.sites[s].latent.length);
      take(jointFunction(block.normal, block.id, streamOf(block), lengths));
    }
  }
  const segments: Segment[] = [];
  for (let at = 0; at < blocks.length; ) {
    let to = at;
    while (to < blocks.length && updateName(blocks[to], compiled) !== undefined) to++;
    if (to === at) {
      segments.push({ kind: "host", at });
      at++;
      continue;
    }
    const fn = `gibbs_run_${segments.length}`;
    const names = blocks.slice(at, to).flatMap((b) => updateName(b, compiled) ?? []);
    functions.push(runFunction(fn, names));
    segments.push({ kind: "kernel", fn, from: at, to });
    at = to;
  }
  const [only] = segments;
  if (segments.length === 1 && only.kind === "kernel") take(blockKernels(widthOf(joint), only));
  return { kernels: { buffers, functions }, segments, locals };
}

/** What a draw is written to: the continuous scalars at their offsets, then discrete values. */
export const ROW = "gibbs_row";

function widthOf(joint: DirectJoint): number {
  const scalars = joint.sites.reduce((n, s) => n + s.latent.length, 0);
  return joint.discrete.reduce((n, s) => n + s.dims.reduce((m, d) => m * d, 1), scalars);
}

/** `gibbs_write()` fills the row from the state. */
function rowKernels(joint: DirectJoint): {
  readonly buffers: readonly Buffer[];
  readonly functions: readonly KernelFunction[];
} {
  const i = index("i");
  const width = joint.sites.reduce((n, s) => n + s.latent.length, 0);
  const body: Stmt[] = joint.sites.length > 0 ? [perform("values", [])] : [];
  joint.sites.forEach(({ latent }, k) => {
    body.push(
      loop("i", i32(0), i32(latent.length), [
        store(ROW, add(i, i32(latent.offset)), load(`own_${k}`, i)),
      ]),
    );
  });
  let elements = 0;
  for (const { offset, low, dims } of joint.discrete) {
    const count = dims.reduce((n, d) => n * d, 1);
    elements += count;
    const state = load(STATES, add(i, i32(offset)));
    body.push(
      loop("i", i32(0), i32(count), [
        store(ROW, add(i, i32(width + offset)), add(state, f64(low))),
      ]),
    );
  }
  return {
    buffers: [
      { name: ROW, element: "f64", length: Math.max(1, width + elements), region: "workspace" },
    ],
    functions: [{ name: "gibbs_write", params: [], body, exported: true }],
  };
}

/** Rows of draws that one call makes, and their buffer: a row, then the log joint, and so on. */
export const ROWS = "gibbs_rows";
const ROWS_BYTES = 1 << 16;
const MOST_ROWS = 64;

/** How many rows the buffer holds. */
export function rowCount(width: number): number {
  return Math.max(1, Math.min(MOST_ROWS, Math.floor(ROWS_BYTES / (8 * (width + 1)))));
}

/**
 * `gibbs_block(first, count, thin)`: `count` draws, each the last of `thin` sweeps, numbered from
 * `first` on, into the rows. Gives −1, or the number of the block whose update failed.
 */
function blockKernels(
  width: number,
  run: Extract<Segment, { kind: "kernel" }>,
): { readonly buffers: readonly Buffer[]; readonly functions: readonly KernelFunction[] } {
  const [first, count, thin] = [whole("first"), whole("count"), whole("thin")];
  const [sweep, done, at] = [whole("sweep"), whole("done"), whole("at")];
  const i = index("i");
  return {
    buffers: [
      { name: ROWS, element: "f64", length: rowCount(width) * (width + 1), region: "workspace" },
    ],
    functions: [
      {
        name: "gibbs_block",
        params: [first, count, thin],
        result: "i32",
        body: [
          set(sweep, get(first)),
          set(at, i32(0)),
          loop("draw", i32(0), get(count), [
            loop("skip", i32(0), get(thin), [
              perform(run.fn, [get(sweep)], done),
              when(lt(get(done), i32(run.to - run.from)), [giveBack(get(done))]),
              set(sweep, add(get(sweep), i32(1))),
            ]),
            perform("gibbs_write", []),
            loop("i", i32(0), i32(width), [store(ROWS, add(get(at), i), load(ROW, i))]),
            set(at, add(get(at), i32(width))),
            store(ROWS, get(at), call("lp", [])),
            set(at, add(get(at), i32(1))),
          ]),
          giveBack(i32(-1)),
        ],
        exported: true,
      },
    ],
  };
}

/** `fn(sweep)`: the updates in turn; gives how many of them succeeded before one failed. */
function runFunction(fn: string, updates: readonly string[]): KernelFunction {
  const [sweep, done] = [whole("sweep"), whole("done")];
  return {
    name: fn,
    params: [sweep],
    result: "i32",
    body: [
      ...updates.flatMap((name, k) => [
        perform(name, [get(sweep)], done),
        when(eq(get(done), i32(0)), [giveBack(i32(k))]),
      ]),
      giveBack(i32(updates.length)),
    ],
    exported: true,
  };
}
