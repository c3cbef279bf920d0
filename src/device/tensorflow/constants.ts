/** Constants that are too large for the text of a graph: variables that are set once. */
import type { ConstNode } from "../../tensor/ops.js";
import type { RealType } from "./graph/maths.js";
import type { Scope } from "./graph/scope.js";
import type { KeepConstant } from "./lower/block.js";
import type { Session } from "./session.js";
import { event, Variable } from "./variables.js";

/** Elements from which on a constant is a variable: a graph has at most 2 GiB. */
const MANY = 1 << 14;
const SET = "constants_set";

export class KeptConstants {
  readonly #kept = new Map<ConstNode, Variable>();

  constructor(
    readonly scope: Scope,
    readonly real: RealType,
  ) {}

  readonly keep: KeepConstant = (n) => {
    if (n.data.length < MANY || n.data.every((v) => Object.is(v, n.data[0]))) return undefined;
    const known = this.#kept.get(n);
    if (known !== undefined) return known.read();
    const made = new Variable(this.scope, `data_${this.#kept.size}`, this.real, n.shape);
    this.#kept.set(n, made);
    return made.read();
  };

  /** Ends the graph's part: from here on no constant is new. */
  finish(): void {
    const done = [...this.#kept.values()].map((v) => v.settable());
    if (done.length > 0) event(this.scope, SET, done);
  }

  /** Sends the numbers, all in one call. */
  load(session: Session): void {
    if (this.#kept.size === 0) return;
    const feeds = [...this.#kept].map(([n, variable]) => variable.feed(n.data));
    session.run("sending the data", feeds, [SET]);
  }
}
