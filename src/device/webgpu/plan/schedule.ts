/**
 * From items to kernels. Small tasks that follow each other share one workgroup, with barriers
 * between those that depend on each other (a dispatch costs as much as hundreds of barriers), and so
 * do loops of small tasks. Large ones have many workgroups; those that need nothing of each other
 * share a dispatch, and elementwise ones that follow each other share their threads.
 */
import { BY_NUMBER } from "../wgsl/library.js";
import type { ChoiceItem, Item, Task } from "./context.js";
import { bodyOf, LANES, sharedNumbers, stepName } from "./context.js";
import type { Region } from "./storage.js";

/** Tasks of more rounds than this are worth a dispatch of many workgroups. */
export const FEW_ROUNDS = 64;
/** Tasks of more rounds than this are worth one of their own: beside their time a start is nothing. */
const MANY_ROUNDS = 1 << 15;
/** Tasks of one thread, one after the other, in a kernel. */
const MOST_CHAINED = 24;
/** Numbers of workgroup memory that every device has room for. */
const MOST_SHARED = 4096;

/** What some workgroups of a kernel do. */
export type Part =
  /** One workgroup: tasks with barriers between those that depend on each other. */
  | { readonly kind: "solo"; readonly text: string; readonly tasks: readonly Task[] }
  /** Many: one task, or several of as many threads, each thread one after the other. */
  | { readonly kind: "wide"; readonly tasks: readonly Task[] };

