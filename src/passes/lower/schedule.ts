/**
 * Decides which tasks share loops (loop fusion by the greedy typed method of Kennedy & McKinley
 * 1993): tasks are taken in order and each goes to the first group of its extent that is not before
 * what it reads; the groups' bodies are then scheduled the same way, one level down.
 */
import type { Node } from "../../tensor/ops.js";
import { type Plan, producerOf, type Task } from "./plan.js";

/** Rows of a block: what a block's phases share should stay in the first-level cache. */
export const BLOCK = 256;
/** Longer sums are made block by block, which keeps their rounding error small. */
export const LONG_SUM = 4096;

export interface LoopItem {
  readonly kind: "loop";
  readonly id: number;
  readonly extent: number;
  /** Runs of code over the same range, in order; more than one are run block by block. */
  readonly phases: readonly Phase[];
  readonly tasks: readonly Task[];
}
/** "code" is a loop body; "special" tasks bring their own loops over a block. */
export interface Phase {
  readonly kind: "code" | "special";
  readonly tasks: readonly Task[];
  readonly items: readonly Item[];
}
export interface TaskItem {
  readonly kind: "task";
  readonly task: Task;
}
export type Item = LoopItem | TaskItem;

/** Where a task ended up: the phase it is in at every loop level, and its outermost loop. */
export interface Place {
  readonly path: number[];
  /** Index of the item at the top level. */
  item: number;
  loop: number;
}

export interface Schedule {
  readonly items: readonly Item[];
  readonly places: ReadonlyMap<Task, Place>;
}

/** A loop to be, and the tasks without a loop that run just before it. */
interface Group {
  extent: number;
  readonly before: Task[];
  readonly tasks: Task[];
}
/** The extent of a group that has no loop yet. */
const STRAIGHT = -1;

export function scheduleTasks(plan: Plan): Schedule {
  const places = new Map<Task, Place>();
  for (const task of plan.tasks) places.set(task, { path: [], item: -1, loop: -1 });
  let nextId = 0;

  const schedule = (tasks: readonly Task[], depth: number): Item[] => {
    const items: Item[] = [];
    for (const group of groupTasks(plan, tasks, depth)) {
      for (const task of group.before) items.push({ kind: "task", task });
      if (group.extent === STRAIGHT) continue;
      const id = nextId++;
      const phases = (depth === 0 ? phasesOf(plan, group.tasks) : [group.tasks]).map(
        (members): Phase => {
          const phase = nextId++;
          for (const task of members) {
            const place = places.get(task)!;
            place.path.push(phase);
            if (depth === 0) place.loop = id;
          }
          if (isSpecial(members[0], depth)) return { kind: "special", tasks: members, items: [] };
          return { kind: "code", tasks: members, items: schedule(members, depth + 1) };
        },
      );
      items.push({ kind: "loop", id, extent: group.extent, phases, tasks: group.tasks });
    }
    return items;
  };

  const items = schedule(plan.tasks, 0);
  items.forEach((item, k) => {
    for (const task of item.kind === "loop" ? item.tasks : [item.task]) {
      places.get(task)!.item = k;
    }
  });
  return { items, places };
}

/** The tasks that `task` reads, each with the loop levels that the two may share. */
export function dependencies(
  plan: Plan,
  task: Task,
  visit: (on: Task, shared: number) => void,
): void {
  for (const [root, leading] of task.reads) {
    for (const on of plan.producers.get(producerOf(root)) ?? []) {
      visit(on, Math.min(leading, on.shared));
    }
  }
}

function groupTasks(plan: Plan, tasks: readonly Task[], depth: number): Group[] {
  const groups: Group[] = [];
  const placeOf = new Map<Task, { readonly group: number; readonly looped: boolean }>();
  for (const task of tasks) {
    const looped = task.domain.length > depth;
    let earliest = 0;
    dependencies(plan, task, (on, shared) => {
      const place = placeOf.get(on);
      if (place === undefined) return;
      const after = place.looped && !(looped && shared > depth);
      earliest = Math.max(earliest, after ? place.group + 1 : place.group);
    });
    let position = earliest;
    if (looped) {
      const extent = task.domain[depth];
      while (position < groups.length && groups[position].extent !== extent) {
        if (groups[position].extent === STRAIGHT) groups[position].extent = extent;
        else position++;
      }
      if (position === groups.length) groups.push({ extent, before: [], tasks: [] });
      groups[position].tasks.push(task);
    } else {
      // As early as can be: the latency of a library call then overlaps with the loop after it.
      if (position === groups.length) groups.push({ extent: STRAIGHT, before: [], tasks: [] });
      groups[position].before.push(task);
    }
    placeOf.set(task, { group: position, looped });
  }
  return groups;
}

