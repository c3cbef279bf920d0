/** Writes a `WasmModule` in the WebAssembly binary format (core specification 2.0, chapter 5). */
import {
  blockOps,
  type Instr,
  indexOps,
  laneMemoryOps,
  laneOps,
  memoryOps,
  plainOps,
  type ValType,
  type WasmFunction,
  type WasmModule,
} from "./opcodes.js";

const valTypes: Record<ValType, number> = { i32: 0x7f, i64: 0x7e, f64: 0x7c, v128: 0x7b };
const EMPTY_BLOCK = 0x40;
/** The limit of a 32-bit memory, in pages of 64 KiB. */
export const MAX_PAGES = 65536;

/** A growing byte buffer with the format's number encodings. */
class Bytes {
  #data = new Uint8Array(1024);
  #view = new DataView(this.#data.buffer);
  #length = 0;

  #reserve(count: number): void {
    if (this.#length + count <= this.#data.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#data.length, this.#length + count));
    grown.set(this.#data);
    this.#data = grown;
    this.#view = new DataView(grown.buffer);
  }
  byte(value: number): void {
    this.#reserve(1);
    this.#data[this.#length++] = value;
  }
  /** Unsigned LEB128, up to 32 bits. */
  unsigned(value: number): void {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }
  /** Signed LEB128 of an i32. */
  signed(value: number): void {
    let rest = value | 0;
    for (;;) {
      const low = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && low < 0x40) || (rest === -1 && low >= 0x40)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }
  /** Signed LEB128 of an i64. */
  signed64(value: bigint): void {
    let rest = BigInt.asIntN(64, value);
    for (;;) {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      if ((rest === 0n && low < 0x40) || (rest === -1n && low >= 0x40)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }
  f64(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }
  name(text: string): void {
    const encoded = new TextEncoder().encode(text);
    this.unsigned(encoded.length);
    this.append(encoded);
  }
  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#data.set(bytes, this.#length);
    this.#length += bytes.length;
  }
  code(code: number | readonly [number, number]): void {
    if (typeof code === "number") {
      this.byte(code);
      return;
    }
    this.byte(code[0]);
    this.unsigned(code[1]);
  }
  taken(): Uint8Array<ArrayBuffer> {
    return this.#data.slice(0, this.#length);
  }
}

/** The bytes of a module: types, imports, functions, exports, code, and function names. */
export function encodeModule(module: WasmModule): Uint8Array<ArrayBuffer> {
  const out = new Bytes();
  out.append(Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00));
  const { signatures, typeOf } = collectSignatures(module.functions);

  section(out, 1, (body) => {
    body.unsigned(signatures.length);
    for (const { params, result } of signatures) {
      body.byte(0x60);
      body.unsigned(params.length);
      for (const type of params) body.byte(valTypes[type]);
      body.unsigned(result === undefined ? 0 : 1);
      if (result !== undefined) body.byte(valTypes[result]);
    }
  });
  section(out, 2, (body) => {
    body.unsigned(2);
    body.name("env");
    body.name("memory");
    body.byte(0x02);
    body.byte(module.sharedMemory ? 0x03 : 0x01);
    body.unsigned(1);
    body.unsigned(MAX_PAGES);
    body.name("env");
    body.name("base");
    body.byte(0x03);
    body.byte(valTypes.i32);
    body.byte(0x00); // immutable
  });
  section(out, 3, (body) => {
    body.unsigned(module.functions.length);
    for (const fn of module.functions) body.unsigned(typeOf(fn));
  });
  section(out, 7, (body) => {
    const exported = [...module.functions.entries()].filter(([, fn]) => fn.exported);
    body.unsigned(exported.length);
    for (const [index, fn] of exported) {
      body.name(fn.name);
      body.byte(0x00);
      body.unsigned(index);
    }
  });
  section(out, 10, (body) => {
    body.unsigned(module.functions.length);
    for (const fn of module.functions) {
      const code = encodeBody(fn);
      body.unsigned(code.length);
      body.append(code);
    }
  });
  section(out, 0, (body) => {
    body.name("name");
    const names = new Bytes();
    names.unsigned(module.functions.length);
    for (const [index, fn] of module.functions.entries()) {
      names.unsigned(index);
      names.name(fn.name);
    }
    body.byte(1); // function names
    const bytes = names.taken();
    body.unsigned(bytes.length);
    body.append(bytes);
  });
  return out.taken();
}

function section(out: Bytes, id: number, write: (body: Bytes) => void): void {
  const body = new Bytes();
  write(body);
  const bytes = body.taken();
  out.byte(id);
  out.unsigned(bytes.length);
  out.append(bytes);
}

function signatureKey(fn: WasmFunction): string {
  return `${fn.params.join(",")}>${fn.result ?? ""}`;
}

function collectSignatures(functions: readonly WasmFunction[]) {
  const indices = new Map<string, number>();
  const signatures: WasmFunction[] = [];
  for (const fn of functions) {
    const key = signatureKey(fn);
    if (indices.has(key)) continue;
    indices.set(key, signatures.length);
    signatures.push(fn);
  }
  return { signatures, typeOf: (fn: WasmFunction) => indices.get(signatureKey(fn))! };
}

function encodeBody(fn: WasmFunction): Uint8Array {
  const out = new Bytes();
  const runs: { type: ValType; count: number }[] = [];
  for (const type of fn.locals) {
    const last = runs.at(-1);
    if (last?.type === type) last.count += 1;
    else runs.push({ type, count: 1 });
  }
  out.unsigned(runs.length);
  for (const { type, count } of runs) {
    out.unsigned(count);
    out.byte(valTypes[type]);
  }
  for (const instr of fn.code) encodeInstr(out, instr);
  out.byte(plainOps.end);
  return out.taken();
}

function encodeInstr(out: Bytes, instr: Instr): void {
  if ("index" in instr) {
    out.code(indexOps[instr.op]);
    out.unsigned(instr.index);
  } else if ("value" in instr) {
    switch (instr.op) {
      case "i32.const":
        out.byte(0x41);
        out.signed(instr.value);
        return;
      case "i64.const":
        out.byte(0x42);
        out.signed64(instr.value);
        return;
      case "f64.const":
        out.byte(0x44);
        out.f64(instr.value);
        return;
    }
  } else if ("offset" in instr) {
    const [code, align] = "lane" in instr ? laneMemoryOps[instr.op] : memoryOps[instr.op];
    out.code(code);
    out.unsigned(align);
    out.unsigned(instr.offset);
    if ("lane" in instr) out.byte(instr.lane);
  } else if ("lane" in instr) {
    out.code(laneOps[instr.op]);
    out.byte(instr.lane);
  } else if (instr.op === "block" || instr.op === "loop" || instr.op === "if") {
    out.byte(blockOps[instr.op]);
    out.byte(instr.result === undefined ? EMPTY_BLOCK : valTypes[instr.result]);
  } else {
    out.code(plainOps[instr.op]);
  }
}
