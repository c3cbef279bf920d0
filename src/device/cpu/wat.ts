/** The emitted module as WebAssembly text, for `--dump wat`: one instruction a line, indented. */
import type { Instr, ValType, WasmFunction, WasmModule } from "./opcodes.js";
import { laneMemoryOps, memoryOps } from "./opcodes.js";

/** Text in the linear form of the format; assemblers read it. */
export function printWat(module: WasmModule): string {
  const shared = module.sharedMemory ? " 65536 shared" : " 65536";
  const lines = [
    "(module",
    `  (import "env" "memory" (memory 1${shared}))`,
    '  (import "env" "base" (global $base i32))',
  ];
  for (const fn of module.functions) lines.push(...printFunction(module, fn));
  lines.push(")");
  return `${lines.join("\n")}\n`;
}

function printFunction(module: WasmModule, fn: WasmFunction): string[] {
  const exported = fn.exported ? ` (export "${fn.name}")` : "";
  const params = group("param", fn.params);
  const result = fn.result === undefined ? "" : ` (result ${fn.result})`;
  const lines = [`  (func $${fn.name}${exported}${params}${result}`];
  if (fn.locals.length > 0) lines.push(`   ${group("local", fn.locals)}`);
  let depth = 2;
  for (const instr of fn.code) {
    if (instr.op === "end" || instr.op === "else") depth -= 1;
    lines.push(`${"  ".repeat(depth)}${printInstr(module, instr)}`);
    if (instr.op === "else" || instr.op === "block" || instr.op === "loop" || instr.op === "if") {
      depth += 1;
    }
  }
  lines.push("  )");
  return lines;
}

function group(word: string, types: readonly ValType[]): string {
  return types.length === 0 ? "" : ` (${word} ${types.join(" ")})`;
}

function printInstr(module: WasmModule, instr: Instr): string {
  if ("index" in instr) {
    if (instr.op === "call") return `call $${module.functions[instr.index].name}`;
    if (instr.op === "global.get") return "global.get $base";
    return `${instr.op} ${instr.index}`;
  }
  if ("value" in instr) return `${instr.op} ${printNumber(instr.value)}`;
  if ("offset" in instr) {
    const [, align] = "lane" in instr ? laneMemoryOps[instr.op] : memoryOps[instr.op];
    const lane = "lane" in instr ? ` ${instr.lane}` : "";
    return `${instr.op} offset=${instr.offset} align=${2 ** align}${lane}`;
  }
  if ("lane" in instr) return `${instr.op} ${instr.lane}`;
  if ("result" in instr && instr.result !== undefined)
    return `${instr.op} (result ${instr.result})`;
  return instr.op;
}

function printNumber(value: number | bigint): string {
  if (typeof value === "bigint") return String(value);
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return Object.is(value, -0) ? "-0" : String(value);
}
