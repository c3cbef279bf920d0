/** A helper's thread: takes iterations of concurrent loops until it is sent home. */
import { workerData } from "node:worker_threads";
import { instantiate } from "../device/cpu/compile.js";
import { reportFailure, SERVE } from "../device/cpu/pool.js";
import type { HelperJob } from "./helpers.js";

const { program, memory } = workerData as HelperJob;
const instance = instantiate(program, memory, 0, { fresh: false });
try {
  instance.call(SERVE);
} catch (error) {
  // The run waits in WebAssembly, where no event of this thread reaches it.
  reportFailure(instance);
  throw error;
}
