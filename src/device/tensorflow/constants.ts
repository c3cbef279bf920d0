/** Constants that are too large for the text of a graph: variables that are set once. */
import type { ConstNode } from "../../tensor/ops.js";
import type { RealType } from "./graph/maths.js";
import type { Scope } from "./graph/scope.js";
import type { KeepConstant } from "./lower/block.js";
import type { Session } from "./session.js";
import { Variable } from "./variables.js";

/** Elements from which on a constant is a variable: a graph has at most 2 GiB. */
const MANY = 1 << 14;

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

  /** Sends the numbers. */
  load(session: Session): void {
    for (const [n, variable] of this.#kept) variable.set(session, n.data);
  }
}
