/** Inference for a session, in a thread of its own where the sources are built. */
import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { type Diagnostic, diagnostic, TildeError } from "../../base/diagnostic.js";
import { InternalError } from "../../base/internal.js";
import type { DpPlan } from "../../inference/dp/model/dp-plan.js";
import { planDp } from "../../inference/dp/model/plan.js";
import type { DataSet } from "../../model/data.js";
import type { Model } from "../../model/ir.js";
import type { Declared } from "../compile.js";
import { makeInstance } from "../gibbs-chain.js";
import { inferRaw } from "../infer.js";
import type { Method } from "../methods.js";
import type { InferOptions } from "../options.js";
import { Posterior } from "../posterior.js";
import { partitionsOfChains, wholeOf } from "../process-fit.js";
import type { FitData } from "../results/fit.js";
import type { SessionProgress } from "../session.js";

/** Options that survive `postMessage`. */
export type PlainOptions = Pick<InferOptions, "seed" | "threads" | "relabel"> & {
  readonly method: Method;
};
/** A model with what the session declares beside it: methods that learn look there. */
export interface Task {
  readonly model: Model;
  readonly declared: Declared;
  readonly values: DataSet;
}
export type InferenceRequest =
  | {
      readonly kind: "run";
      readonly task: Task;
      readonly options: PlainOptions;
    }
  | { readonly kind: "stop" };
export type InferenceAnswer =
  | { readonly kind: "progress"; readonly progress: SessionProgress }
  | { readonly kind: "done"; readonly fit: SentFit }
  | { readonly kind: "failed"; readonly diagnostics: readonly Diagnostic[] }
  | { readonly kind: "broken"; readonly message: string };

/** A fit that can leave its thread: plans of processes hold functions. */
export type SentFit = Omit<FitData, "process"> & {
  readonly process?: Omit<NonNullable<FitData["process"]>, "plan" | "partitions"> & {
    readonly planned: Pick<DpPlan, "conditioned" | "methodName">;
  };
};

export function sent(fit: FitData): SentFit {
  const { process, ...all } = fit;
  if (process === undefined) return all;
  // Its variables and partitions read the chains' draws by functions, which are made anew too.
  const { whole, ...rest } = all;
  const { plan, partitions, ...plain } = process;
  const { conditioned, methodName } = plan;
  return { ...rest, process: { ...plain, planned: { conditioned, methodName } } };
}

/** The plan is made anew: it depends on the model and its data alone. */
function received(fit: SentFit): FitData {
  const { process, ...rest } = fit;
  if (process === undefined) return rest;
  const { planned, ...plain } = process;
  const plan = planDp(planned.conditioned, makeInstance, planned.methodName);
  const draws = rest.chains[0]?.draws ?? 0;
  const whole = wholeOf(plan, plain.chains, draws);
  const partitions = partitionsOfChains(plan, plain.chains, draws);
  return { ...rest, whole, process: { ...plain, plan, partitions } };
}

/** How a run is watched and stopped. */
export interface Watch {
  /** Ends a run; of chains the draws so far are kept. */
  readonly stop?: AbortSignal;
  /** Ends it at once, with nothing. */
  readonly kill?: AbortSignal;
  readonly onProgress?: (progress: SessionProgress) => void;
}

const workerUrl = new URL("./inference-worker.js", import.meta.url);

/** One thread, started by the first run and kept for those that follow. */
export class InferenceThread {
  #worker: Worker | undefined;

  /** @throws TildeError where the model or its data are refused, or the run was ended */
  async run(task: Task, options: PlainOptions, watch: Watch): Promise<Posterior> {
    if (!existsSync(workerUrl)) {
      // The sources run without a build: then this thread does all.
      const raw = { values: task.values, problems: new Map() };
      const { stop: signal, onProgress } = watch;
      return await inferRaw(task.model, raw, { ...options, signal, onProgress }, task.declared);
    }
    return new Posterior(received(await this.#inThread({ kind: "run", task, options }, watch)));
  }

  close(): void {
    void this.#worker?.terminate();
    this.#worker = undefined;
  }

  #inThread(request: Extract<InferenceRequest, { kind: "run" }>, watch: Watch): Promise<SentFit> {
    const worker = this.#worker ?? new Worker(workerUrl, { execArgv: [] });
    this.#worker = worker;
    const { method } = request.options;
    const listens = "chains" in method || method.method === "svi" || method.method === "nce";
    return new Promise<SentFit>((resolve, reject) => {
      const kill = (): void => {
        this.close();
        const what = `inference of \`${request.task.model.name}\``;
        finish(() => reject(new TildeError([diagnostic("session_stopped", undefined, { what })])));
      };
      // Methods of one piece do not look at messages while they work.
      const stop = (): void => {
        if (listens) worker.postMessage({ kind: "stop" } satisfies InferenceRequest);
        else kill();
      };
      const receive = (answer: InferenceAnswer): void => {
        switch (answer.kind) {
          case "progress":
            watch.onProgress?.(answer.progress);
            return;
          case "done":
            finish(() => resolve(answer.fit));
            return;
          case "failed":
            finish(() => reject(new TildeError(answer.diagnostics)));
            return;
          case "broken":
            finish(() => reject(new InternalError(answer.message)));
        }
      };
      const crash = (error: Error): void => {
        this.#worker = undefined;
        finish(() => reject(new InternalError("the inference thread failed", { cause: error })));
      };
      const finish = (settle: () => void): void => {
        worker.off("message", receive);
        worker.off("error", crash);
        watch.stop?.removeEventListener("abort", stop);
        watch.kill?.removeEventListener("abort", kill);
        // An idle thread must not keep the process alive.
        worker.unref();
        settle();
      };
      worker.ref();
      worker.on("message", receive);
      worker.on("error", crash);
      watch.stop?.addEventListener("abort", stop);
      watch.kill?.addEventListener("abort", kill);
      worker.postMessage(request);
    });
  }
}
