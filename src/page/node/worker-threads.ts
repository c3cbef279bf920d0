/**
 * `node:worker_threads` in a page: a thread is a Web Worker that is sent what it starts with as its
 * first message, and says when it has come to its end.
 */

/** What goes between a page and a thread. */
type Letter =
  | { readonly kind: "start"; readonly workerData: unknown }
  | { readonly kind: "message"; readonly value: unknown }
  | { readonly kind: "exit" };

interface Listeners {
  message: (value: unknown) => void;
  error: (error: Error) => void;
  exit: (code: number) => void;
}

interface LetterEvent {
  readonly data: Letter;
}

/** What is used of the page's own `Worker`. */
interface WebWorker {
  onmessage: (event: LetterEvent) => void;
  onerror: (event: { readonly message: string }) => void;
  postMessage(letter: Letter): void;
  terminate(): void;
}
type WebWorkers = new (url: URL, options: { type: "module"; name: string }) => WebWorker;

interface Scope {
  readonly Worker: WebWorkers;
  readonly name?: string;
  postMessage(letter: Letter): void;
  addEventListener(
    name: "message",
    listener: (event: LetterEvent) => void,
    options: { readonly once: boolean },
  ): void;
}

const THREAD_NAME = "tilde-thread";

const here = globalThis as unknown as Scope;
/** The scope of a thread of ours; undefined in a page, and in a worker that the page has made. */
const scope = here.name === THREAD_NAME && !("document" in globalThis) ? here : undefined;

/** What a thread is started with; it waits for it as it begins. */
export const workerData: unknown =
  scope === undefined
    ? undefined
    : await new Promise((resolve) => {
        const receive = ({ data }: LetterEvent): void => {
          if (data.kind === "start") resolve(data.workerData);
        };
        scope.addEventListener("message", receive, { once: true });
      });

export const parentPort =
  scope === undefined
    ? null
    : { postMessage: (value: unknown): void => scope.postMessage({ kind: "message", value }) };

/** A thread calls it at its end. */
export function finished(): void {
  scope?.postMessage({ kind: "exit" });
}

export class Worker {
  readonly #worker: WebWorker;
  readonly #on: Partial<Listeners> = {};

  constructor(url: URL, options: { readonly workerData: unknown }) {
    this.#worker = new here.Worker(url, { type: "module", name: THREAD_NAME });
    this.#worker.onmessage = ({ data }: LetterEvent) => {
      if (data.kind === "message") this.#on.message?.(data.value);
      if (data.kind === "exit") this.#end(0);
    };
    this.#worker.onerror = ({ message }) => this.#on.error?.(new Error(message));
    this.#worker.postMessage({ kind: "start", workerData: options.workerData } satisfies Letter);
  }

  #end(code: number): void {
    this.#worker.terminate();
    this.#on.exit?.(code);
  }

  on<K extends keyof Listeners>(name: K, listener: Listeners[K]): void {
    this.#on[name] = listener;
  }

  async terminate(): Promise<void> {
    this.#end(1);
  }
}
