/**
 * What a loop keeps between its calls. Small inputs and small parts of the state are held here and go
 * along with each call as one vector, and the state comes back with its results; large ones stay on
 * the device as variables.
 */
import { assertNever, internalError } from "../../base/internal.js";
import type { Shape } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import { bitcast, type RealType, typed } from "./graph/maths.js";
import type { Scope, Tensor } from "./graph/scope.js";
import { intAttr, typeAttr } from "./graph/types.js";
import { asVector, reshape } from "./lower/value.js";
import type { Sender } from "./sender.js";
import { encodeReals, type Feed, type Session, wireOf } from "./session.js";
import { placeholder, Variable } from "./variables.js";

/** Elements of an input or of a part of the state from which on it stays on the device. */
const MANY = 1 << 14;
const GIVEN = "given";

/** Goes along with each call, from element `start` of the vector on. */
interface Held {
  readonly kind: "held";
  readonly start: number;
}
/** A variable that is set and read by itself. */
interface Own {
  readonly kind: "own";
  readonly variable: Variable;
}
type Place = (Held | Own) & {
  readonly name: string;
  readonly shape: Shape;
  readonly length: number;
  readonly isState: boolean;
};

export class Store {
  readonly #places = new Map<string, Place>();
  readonly #scope: Scope;
  readonly #real: RealType;
  readonly #sender: Sender;
  #heldLength = 0;
  #held: Float64Array | undefined;

  constructor(scope: Scope, real: RealType, sender: Sender) {
    this.#scope = scope;
    this.#real = real;
    this.#sender = sender;
  }

  /** An input; `isState`: one that steps change. `id` names its nodes. */
  add(name: string, id: string, shape: Shape, isState: boolean): void {
    const length = sizeOf(shape);
    const common = { name, shape, length, isState };
    if (length < MANY) {
      this.#places.set(name, { ...common, kind: "held", start: this.#heldLength });
      this.#heldLength += length;
      return;
    }
    const variable = new Variable(this.#scope, id, this.#real, shape);
    this.#sender.add(variable);
    variable.expose(`${id}_now`);
    this.#places.set(name, { ...common, kind: "own", variable });
  }

  #heldPlaces(): (Held & Place)[] {
    return [...this.#places.values()].flatMap((p) => (p.kind === "held" ? [p] : []));
  }

  /** The vector that goes along with a call, for `values`; undefined where there is nothing small. */
  placeholder(): Tensor | undefined {
    if (this.#heldLength === 0) return undefined;
    return placeholder(this.#scope, GIVEN, wireOf(this.#real), [this.#heldLength]);
  }

  /** The values at the beginning of a call, as a scope reads them. */
  values(scope: Scope, given: Tensor | undefined): Map<string, Tensor> {
    const values = new Map<string, Tensor>();
    for (const p of this.#places.values()) {
      if (p.kind === "own") values.set(p.name, p.variable.read());
    }
    const held = this.#heldPlaces();
    if (given === undefined) return values;
    const real = this.#real;
    const all = real === "double" ? bitcast(scope.bring(given), "double") : scope.bring(given);
    const parts = scope.ops(
      "SplitV",
      [all, scope.ints(held.map((p) => p.length)), scope.ints(0)],
      held.map(() => real),
      { attrs: { ...typed(real), num_split: intAttr(held.length), Tlen: typeAttr("int32") } },
    );
    held.forEach((p, k) => {
      values.set(p.name, p.shape.length === 1 ? parts[k] : reshape(parts[k], p.shape));
    });
    return values;
  }

  /** The small parts of the next state, of `next` by name, as one vector; none where there are none. */
  joined(scope: Scope, next: ReadonlyMap<string, Tensor>): readonly Tensor[] {
    const parts = this.#heldState().map(
      (p) => next.get(p.name) ?? internalError(`no next ${p.name}`),
    );
    return parts.length === 0 ? [] : [asVector(scope, parts, this.#real)];
  }

  #heldState(): (Held & Place)[] {
    return this.#heldPlaces().filter((p) => p.isState);
  }

  /** The variables of the state. */
  variables(): readonly { readonly name: string; readonly variable: Variable }[] {
    return [...this.#places.values()].flatMap((p) => (p.kind === "own" && p.isState ? [p] : []));
  }

  #place(name: string): Place {
    return this.#places.get(name) ?? internalError(`no variable input ${name}`);
  }
  #vector(): Float64Array {
    this.#held ??= new Float64Array(this.#heldLength);
    return this.#held;
  }

  /** Gives values, for the next call. */
  set(name: string, data: ArrayLike<number>): void {
    const place = this.#place(name);
    if (data.length !== place.length) internalError(`input ${name} needs ${place.length} values`);
    switch (place.kind) {
      case "held":
        this.#vector().set(data, place.start);
        return;
      case "own":
        this.#sender.give(place.variable, data);
        return;
      default:
        assertNever(place, "set");
    }
  }

  /** What goes along with a call. */
  feeds(): Feed[] {
    if (this.#heldLength === 0) return [];
    const [type, shape] = [wireOf(this.#real), [this.#heldLength]];
    return [{ name: GIVEN, shape, type, data: encodeReals(this.#vector(), this.#real) }];
  }

  /** Takes the small state that came back with a call. */
  take(joined: Float64Array): void {
    let from = 0;
    for (const { start, length } of this.#heldState()) {
      this.#vector().set(joined.subarray(from, from + length), start);
      from += length;
    }
  }

  /** The values of inputs and state, by name. */
  read(session: Session, names: readonly string[]): Record<string, Float64Array> {
    this.#sender.flush(session);
    const values = names.map((name): [string, Float64Array] => {
      const place = this.#place(name);
      if (place.kind === "held") {
        return [name, this.#vector().slice(place.start, place.start + place.length)];
      }
      return [name, session.run("reading results", [], [`${place.variable.name}_now`])[0]];
    });
    return Object.fromEntries(values);
  }
}
