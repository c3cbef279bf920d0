/** What the engine that runs this process can do. */
import { encodeModule } from "./encode.js";
import type { Instr } from "./opcodes.js";

function probe(op: Instr): boolean {
  const zero: readonly Instr[] = [{ op: "f64.const", value: 0 }, { op: "f64x2.splat" }];
  const code: Instr[] = [...zero, ...zero, ...zero, op, { op: "drop" }];
  const fn = { name: "probe", params: [], locals: [], code, exported: false };
  return WebAssembly.validate(encodeModule({ functions: [fn], sharedMemory: false }));
}

/** Whether the engine has fused multiplication and addition of lanes (relaxed SIMD). */
export const engineFuses: boolean = probe({ op: "f64x2.relaxed_madd" });
