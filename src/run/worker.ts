/** A worker thread: takes chains of the job it is started with and posts what happens. */
import { parentPort, workerData } from "node:worker_threads";
import { type ChainJob, takeChains } from "./chains.js";

/** Progress is posted at most this often. */
const INTERVAL_MS = 50;

const job = workerData as ChainJob;
let last = 0;
for (const event of takeChains(job)) {
  if (event.kind === "progress") {
    const now = performance.now();
    if (now - last < INTERVAL_MS) continue;
    last = now;
  }
  parentPort?.postMessage(event);
}
