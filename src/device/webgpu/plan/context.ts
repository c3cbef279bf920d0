/** What the tasks of one block (a graph, or the body of a loop) share. */

import type { InputNode, Node, Origin } from "../../../tensor/ops.js";
import type { Ix } from "../emit/indices.js";
import type { ConstantTables, Region, Regions } from "./storage.js";

/** What an input of a loop's body stands for: a node outside, or the step's row of it. */
export interface Alias {
  readonly node: Node;
  readonly row?: Ix;
}

export interface BlockContext {
  readonly regions: Regions;
  readonly tables: ConstantTables;
  readonly aliases: Map<Node, Alias>;
  /** Loops around this block. */
  readonly level: number;
  readonly tuning: Tuning;
  alias(node: InputNode): Alias | undefined;
}

/** What kernels may use, and from where on it pays. */
export interface Tuning {
  /** The device has `subgroups`. */
  readonly subgroups: boolean;
  /**
   * Numbers from which on threads take four neighbours at a time. A card hides its memory's delay
   * behind what is on the way: some 2 MB for one of 3 TB/s and 600 ns. 2000 threads on each of 130
   * processors, each with one number on the way, are 1 MB, with four 4 MB. Below about as many
   * numbers as there are threads, fewer threads with more each would gain nothing.
   */
  readonly vectorsFrom: number;
  /**
   * The device is software on the processor (SwiftShader, lavapipe). It compiles what a step needs
   * longer than it runs it, by the reads and writes in the text: each becomes a branch a lane. So
   * products there are short loops, nothing is read as vectors, and registers are no concern.
   */
  readonly isSoftware?: boolean;
}
export const USUAL_TUNING: Tuning = { subgroups: false, vectorsFrom: 1 << 19 };
/** Of a software device. */
export const SOFTWARE_TUNING: Tuning = {
  subgroups: false,
  vectorsFrom: Number.POSITIVE_INFINITY,
  isSoftware: true,
};

/** An array of numbers or vectors in workgroup memory; equal names are one array. */
export interface SharedArray {
  readonly name: string;
  readonly type: "f32" | "vec2<f32>" | "vec4<f32>";
  readonly length: number;
}

/** Numbers that the array takes the room of. */
export function sharedNumbers({ type, length }: SharedArray): number {
  return length * { f32: 1, "vec2<f32>": 2, "vec4<f32>": 4 }[type];
}

/** Kinds of work that a card is asked about one by one. */
export type WorkKind = "elementwise" | "reduction" | "product" | "other";

/** What a task needs of the device at least, for measuring. */
export interface Work {
  readonly kind: WorkKind;
  /** Of each array that is read, by its name, how many of its numbers at most. */
  readonly reads: ReadonlyMap<string, number>;
  /** Numbers that are written to each region. */
  readonly written: number;
  /** Multiplications and additions of products; what else is computed waits for memory. */
  readonly flops: number;
}

/** A piece of device code between two barriers. */
export interface Task {
  readonly kind: "task";
  /** `threads`: the text is one item's, by `item`. `groups`: a workgroup's, by `group`, `lane`. */
  readonly unit: "threads" | "groups";
  readonly count: number;
  readonly text: string;
  readonly reads: ReadonlySet<Region>;
  readonly writes: ReadonlySet<Region>;
  /**
   * The same work in a kernel that has working memory as vectors of four: possible where it writes
   * whole vectors only. Of `threads`, one item is then four elements.
   */
  readonly vector?: { readonly count: number; readonly text: string };
  /** Whether the text takes `words` as atomic numbers: then it has a kernel of its own. */
  readonly isAtomic?: boolean;
  /** Steps that one workgroup would take for all of it, roughly. */
  readonly rounds: number;
  /**
   * Regions whose element `item` is all of them that the task reads or writes: a task of as many
   * threads that also keeps to it can run in the same thread right behind this one.
   */
  readonly own: ReadonlySet<Region>;
  /**
   * Of a task by workgroups: how many results it has, where its text can do more with each, in the
   * thread that wrote it; see `eachResult`.
   */
  readonly each?: number;
  /** Workgroup memory that the text names. */
  readonly shared: readonly SharedArray[];
  /** Absent where it is not known. */
  readonly work?: Work;
  readonly label: string;
  readonly origin?: Origin;
}

/** A loop of a fixed number of steps, or of as many as a call asks for. */
export interface LoopItem {
  readonly kind: "loop";
  readonly level: number;
  readonly length: number | "call";
  readonly body: readonly Item[];
}

/** What one of several takes turns to do, by the number of the step of the loop at a level. */
export interface ChoiceItem {
  readonly kind: "choice";
  readonly level: number;
  /** Each with its steps in a round. */
  readonly cases: readonly { readonly steps: number; readonly body: readonly Item[] }[];
}
export type Item = Task | LoopItem | ChoiceItem;

/** All items of a loop or choice. */
export function bodyOf(item: LoopItem | ChoiceItem): readonly Item[] {
  return item.kind === "loop" ? item.body : item.cases.flatMap((c) => c.body);
}

/**
 * Lines that call `each_result(item)` for every result, in the thread that has just stored it. They
 * stay where other tasks are to run there, and go where not.
 */
export function eachResult(lines: string): string {
  return `//each{\n${lines}\n//each}`;
}

/** The text with the calls to a function of this name in their places, or without them. */
export function withEach(text: string, name: string | undefined): string {
  if (name === undefined) return text.replace(/\/\/each\{[\s\S]*?\/\/each\}\n?/g, "");
  return text.replace(/\/\/each[{}]\n?/g, "").replaceAll("each_result(", `${name}(`);
}

/** Threads of a workgroup. */
export const LANES = 256;

/** The variable that counts the steps of the loop at a level. */
export function stepName(level: number): string {
  return `step${level}`;
}
