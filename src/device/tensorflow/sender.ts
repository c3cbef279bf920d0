/**
 * Numbers on their way to variables. Every set of names that a session is asked for costs TensorFlow
 * 15 ms once, whatever it computes: so what is given waits for the next call, and the first time all
 * variables are set at once.
 */
import { sizeOf } from "../../tensor/shape-rules.js";
import type { Scope } from "./graph/scope.js";
import type { Feed, Session } from "./session.js";
import { event, type Variable } from "./variables.js";

const ALL = "all_set";

export class Sender {
  readonly #scope: Scope;
  readonly #done = new Map<Variable, string>();
  readonly #waiting = new Map<Variable, Feed>();
  #isFresh = true;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /** A variable that is set from here; what is never given is 0. */
  add(variable: Variable): void {
    this.#done.set(variable, variable.settable());
  }

  /** Ends the graph's part: from here on no variable is new. */
  finish(): void {
    if (this.#done.size > 0) event(this.#scope, ALL, [...this.#done.values()]);
  }

  /** Keeps a copy of the numbers for the next `flush`. */
  give(variable: Variable, data: ArrayLike<number>): void {
    this.#waiting.set(variable, variable.feed(data));
  }

  /** Sends what waits. @throws TildeError `tensorflow_memory`, `tensorflow_failed` */
  flush(session: Session): void {
    const variables = [...this.#done.keys()];
    if (variables.length === 0) return;
    if (this.#isFresh) {
      for (const v of variables) {
        if (!this.#waiting.has(v)) this.give(v, new Float64Array(sizeOf(v.shape)));
      }
      this.#isFresh = false;
    }
    const sent = [...this.#waiting];
    this.#waiting.clear();
    if (sent.length === variables.length) {
      const numbers = variables.reduce((n, v) => n + sizeOf(v.shape), 0);
      session.run(
        `sending ${numbers} numbers`,
        sent.map(([, feed]) => feed),
        [ALL],
      );
      return;
    }
    for (const [{ name, shape }, feed] of sent) {
      session.run(`sending ${sizeOf(shape)} numbers`, [feed], [`${name}_set`]);
    }
  }
}