/**
 * Tasks that do not run as vector code: products with matrices, and additions at indices that are
 * loaded.
 */
function isSpecial(task: Task, depth: number): boolean {
  if (depth > 0) return false;
  if (task.kind === "matvec") return true;
  return (
    task.kind === "accumulate" &&
    task.root.op === "scatter_add" &&
    !task.inLocal &&
    task.domain.length === 1 &&
    task.shared === 0
  );
}

/** Splits a group so that what a task reads of another kind is made in an earlier phase. */
function phasesOf(plan: Plan, tasks: readonly Task[]): Task[][] {
  const phaseOf = new Map<Task, number>();
  const phases: Task[][] = [];
  for (const task of tasks) {
    // Special tasks have even phases, code odd ones.
    const parity = isSpecial(task, 0) ? 0 : 1;
    let phase = parity;
    dependencies(plan, task, (on) => {
      const before = phaseOf.get(on);
      if (before === undefined) return;
      // Special tasks do not share an iteration with what they read.
      const next = before % 2 !== parity ? 1 : parity === 0 ? 2 : 0;
      phase = Math.max(phase, before + next);
    });
    phaseOf.set(task, phase);
    phases[phase] = [...(phases[phase] ?? []), task];
  }
  return phases.filter((phase) => phase !== undefined);
}

/** How a root is kept between the task that makes it and its readers. */
export interface Keeping {
  /** Some reader is in the same iteration as the maker and takes it from a local. */
  readonly asLocal: boolean;
  /**
   * "none": only as a local; "block": one block of the shared loop; "buffer": all, but for the
   * leading axes that maker and readers loop over together.
   */
  readonly storage: "none" | "block" | "buffer";
  readonly contracted: number;
  /** Top-level items of the first maker and the last reader. */
  readonly from: number;
  readonly to: number;
}

export function keepingOf(
  plan: Plan,
  schedule: Schedule,
  wanted: ReadonlySet<Node>,
): Map<Node, Keeping> {
  const readers = new Map<Node, { readonly task: Task; readonly leading: number }[]>();
  for (const task of plan.tasks) {
    for (const [root, leading] of task.reads) {
      const known = readers.get(root);
      if (known === undefined) readers.set(root, [{ task, leading }]);
      else known.push({ task, leading });
    }
  }
  const result = new Map<Node, Keeping>();
  for (const root of plan.roots.order) {
    if (!plan.live.has(root) || root.op === "scan") continue;
    const makers = plan.producers.get(producerOf(root)) ?? [];
    const places = makers.map((task) => schedule.places.get(task)!);
    const from = Math.min(...places.map((p) => p.item));
    let to = Math.max(...places.map((p) => p.item));
    const rank = root.shape.filter((n) => n !== 1).length;
    let contracted = wanted.has(root) ? 0 : rank;
    let asLocal = false;
    let block = rank === 1 && !wanted.has(root);
    for (const { task, leading } of readers.get(root) ?? []) {
      const place = schedule.places.get(task)!;
      to = Math.max(to, place.item);
      const together =
        makers.length === 1
          ? Math.min(leading, makers[0].shared, commonPrefix(place.path, places[0].path))
          : 0;
      if (together >= rank) asLocal = true;
      else {
        const sameLoop =
          makers.length === 1 && places[0].loop >= 0 && place.loop === places[0].loop;
        if (!(sameLoop && Math.min(leading, makers[0].shared) >= 1)) block = false;
      }
      contracted = Math.min(contracted, together);
    }
    if (plan.readAtEnd.has(root)) {
      to = Number.POSITIVE_INFINITY;
      contracted = 0;
      block = false;
    }
    const storage = contracted >= rank ? "none" : block ? "block" : "buffer";
    result.set(root, { asLocal, storage, contracted, from, to });
  }
  return result;
}

function commonPrefix(a: readonly number[], b: readonly number[]): number {
  let k = 0;
  while (k < a.length && k < b.length && a[k] === b[k]) k++;
  return k;
}
