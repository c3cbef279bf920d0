/**
 * Concurrent loops: the thread that runs a kernel publishes a loop as a job, and it and whatever
 * threads serve the same workspace take its iterations one by one until none is left. The thread
 * needs no helpers: it takes what nobody else has. Which thread takes an iteration changes nothing
 * of what it computes, so results do not depend on the number of threads.
 *
 * A ticket is one word: job, iterations, next iteration (8, 12 and 12 bits). Helpers take an
 * iteration by compare-and-swap of the whole word, so that one that was asleep since an earlier job
 * either finds a word that means what it means now, or fails.
 *
 * A helper that fails says so, and the thread that waits for its iteration traps; of one that is
 * gone without a word it waits for a while.
 */
import type { Buffer } from "../../kernel/ir.js";
import type { Placement } from "./layout.js";
import type { Instr, WasmFunction } from "./opcodes.js";

/** Words: the ticket, and a cache line away each the iterations done and whether a helper failed. */
export const POOL_BUFFER = "%pool";
/** Locals of the enclosing function that a job's body reads, 8 bytes each. */
export const CAPTURED_BUFFER = "%captured";
export const POOL_DONE = 32;
export const POOL_FAILED = 64;
const POOL_WORDS = 96;

export const MOST_JOBS = 254;
export const MOST_CHUNKS = 4094;
export const MOST_CAPTURED = 64;
/** The ticket that sends helpers home. */
export const STOP_TICKET = -1;
/** The exported function in which a helper serves until it is sent home. */
export const SERVE = "%serve";
/** Looks at a word before a thread sleeps on it: about 50 microseconds. */
const LOOKS = 20_000;

/** Nanoseconds of a sleep, after which the sleeper looks whether a helper failed. */
const NAP = 250_000_000n;
/**
 * Seconds without any iteration done after which a helper that has taken one is taken for dead:
 * iterations last milliseconds.
 */
export const PATIENCE = 20;

const COUNT_BITS = 12;
const COUNT_MASK = 2 ** COUNT_BITS - 1;

export function poolBuffers(): readonly Buffer[] {
  return [
    { name: POOL_BUFFER, element: "i32", length: POOL_WORDS, region: "workspace" },
    { name: CAPTURED_BUFFER, element: "f64", length: MOST_CAPTURED, region: "workspace" },
  ];
}

type PoolMemory = { i32(buffer: string): Int32Array };

/** Says that the helper that calls this has failed: whoever waits for it traps. */
export function reportFailure(instance: PoolMemory): void {
  const words = instance.i32(POOL_BUFFER);
  Atomics.store(words, POOL_FAILED, 1);
  Atomics.notify(words, POOL_DONE);
}

/** Whether an iteration was given up for lost; forgets it. */
export function takeFailure(instance: PoolMemory): boolean {
  return Atomics.exchange(instance.i32(POOL_BUFFER), POOL_FAILED, 0) !== 0;
}

/** Sends home all that serve the instance, which must not be running. */
export function dismissHelpers(instance: PoolMemory): void {
  const words = instance.i32(POOL_BUFFER);
  Atomics.store(words, 0, STOP_TICKET);
  Atomics.notify(words, 0);
}

/** Indices of what the pool's functions call. */
export interface PoolCalls {
  /** Runs an iteration of a job. */
  readonly dispatch: number;
  readonly nap: number;
}

const get = (index: number): Instr => ({ op: "local.get", index });
const put = (index: number): Instr => ({ op: "local.set", index });
const num = (value: number): Instr => ({ op: "i32.const", value });
const at = (op: "i32.atomic.load" | "i32.atomic.store", offset: number): Instr => ({ op, offset });
const base: Instr = { op: "global.get", index: 0 };

/**
 * `run(job, count)`: publishes a job of `count` ≤ MOST_CHUNKS iterations, and returns after all. It
 * traps where a helper has failed, or has done nothing for `patience` seconds.
 */
