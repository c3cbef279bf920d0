/**
 * What a loop keeps between its calls. Every set of names that a session is asked for costs TensorFlow
 * 15 ms once, whatever it computes: so small inputs go along with each call, and the small parts of
 * the state are set and read all at once.
 */
import { assertNever, internalError } from "../../base/internal.js";
import type { Shape } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import type { RealType } from "./graph/maths.js";
import type { Scope, Tensor } from "./graph/scope.js";
import { intAttr } from "./graph/types.js";
import { reshape, sized } from "./lower/value.js";
import { encodeReals, type Feed, type Session, wireOf } from "./session.js";
import { event, realInput, realOutput, Variable } from "./variables.js";

/** Elements of an input from which on it stays on the device. */
const MANY = 1 << 14;
/** Elements of a part of the state from which on it is set and read by itself. */
const LARGE = 1 << 16;

/** An input that no step changes and that goes along with each call. */
interface Fed {
  readonly kind: "fed";
  feed: Feed;
  data: Float64Array;
}
/** A variable that is set and read by itself. */
interface Own {
  readonly kind: "own";
  readonly variable: Variable;
}
/** A part of the state that is set and read with others. */
interface Shared {
  readonly kind: "shared";
  readonly variable: Variable;
  /** First element among all. */
  readonly start: number;
}
type Place = (Fed | Own | Shared) & { readonly length: number };

const GROUP = "state";

export class Store {
  readonly #places = new Map<string, Place>();
  /** Shared parts that were given since the last call. */
  readonly #pending = new Map<string, Float64Array>();
  /** Variables of their own that were never given. */
  readonly #unset = new Set<string>();
  #sharedLength = 0;
  #isFresh = true;

  constructor(
    readonly scope: Scope,
    readonly real: RealType,
  ) {}

  /** An input that no step changes; its value in a call. */
  fixed(name: string, id: string, shape: Shape): Tensor {
    const { scope, real } = this;
    const length = sizeOf(shape);
    if (length < MANY) {
      const data = new Float64Array(length);
      const feed = { name: id, shape, type: wireOf(real), data: encodeReals(data, real) };
      this.#places.set(name, { kind: "fed", feed, data, length });
      return realInput(scope, id, real, shape);
    }
    return this.#own(name, id, shape).read();
  }

  /** A part of the state. */
  state(name: string, id: string, shape: Shape): Variable {
    const length = sizeOf(shape);
    if (length >= LARGE) return this.#own(name, id, shape);
    const variable = new Variable(this.scope, id, this.real, shape);
    this.#places.set(name, { kind: "shared", variable, start: this.#sharedLength, length });
    this.#sharedLength += length;
    return variable;
  }

  #own(name: string, id: string, shape: Shape): Variable {
    const variable = new Variable(this.scope, id, this.real, shape);
    variable.settable();
    variable.expose(`${id}_now`);
    this.#places.set(name, { kind: "own", variable, length: sizeOf(shape) });
    this.#unset.add(name);
    return variable;
  }

  /** Ends the graph's part. */
  finish(): void {
    const shared = this.#shared();
    if (shared.length === 0) return;
    const { scope, real } = this;
    const all = realInput(scope, `${GROUP}_new`, real, [this.#sharedLength]);
    const done = shared.map(({ variable, start, length }) => {
      const inputs = [all, scope.ints([start]), scope.ints([length])];
      const part = scope.op("Slice", inputs, real, { attrs: sized(real, "Index") });
      return variable.assign(reshape(part, variable.shape));
    });
    event(scope, `${GROUP}_set`, done);
    const parts = shared.map(({ variable }) => reshape(variable.read(), [-1]));
    const attrs = { N: intAttr(parts.length), ...sized(real, "Tidx") };
    const joined =
      parts.length === 1
        ? parts[0]
        : scope.op("ConcatV2", [...parts, scope.ints(0)], real, { attrs });
    realOutput(scope, `${GROUP}_now`, joined);
  }

  #shared(): (Shared & { readonly length: number })[] {
    return [...this.#places.values()].flatMap((p) => (p.kind === "shared" ? [p] : []));
  }

  place(name: string): Place {
    return this.#places.get(name) ?? internalError(`no variable input ${name}`);
  }

  /** Gives values. Large ones are sent at once, others with the next call. */
  set(session: Session, name: string, data: ArrayLike<number>): void {
    const place = this.place(name);
    if (data.length !== place.length) internalError(`input ${name} needs ${place.length} values`);
    switch (place.kind) {
      case "fed":
        place.data = Float64Array.from(data);
        place.feed = { ...place.feed, data: encodeReals(data, this.real) };
        return;
      case "own":
        place.variable.set(session, data);
        this.#unset.delete(name);
        return;
      case "shared":
        this.#pending.set(name, Float64Array.from(data));
        return;
      default:
        assertNever(place, "set");
    }
  }

  /** Sends what was given; what never was is 0. */
  flush(session: Session): void {
    for (const name of this.#unset) {
      this.set(session, name, new Float64Array(this.place(name).length));
    }
    const shared = this.#shared();
    if (shared.length === 0 || (this.#pending.size === 0 && !this.#isFresh)) return;
    const isWhole = this.#pending.size === shared.length || this.#isFresh;
    const all = isWhole ? new Float64Array(this.#sharedLength) : this.#readShared(session);
    for (const [name, data] of this.#pending) {
      const place = this.place(name);
      if (place.kind === "shared") all.set(data, place.start);
    }
    const feed: Feed = {
      name: `${GROUP}_new`,
      shape: [this.#sharedLength],
      type: wireOf(this.real),
      data: encodeReals(all, this.real),
    };
    session.run(`setting ${this.#sharedLength} numbers`, [feed], [`${GROUP}_set`]);
    this.#pending.clear();
    this.#isFresh = false;
  }

  /** What goes along with a call. */
  feeds(): Feed[] {
    return [...this.#places.values()].flatMap((p) => (p.kind === "fed" ? [p.feed] : []));
  }

  #readShared(session: Session): Float64Array {
    return session.run("reading the state", [], [`${GROUP}_now`])[0];
  }

  /** The values of inputs and state, by name. */
  read(session: Session, names: readonly string[]): Record<string, Float64Array> {
    this.flush(session);
    let all: Float64Array | undefined;
    const values = names.map((name): [string, Float64Array] => {
      const place = this.place(name);
      switch (place.kind) {
        case "fed":
          return [name, place.data.slice()];
        case "own":
          return [name, session.run("reading results", [], [`${place.variable.name}_now`])[0]];
        default:
          all ??= this.#readShared(session);
          return [name, all.slice(place.start, place.start + place.length)];
      }
    });
    return Object.fromEntries(values);
  }
}
