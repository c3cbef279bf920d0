/** A worker thread: takes chains of the job it is started with and posts what happens. */
import { parentPort, workerData } from "node:worker_threads";
import { type ChainJob, type GibbsRunner, takeChains } from "./chains.js";

/** Progress is posted at most this often. */
const INTERVAL_MS = 50;

const job = workerData as ChainJob;

/** Each thread plans a Gibbs sampler for itself. */
async function gibbsOf({ work }: ChainJob): Promise<GibbsRunner | undefined> {
  if (work.kind !== "gibbs") return undefined;
  const { gibbsRunner, readyGibbs } = await import("./gibbs-chain.js");
  return gibbsRunner(readyGibbs(work.conditioned, work.options), work.options);
}

const gibbs = await gibbsOf(job);
let last = 0;
for (const event of takeChains(job, gibbs)) {
  if (event.kind === "progress") {
    const now = performance.now();
    if (now - last < INTERVAL_MS) continue;
    last = now;
  }
  parentPort?.postMessage(event);
}