export function runFunction(
  pool: Placement,
  { dispatch, nap }: PoolCalls,
  patience: number,
): WasmFunction {
  const [ticket, done] = [pool.offset, pool.offset + 4 * POOL_DONE];
  const failed = pool.offset + 4 * POOL_FAILED;
  const [job, count, chunk, seen, looks, naps] = [0, 1, 2, 3, 4, 5];
  const most = Math.max(1, Math.ceil((patience * 1e9) / Number(NAP)));
  return {
    name: "%run",
    params: ["i32", "i32"],
    locals: ["i32", "i32", "i32", "i32"],
    exported: false,
    code: [
      base,
      num(0),
      at("i32.atomic.store", done),
      base,
      get(job),
      num(COUNT_BITS),
      { op: "i32.shl" },
      get(count),
      { op: "i32.or" },
      num(COUNT_BITS),
      { op: "i32.shl" },
      at("i32.atomic.store", ticket),
      base,
      num(2 ** 31 - 1),
      { op: "memory.atomic.notify", offset: ticket },
      { op: "drop" },
      { op: "block" },
      { op: "loop" },
      base,
      num(1),
      { op: "i32.atomic.rmw.add", offset: ticket },
      num(COUNT_MASK),
      { op: "i32.and" },
      { op: "local.tee", index: chunk },
      get(count),
      { op: "i32.ge_s" },
      { op: "br_if", index: 1 },
      get(job),
      get(chunk),
      { op: "call", index: dispatch },
      base,
      num(1),
      { op: "i32.atomic.rmw.add", offset: done },
      { op: "drop" },
      { op: "br", index: 0 },
      { op: "end" },
      { op: "end" },
      // What helpers have taken is waited for.
      { op: "block" },
      { op: "loop" },
      base,
      at("i32.atomic.load", done),
      { op: "local.tee", index: seen },
      get(count),
      { op: "i32.eq" },
      { op: "br_if", index: 1 },
      get(looks),
      num(1),
      { op: "i32.add" },
      { op: "local.tee", index: looks },
      num(LOOKS),
      { op: "i32.lt_s" },
      { op: "br_if", index: 0 },
      base,
      at("i32.atomic.load", failed),
      { op: "if" },
      { op: "unreachable" },
      { op: "end" },
      get(seen),
      { op: "call", index: nap },
      // 2: nobody woke it.
      num(2),
      { op: "i32.eq" },
      { op: "if" },
      get(naps),
      num(1),
      { op: "i32.add" },
      { op: "local.tee", index: naps },
      num(most),
      { op: "i32.ge_s" },
      { op: "if" },
      base,
      num(1),
      at("i32.atomic.store", failed),
      { op: "unreachable" },
      { op: "end" },
      { op: "else" },
      num(0),
      put(naps),
      { op: "end" },
      { op: "br", index: 0 },
      { op: "end" },
      { op: "end" },
    ],
  };
}

/**
 * `nap(seen)`: sleeps while so many iterations are done, for a while; the wait's answer. A function of
 * its own, since the baseline compiler of V8 11 loses locals of a function that waits.
 */
export function napFunction(pool: Placement): WasmFunction {
  return {
    name: "%nap",
    params: ["i32"],
    result: "i32",
    locals: [],
    exported: false,
    code: [
      base,
      get(0),
      { op: "i64.const", value: NAP },
      { op: "memory.atomic.wait32", offset: pool.offset + 4 * POOL_DONE },
    ],
  };
}

/** `serve()`: takes iterations of any job until the ticket says stop. */
export function serveFunction(
  pool: Placement,
  { dispatch }: Pick<PoolCalls, "dispatch">,
): WasmFunction {
  const [ticket, done] = [pool.offset, pool.offset + 4 * POOL_DONE];
  const [word, chunk, count, looks] = [0, 1, 2, 3];
  return {
    name: SERVE,
    params: [],
    locals: ["i32", "i32", "i32", "i32"],
    exported: true,
    code: [
      { op: "loop" },
      base,
      at("i32.atomic.load", ticket),
      { op: "local.tee", index: word },
      num(STOP_TICKET),
      { op: "i32.eq" },
      { op: "if" },
      { op: "return" },
      { op: "end" },
      get(word),
      num(COUNT_MASK),
      { op: "i32.and" },
      put(chunk),
      get(word),
      num(COUNT_BITS),
      { op: "i32.shr_u" },
      num(COUNT_MASK),
      { op: "i32.and" },
      put(count),
      get(chunk),
      get(count),
      { op: "i32.lt_s" },
      { op: "if" },
      base,
      get(word),
      get(word),
      num(1),
      { op: "i32.add" },
      { op: "i32.atomic.rmw.cmpxchg", offset: ticket },
      get(word),
      { op: "i32.eq" },
      { op: "if" },
      get(word),
      num(2 * COUNT_BITS),
      { op: "i32.shr_u" },
      get(chunk),
      { op: "call", index: dispatch },
      base,
      num(1),
      { op: "i32.atomic.rmw.add", offset: done },
      num(1),
      { op: "i32.add" },
      get(count),
      { op: "i32.eq" },
      { op: "if" },
      base,
      num(1),
      { op: "memory.atomic.notify", offset: done },
      { op: "drop" },
      { op: "end" },
      { op: "end" },
      num(0),
      put(looks),
      { op: "else" },
      get(looks),
      num(1),
      { op: "i32.add" },
      { op: "local.tee", index: looks },
      num(LOOKS),
      { op: "i32.gt_s" },
      { op: "if" },
      num(0),
      put(looks),
      base,
      get(word),
      { op: "i64.const", value: -1n },
      { op: "memory.atomic.wait32", offset: ticket },
      { op: "drop" },
      { op: "end" },
      { op: "end" },
      { op: "br", index: 0 },
      { op: "end" },
    ],
  };
}

/** `dispatch(job, chunk)`: the body of job k (from 1) is function `bodies[k - 1]`. */
export function dispatchFunction(bodies: readonly number[]): WasmFunction {
  const code: Instr[] = [];
  bodies.forEach((body, k) => {
    code.push(get(0), num(k + 1), { op: "i32.eq" }, { op: "if" });
    code.push(get(1), { op: "call", index: body }, { op: "return" }, { op: "end" });
  });
  return {
    name: "%dispatch",
    params: ["i32", "i32"],
    locals: [],
    exported: false,
    code,
  };
}
