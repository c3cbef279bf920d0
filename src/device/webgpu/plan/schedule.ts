/**
 * From items to kernels. Small tasks that follow each other share one kernel of a single workgroup,
 * with barriers between those that depend on each other (a dispatch costs as much as hundreds of
 * barriers), and so do loops of small tasks; large ones have a dispatch each.
 */
import type { Item, Task } from "./context.js";
import { LANES, stepName } from "./context.js";
import type { Region } from "./storage.js";

/** Tasks of more rounds than this are worth a dispatch of many workgroups. */
export const FEW_ROUNDS = 64;

/** A part of the program that the host records. */
export type Stage =
  | { readonly kind: "wide"; readonly task: Task }
  | { readonly kind: "solo"; readonly text: string; readonly tasks: readonly Task[] }
  | {
      readonly kind: "loop";
      readonly level: number;
      readonly length: number | "call";
      readonly body: readonly Stage[];
    };

/** When each region is first written and last used, in barriers. */
export interface Span {
  first: number;
  last: number;
}

export interface Schedule {
  readonly stages: readonly Stage[];
  readonly spans: ReadonlyMap<Region, Span>;
}

interface Access {
  readonly reads: ReadonlySet<Region>;
  readonly writes: ReadonlySet<Region>;
}

/** `fewRounds`: tasks of no more share a kernel. 0 gives each its own, for tests. */
export function scheduleItems(items: readonly Item[], fewRounds = FEW_ROUNDS): Schedule {
  const clock = new Clock(fewRounds);
  const stages = stagesOf(items, clock);
  return { stages, spans: clock.finish() };
}

/** Counts barriers and notes when regions are used. */
class Clock {
  readonly spans = new Map<Region, Span>();
  readonly #loops: { readonly start: number; readonly end: number }[] = [];
  now = 0;
  constructor(readonly fewRounds: number) {}
  use(access: Access): void {
    for (const set of [access.writes, access.reads]) {
      for (const region of set) {
        const span = this.spans.get(region);
        if (span === undefined) this.spans.set(region, { first: this.now, last: this.now });
        else span.last = this.now;
      }
    }
  }
  /** Notes when a loop runs. */
  around(body: () => void): void {
    const start = this.now;
    body();
    this.#loops.push({ start, end: this.now });
    this.now++;
  }
  /** What is used both inside and outside of a loop lives during all of its steps. */
  finish(): ReadonlyMap<Region, Span> {
    // Inner loops come first.
    for (const { start, end } of this.#loops) {
      for (const span of this.spans.values()) {
        const apart = span.last < start || span.first > end;
        const inside = span.first >= start && span.last <= end;
        if (apart || inside) continue;
        span.first = Math.min(span.first, start);
        span.last = Math.max(span.last, end);
      }
    }
    return this.spans;
  }
}

/** All that an item reads and writes. */
function accessOf(item: Item): Access {
  if (item.kind === "task") return item;
  const all = item.body.map(accessOf);
  return {
    reads: new Set(all.flatMap((a) => [...a.reads])),
    writes: new Set(all.flatMap((a) => [...a.writes])),
  };
}

function isSmall(item: Item, fewRounds: number): boolean {
  return item.kind === "task"
    ? item.rounds <= fewRounds
    : item.body.every((inner) => isSmall(inner, fewRounds));
}

/** For each item the earlier ones that it must follow. */
function dependencies(items: readonly Item[]): readonly ReadonlySet<number>[] {
  const writer = new Map<Region, number>();
  const readers = new Map<Region, number[]>();
  return items.map((item, k) => {
    const { reads, writes } = accessOf(item);
    const before = new Set<number>();
    for (const region of reads) {
      const w = writer.get(region);
      if (w !== undefined) before.add(w);
    }
    for (const region of writes) {
      const w = writer.get(region);
      if (w !== undefined) before.add(w);
      for (const r of readers.get(region) ?? []) before.add(r);
    }
    for (const region of reads) readers.set(region, [...(readers.get(region) ?? []), k]);
    for (const region of writes) {
      writer.set(region, k);
      readers.set(region, []);
    }
    before.delete(k);
    return before;
  });
}

/** Alternates between all small items that can run and all large ones that then can. */
function stagesOf(items: readonly Item[], clock: Clock): Stage[] {
  const needs = dependencies(items);
  const done = new Set<number>();
  const stages: Stage[] = [];
  const open = new Set(items.keys());
  const ready = (k: number): boolean => [...needs[k]].every((b) => done.has(b));
  while (open.size > 0) {
    const small: number[] = [];
    for (const k of open) {
      if (!isSmall(items[k], clock.fewRounds) || !ready(k)) continue;
      small.push(k);
      done.add(k);
    }
    for (const k of small) open.delete(k);
    if (small.length > 0) {
      const tasks: Task[] = [];
      const text = soloText(
        small.map((k) => items[k]),
        clock,
        tasks,
      );
      stages.push({ kind: "solo", text, tasks });
      clock.now++;
    }
    for (const k of [...open].filter(ready)) {
      open.delete(k);
      done.add(k);
      const item = items[k];
      if (item.kind === "task") {
        clock.use(item);
        stages.push({ kind: "wide", task: item });
        clock.now++;
        continue;
      }
      clock.around(() => {
        const body = stagesOf(item.body, clock);
        stages.push({ kind: "loop", level: item.level, length: item.length, body });
      });
    }
  }
  return stages;
}

/** Code of one workgroup that runs the items, those of one level side by side. */
function soloText(items: readonly Item[], clock: Clock, tasks: Task[]): string {
  const needs = dependencies(items);
  const levels: number[][] = [];
  const levelOf: number[] = [];
  items.forEach((_, k) => {
    const level = Math.max(0, ...[...needs[k]].map((b) => levelOf[b] + 1));
    levelOf[k] = level;
    const at = levels[level];
    if (at === undefined) levels[level] = [k];
    else at.push(k);
  });
  const parts: string[] = [];
  for (const level of levels) {
    // Tasks of a level run between two barriers: small ones take different threads. Loops have
    // barriers of their own, and come one by one.
    let shift = 0;
    for (const k of level) {
      const item = items[k];
      if (item.kind !== "task") continue;
      clock.use(item);
      tasks.push(item);
      parts.push(soloTask(item, shift));
      if (item.unit === "threads") shift = (shift + Math.ceil(item.count / 32) * 32) % LANES;
    }
    if (level.some((k) => items[k].kind === "task")) {
      parts.push("storageBarrier();");
      clock.now++;
    }
    for (const k of level) {
      const item = items[k];
      if (item.kind === "task") continue;
      const step = stepName(item.level);
      const count = item.length === "call" ? "params.count" : `${item.length}u`;
      let body = "";
      clock.around(() => {
        body = soloText(item.body, clock, tasks);
      });
      parts.push(`for (var ${step} = 0u; ${step} < ${count}; ${step}++) {\n${body}\n}`);
    }
  }
  return parts.join("\n");
}

function soloTask(task: Task, shift: number): string {
  if (task.unit === "groups") {
    return `for (var group = 0u; group < ${task.count}u; group++) {\n${task.text}\n}`;
  }
  const first = shift === 0 ? "lane" : `((lane + ${LANES - shift}u) % ${LANES}u)`;
  if (task.count <= LANES) {
    const test = `item < ${task.count}u`;
    return `{\nlet item = ${first};\nif (${test}) {\n${task.text}\n}\n}`;
  }
  return `for (var item = ${first}; item < ${task.count}u; item += ${LANES}u) {\n${task.text}\n}`;
}
