/**
 * Static memory of the functions of one module: a pool of constants, where equal data is stored
 * once, and scratch buffers that are handed out and taken back in the order of the emitted code.
 * Functions of a module never run inside each other, so they share the scratch.
 */
import type { Buffer } from "../../kernel/ir.js";

type Data = Float64Array | Int32Array;

/** Constants of one module, shared by its lowered functions. */
export class ConstantPool {
  readonly #byKey = new Map<string, Buffer[]>();
  readonly #all: Buffer[] = [];
  readonly #scratch: { name: string; length: number; element: "f64" | "f32" }[] = [];

  /** The name of a constant buffer that holds `data` (not copied). */
  add(data: Data): string {
    const element = data instanceof Float64Array ? "f64" : "i32";
    const key = `${element} ${data.length} ${sample(data)}`;
    const same = this.#byKey.get(key) ?? [];
    this.#byKey.set(key, same);
    for (const buffer of same) if (equal(buffer.data!, data)) return buffer.name;
    const name = `const${this.#all.length}`;
    const buffer: Buffer = { name, element, length: data.length, region: "constant", data };
    same.push(buffer);
    this.#all.push(buffer);
    return name;
  }

  /** All constants so far. */
  buffers(): readonly Buffer[] {
    return this.#all;
  }

  /** Scratch buffers so far, at the lengths so far. */
  scratchBuffers(): readonly Buffer[] {
    return this.#scratch.map(({ name, length, element }) => ({
      name,
      element,
      length,
      region: "workspace",
    }));
  }

  /** The k-th scratch buffer of the module, at least `length` long; a new one is of `element`. */
  scratch(k: number, length: number, element: "f64" | "f32"): string {
    while (this.#scratch.length <= k) {
      this.#scratch.push({ name: `scratch${this.#scratch.length}`, length: 0, element });
    }
    const buffer = this.#scratch[k];
    buffer.length = Math.max(buffer.length, length, 1);
    return buffer.name;
  }

  /** The element type of the k-th scratch buffer, if there is one. */
  scratchElement(k: number): "f64" | "f32" | undefined {
    return this.#scratch[k]?.element;
  }

  scratchLength(k: number): number {
    return k < this.#scratch.length ? this.#scratch[k].length : 0;
  }
}

/** Hands out the scratch buffers of one function; each name belongs to one owner at a time. */
export class ScratchPlan {
  readonly #pool: ConstantPool;
  readonly #busy: boolean[] = [];
  readonly #slotOf = new Map<string, number>();
  /** Every hand-out and return in order, for the verifier of the tests. */
  readonly log: { readonly take: boolean; readonly name: string; readonly length: number }[] = [];

  constructor(pool: ConstantPool) {
    this.#pool = pool;
  }

  take(length: number, element: "f64" | "f32" = "f64"): string {
    let best = -1;
    for (let k = 0; k < this.#busy.length; k++) {
      if (this.#busy[k] || this.#pool.scratchElement(k) !== element) continue;
      if (best < 0 || this.#better(k, best, length)) best = k;
    }
    if (best < 0) best = this.#place(element);
    this.#busy[best] = true;
    const name = this.#pool.scratch(best, length, element);
    this.#slotOf.set(name, best);
    this.log.push({ take: true, name, length });
    return name;
  }

  /** A place that this function has not used yet: an earlier function's buffer, or a new one. */
  #place(element: "f64" | "f32"): number {
    for (;;) {
      const k = this.#busy.length;
      this.#busy.push(false);
      const known = this.#pool.scratchElement(k);
      if (known === undefined || known === element) return k;
    }
  }

  give(name: string): void {
    const slot = this.#slotOf.get(name);
    if (slot === undefined) return;
    this.#busy[slot] = false;
    this.log.push({ take: false, name, length: 0 });
  }

  /** Least waste first: the smallest that is long enough, else the longest (it grows). */
  #better(k: number, best: number, length: number): boolean {
    const a = this.#pool.scratchLength(k);
    const b = this.#pool.scratchLength(best);
    if (a >= length) return b < length || a < b;
    return b < length && a > b;
  }
}

function equal(a: Data, b: Data): boolean {
  if (a === b) return true;
  // Bits are compared, so that −0 and 0 (and NaN payloads) stay apart.
  const x = new Uint8Array(a.buffer, a.byteOffset, a.byteLength);
  const y = new Uint8Array(b.buffer, b.byteOffset, b.byteLength);
  if (x.length !== y.length) return false;
  for (let k = 0; k < x.length; k++) if (x[k] !== y[k]) return false;
  return true;
}

function sample(data: Data): string {
  const step = Math.max(1, Math.floor(data.length / 16));
  let key = "";
  for (let k = 0; k < data.length; k += step) key += `${data[k]},`;
  return key;
}
