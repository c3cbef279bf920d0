/**
 * Ways in and out of a graph: placeholders, results, and variables that stay on the device between
 * calls.
 */
import type { Shape } from "../../tensor/ops.js";
import { bitcast, type RealType } from "./graph/maths.js";
import type { Scope, Tensor } from "./graph/scope.js";
import { type Attrs, type TfType, typeAttr } from "./graph/types.js";
import { encodeReals, type Feed, type WireType, wireOf } from "./session.js";

const typedAs = (type: TfType, shape: Shape): Attrs => ({
  dtype: typeAttr(type),
  shape: { kind: "shape", value: shape },
});

/** A placeholder of a wire type. */
export function placeholder(scope: Scope, name: string, type: WireType, shape: Shape): Tensor {
  return scope.op("Placeholder", [], type, { name, attrs: typedAs(type, shape) });
}

/** Real numbers that are fed. */
export function realInput(scope: Scope, name: string, real: RealType, shape: Shape): Tensor {
  const wire = placeholder(scope, name, wireOf(real), shape);
  return real === "double" ? bitcast(wire, "double") : wire;
}

/** Names a result of real numbers that can be fetched, after the nodes `after`. */
export function realOutput(
  scope: Scope,
  name: string,
  t: Tensor,
  after: readonly string[] = [],
): void {
  const wire = t.type === "double" ? bitcast(t, "int64") : t;
  scope.op("Identity", [wire], wire.type, { name, after, attrs: { T: typeAttr(wire.type) } });
}

/** A node that can be fetched for what happens before it. */
export function event(scope: Scope, name: string, after: readonly string[]): void {
  scope.op("Identity", [scope.constant("float", [0])], "float", {
    name,
    after,
    attrs: { T: typeAttr("float") },
  });
}

/** A variable of real numbers: its own placeholder sets it. */
export class Variable {
  readonly #resource: Tensor;
  #value: Tensor | undefined;

  constructor(
    readonly scope: Scope,
    /** Of letters, digits and `_`. */
    readonly name: string,
    readonly real: RealType,
    readonly shape: Shape,
  ) {
    const attrs: Attrs = {
      ...typedAs(real, shape),
      shared_name: { kind: "text", value: name },
      container: { kind: "text", value: "" },
    };
    this.#resource = scope.op("VarHandleOp", [], "resource", { name, attrs });
  }

  /** Makes it one that can be set by itself; the name of the node that does. */
  settable(): string {
    const { scope, name, real, shape } = this;
    const done = this.assign(realInput(scope, `${name}_new`, real, shape));
    event(scope, `${name}_set`, [done]);
    return done;
  }

  /** The value before the call. */
  read(): Tensor {
    this.#value ??= this.scope.op("ReadVariableOp", [this.#resource], this.real, {
      attrs: { dtype: typeAttr(this.real) },
    });
    return this.#value;
  }

  /** The variable itself, as operations in a scope take it that read or change parts of it. */
  handle(scope: Scope): Tensor {
    return scope.bring(this.#resource);
  }

  /** Sets the value; the name of the node that does. */
  assign(t: Tensor): string {
    const name = this.scope.library.name("assign");
    this.scope.ops("AssignVariableOp", [this.#resource, t], [], {
      name,
      attrs: { dtype: typeAttr(this.real) },
    });
    return name;
  }

  /** Makes the value one that can be fetched under this name. */
  expose(name: string): void {
    realOutput(this.scope, name, this.read());
  }

  /** What sets a variable that is settable. */
  feed(data: ArrayLike<number>): Feed {
    const { name, real, shape } = this;
    return { name: `${name}_new`, shape, type: wireOf(real), data: encodeReals(data, real) };
  }
}
