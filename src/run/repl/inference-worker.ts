/**
 * The thread that a session's inferences run in: the prompt stays free to see Ctrl-C, and a method
 * that cannot be asked to stop is stopped by ending the thread.
 */
import { parentPort } from "node:worker_threads";
import { TildeError } from "../../base/diagnostic.js";
import { inferRaw } from "../infer.js";
import type { SessionProgress } from "../session.js";
import { type InferenceAnswer, type InferenceRequest, sent } from "./inference.js";

/** Progress is posted at most this often. */
const INTERVAL_MS = 50;
let stop = new AbortController();

function post(answer: InferenceAnswer): void {
  parentPort?.postMessage(answer);
}

async function run(request: Extract<InferenceRequest, { kind: "run" }>): Promise<void> {
  stop = new AbortController();
  let last = 0;
  const onProgress = (progress: SessionProgress): void => {
    const now = performance.now();
    if (now - last < INTERVAL_MS) return;
    last = now;
    post({ kind: "progress", progress });
  };
  try {
    const { task, options } = request;
    const { model, values, declared } = task;
    const raw = { values, problems: new Map() };
    const watched = { ...options, signal: stop.signal, onProgress };
    const posterior = await inferRaw(model, raw, watched, declared);
    post({ kind: "done", fit: sent(posterior.fit) });
  } catch (error) {
    if (error instanceof TildeError) post({ kind: "failed", diagnostics: error.diagnostics });
    else post({ kind: "broken", message: error instanceof Error ? error.message : String(error) });
  }
}

parentPort?.on("message", (request: InferenceRequest) => {
  if (request.kind === "stop") stop.abort();
  else void run(request);
});