/** A piece of the program that the host records: a dispatch, or a loop of them. */
export type Stage =
  | { readonly kind: "kernel"; readonly parts: readonly Part[] }
  | {
      readonly kind: "loop";
      readonly level: number;
      readonly length: number | "call";
      readonly body: readonly Stage[];
    }
  /** One of these a step, as the host has it. */
  | { readonly kind: "choice"; readonly cases: readonly (readonly Stage[])[] };

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
  use(access: Access, from = this.now): void {
    for (const set of [access.writes, access.reads]) {
      for (const region of set) {
        const span = this.spans.get(region);
        if (span === undefined) this.spans.set(region, { first: from, last: this.now });
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
  const all = bodyOf(item).map(accessOf);
  return {
    reads: new Set(all.flatMap((a) => [...a.reads])),
    writes: new Set(all.flatMap((a) => [...a.writes])),
  };
}

function isSmall(item: Item, fewRounds: number): boolean {
  return item.kind === "task"
    ? item.rounds <= fewRounds && item.isAtomic !== true
    : bodyOf(item).every((inner) => isSmall(inner, fewRounds));
}

/**
 * Whether the host leaves it to one workgroup. A choice that is not within such a loop is the host's:
 * the step's number is then no uniform value, as barriers inside of a test need.
 */
function runsAlone(item: Item, fewRounds: number): boolean {
  return item.kind !== "choice" && isSmall(item, fewRounds);
}

/** For each item the earlier ones that it must follow, with the regions that are why. */
function dependencies(items: readonly Item[]): readonly ReadonlyMap<number, Set<Region>>[] {
  const writer = new Map<Region, number>();
  const readers = new Map<Region, number[]>();
  return items.map((item, k) => {
    const { reads, writes } = accessOf(item);
    const before = new Map<number, Set<Region>>();
    const after = (other: number | undefined, region: Region): void => {
      if (other === undefined || other === k) return;
      const known = before.get(other);
      if (known === undefined) before.set(other, new Set([region]));
      else known.add(region);
    };
    for (const region of reads) after(writer.get(region), region);
    for (const region of writes) {
      after(writer.get(region), region);
      for (const r of readers.get(region) ?? []) after(r, region);
    }
    for (const region of reads) readers.set(region, [...(readers.get(region) ?? []), k]);
    for (const region of writes) {
      writer.set(region, k);
      readers.set(region, []);
    }
    return before;
  });
}

/** Stage by stage all that can run: small items in one workgroup, large ones beside it. */
function stagesOf(items: readonly Item[], clock: Clock): Stage[] {
  const needs = dependencies(items);
  const done = new Set<number>();
  const stages: Stage[] = [];
  const open = new Set(items.keys());
  while (open.size > 0) {
    const small: number[] = [];
    const settled = new Set(done);
    for (const k of open) {
      if (!runsAlone(items[k], clock.fewRounds)) continue;
      if (![...needs[k].keys()].every((b) => settled.has(b))) continue;
      small.push(k);
      settled.add(k);
    }
    const chains = chainsOf(items, needs, open, done, clock.fewRounds);
    for (const k of small) done.add(k);
    const start = clock.now;
    const parts: Part[] = [];
    if (small.length > 0) {
      const tasks: Task[] = [];
      const own = small.map((k) => items[k]);
      parts.push({ kind: "solo", text: soloText(own, clock, tasks), tasks });
    }
    for (const chain of chains) {
      const tasks = chain.map((k) => items[k] as Task);
      // All kernels of a stage run at the same time as its small tasks do.
      for (const task of tasks) clock.use(task, start);
      for (const k of chain) done.add(k);
      parts.push({ kind: "wide", tasks });
    }
    stages.push(...kernelsOf(parts));
    if (parts.length > 0) clock.now++;
    for (const k of done) open.delete(k);
    for (const k of [...open]) {
      const item = items[k];
      const isReady = [...needs[k].keys()].every((b) => done.has(b));
      if (item.kind === "task" || !isReady || runsAlone(item, clock.fewRounds)) continue;
      open.delete(k);
      done.add(k);
      if (item.kind === "choice") {
        stages.push({ kind: "choice", cases: item.cases.map((c) => stagesOf(c.body, clock)) });
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

/**
 * Large tasks that can run once `done` are: apart from each other, or in one thread behind each
 * other, where what makes them follow is at the thread's own element.
 */
function chainsOf(
  items: readonly Item[],
  needs: readonly ReadonlyMap<number, ReadonlySet<Region>>[],
  open: ReadonlySet<number>,
  done: ReadonlySet<number>,
  fewRounds: number,
): readonly (readonly number[])[] {
  const chains: number[][] = [];
  const chainOf = new Map<number, number[]>();
  const follows = (k: number, b: number): boolean => {
    const [later, earlier] = [items[k], items[b]];
    if (later.kind !== "task" || earlier.kind !== "task") return false;
    return [...(needs[k].get(b) ?? [])].every((r) => later.own.has(r) && earlier.own.has(r));
  };
  for (const k of open) {
    const item = items[k];
    if (item.kind !== "task") continue;
    const before = [...needs[k].keys()].filter((b) => !done.has(b));
    // A small task that needs nothing of this stage's large ones runs in its one workgroup.
    if (before.length === 0 && isSmall(item, fewRounds)) continue;
    if (!before.every((b) => chainOf.has(b))) continue;
    const wanted = new Set(before.map((b) => chainOf.get(b)));
    // What follows two chains waits for both.
    if (wanted.size > 1 || !before.every((b) => follows(k, b))) continue;
    const headOf = (chain: readonly number[]): Task => items[chain[0]] as Task;
    const [needed] = wanted;
    if (needed !== undefined && !(joins(headOf(needed), item) && needed.length < MOST_CHAINED)) {
      continue;
    }
    const known =
      needed ??
      chains.find(
        (c) => headOf(c).unit === "threads" && joins(headOf(c), item) && c.length < MOST_CHAINED,
      );
    const own = known ?? [];
    if (known === undefined) chains.push(own);
    own.push(k);
    chainOf.set(k, own);
  }
  return chains;
}

/** Whether a task may run in the threads of another: as many, each at its own element. */
function joins(head: Task, task: Task): boolean {
  const keepsToItself = (t: Task): boolean =>
    t.unit === "threads" && [...t.writes].every((r) => t.own.has(r));
  if (!keepsToItself(task)) return false;
  if (head.unit === "threads") return keepsToItself(head) && head.count === task.count;
  // What runs in a function knows no steps.
  return head.each === task.count && !/\bstep\d/.test(task.text);
}

/** The same part with working memory as vectors, where all of it can be so. */
export function vectorPart(part: Part): Part | undefined {
  if (part.kind === "solo") return undefined;
  // What follows a workgroup's results one by one writes numbers.
  if (part.tasks[0].unit === "groups" && part.tasks.length > 1) return undefined;
  const tasks = part.tasks.flatMap((t) => (t.vector === undefined ? [] : [{ ...t, ...t.vector }]));
  return tasks.length === part.tasks.length ? { ...part, tasks } : undefined;
}

/** Parts of one stage in as few dispatches as pay. */
function kernelsOf(parts: readonly Part[]): Stage[] {
  // A kernel has working memory as vectors or as numbers, for all its parts.
  const kernels: {
    readonly parts: Part[];
    readonly shared: Map<string, number>;
    readonly isVector: boolean;
  }[] = [];
  const alone: Part[] = [];
  const rounds = (p: Part): number => p.tasks.reduce((sum, t) => sum + t.rounds, 0);
  for (const part of parts) {
    const isAtomic = part.tasks.some((t) => t.isAtomic === true);
    if (isAtomic || (part.kind === "wide" && rounds(part) > MANY_ROUNDS)) {
      alone.push(part);
      continue;
    }
    const shared = part.tasks.flatMap((t) => t.shared);
    const fits = (known: ReadonlyMap<string, number>): boolean => {
      const all = new Map([...known, ...shared.map((s) => [s.name, sharedNumbers(s)] as const)]);
      return [...all.values()].reduce((a, b) => a + b, 0) <= MOST_SHARED;
    };
    const isVector = vectorPart(part) !== undefined;
    let kernel = kernels.find((c) => c.isVector === isVector && fits(c.shared));
    if (kernel === undefined) {
      kernel = { parts: [], shared: new Map(), isVector };
      kernels.push(kernel);
    }
    kernel.parts.push(part);
    for (const s of shared) kernel.shared.set(s.name, sharedNumbers(s));
  }
  return [...kernels.map((k) => k.parts), ...alone.map((p) => [p])].map((own) => ({
    kind: "kernel",
    parts: own,
  }));
}

/** Code of one workgroup that runs the items, those of one level side by side. */
function soloText(items: readonly Item[], clock: Clock, tasks: Task[]): string {
  const needs = dependencies(items);
  const levels: number[][] = [];
  const levelOf: number[] = [];
  items.forEach((_, k) => {
    const level = Math.max(0, ...[...needs[k].keys()].map((b) => levelOf[b] + 1));
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
      if (item.kind === "choice") {
        parts.push(choiceText(item, (body) => soloText(body, clock, tasks)));
        continue;
      }
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

/** A test for the turn of the step, which all threads answer alike. */
function choiceText(
  { level, cases }: ChoiceItem,
  textOf: (body: readonly Item[]) => string,
): string {
  const period = cases.reduce((n, c) => n + c.steps, 0);
  let end = 0;
  const branches = cases.map(({ steps, body }, k) => {
    const from = end;
    end += steps;
    const inside = `place >= ${from}u && place < ${end}u`;
    const test = `params.turn == ${k}u || (params.turn == ${BY_NUMBER}u && ${inside})`;
    return `if (${test}) {\n${textOf(body)}\n}`;
  });
  const place = `let place = (params.first + ${stepName(level)}) % ${period}u;`;
  return `{\n${place}\n${branches.join(" else ")}\n}`;
}

function soloTask(task: Task, shift: number): string {
  if (task.unit === "groups") {
    return `for (var group = 0u; group < ${task.count}u; group++) {\n${task.text}\n}`;
  }
  const first = shift === 0 ? "lane" : `((lane + ${LANES - shift}u) % ${LANES}u)`;
  if (task.count === 1) {
    // Places are then known to the compiler, and the same for all threads.
    return `if (lane == ${shift}u) {\nlet item = 0u;\n${task.text}\n}`;
  }
  if (task.count <= LANES) {
    const test = `item < ${task.count}u`;
    return `{\nlet item = ${first};\nif (${test}) {\n${task.text}\n}\n}`;
  }
  return `for (var item = ${first}; item < ${task.count}u; item += ${LANES}u) {\n${task.text}\n}`;
}
