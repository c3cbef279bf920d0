/** A helper's thread: takes iterations of concurrent loops until it is sent home. */
import { workerData } from "node:worker_threads";
import { instantiate } from "../device/cpu/compile.js";
import { SERVE } from "../device/cpu/pool.js";
import type { HelperJob } from "./helpers.js";

const { program, memory } = workerData as HelperJob;
instantiate(program, memory, 0, { fresh: false }).call(SERVE);
