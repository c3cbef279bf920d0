/**
 * One run of a model's program: arrays of its variables, filled element by element. Elements have
 * an order of their own: one that is read before its statement is reached is made on demand.
 */
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import { type DataValue, elementCount, elementName, unravel } from "../../model/data.js";
import type { Frame, SlotValue, Tracked } from "./frame.js";
import type { DefiningLeaf, Leaf, ModelProgram, VariableShape } from "./model.js";

/** Bits of an element's state. */
const DEFINED = 1;
const VISITED = 2;
const RUNNING = 4;

/** The array of one variable; NaN where it has no value yet. */
export class Store implements Tracked {
  readonly dims: readonly number[];
  readonly data: Float64Array;
  readonly pending: NonNullable<Tracked["pending"]>;
  readonly state: Uint8Array;
  #left: number;

  constructor(
    readonly shape: VariableShape,
    need: (store: Store, element: number) => void,
  ) {
    this.dims = shape.dims;
    this.data = new Float64Array(elementCount(shape.dims)).fill(Number.NaN);
    this.state = new Uint8Array(elementCount(shape.batch));
    this.#left = this.state.length;
    this.pending = {
      remaining: () => this.#left,
      isDefined: (element) => (this.state[element] & DEFINED) !== 0,
      eventSize: shape.eventSize,
      need: (element) => need(this, element),
    };
  }

  get name(): string {
    return this.shape.variable.name;
  }
  /** The values of one element, to read or to fill. */
  event(element: number): Float64Array {
    const { eventSize } = this.shape;
    return this.data.subarray(element * eventSize, (element + 1) * eventSize);
  }
  setDefined(element: number): void {
    if ((this.state[element] & DEFINED) !== 0) return;
    this.state[element] |= DEFINED;
    this.#left--;
  }
  /** Forgets all values. */
  clear(): void {
    this.state.fill(0);
    this.#left = this.state.length;
  }
  elementName(element: number): string {
    return elementName(this.name, unravel(element, this.shape.batch));
  }
}

/** What a run does where an element has no value, and at statements that define none. */
export interface RunRules {
  /** Gives an element its value; it is written to `store.event(element)`. */
  readonly define: (leaf: DefiningLeaf, f: Frame, store: Store, element: number) => void;
  /** At each statement that is reached in the program's order, after its element has its value. */
  readonly reached: (leaf: Leaf, f: Frame, store: Store | undefined, element: number) => void;
}

/** Where an element's defining statement stands: the statement and its loop variables. */
interface Instance {
  readonly leaf: DefiningLeaf;
  readonly slots: readonly SlotValue[];
}

/** Runs of one program, one after another, over the same arrays. */
export class Runner {
  readonly stores: ReadonlyMap<string, Store>;
  readonly #slots: SlotValue[];
  #instances: Map<Store, Map<number, Instance>> | undefined;

  constructor(
    readonly program: ModelProgram,
    readonly rules: RunRules,
    /** Variables that the run leaves out: nothing that it computes reads them. */
    readonly skip: ReadonlySet<string> = new Set(),
  ) {
    const { conditioned, compiler, shapes } = program;
    const stores = new Map<string, Store>();
    const slots = new Array<SlotValue>(compiler.names.size).fill(undefined);
    const set = (name: string, value: SlotValue) => {
      slots[compiler.slot(name)] = value;
    };
    for (const [name, value] of conditioned.sizes) set(name, value);
    for (const [name, value] of conditioned.inputs) {
      set(name, value.dims.length === 0 ? value.data[0] : value);
    }
    for (const [name, shape] of shapes) {
      const store = new Store(shape, (s, element) => this.#need(s, element));
      stores.set(name, store);
      set(name, store);
    }
    this.stores = stores;
    this.#slots = slots;
  }

  /** Forgets the last run. */
  clear(): void {
    for (const store of this.stores.values()) store.clear();
  }

  /** Gives a variable its value; entries marked in `value.missing` are left open. */
  give(name: string, value: DataValue): void {
    const store = this.stores.get(name) ?? internalError(`no variable ${name}`);
    if (value.data.length !== store.data.length) {
      fail("size_mismatch_at_run", store.shape.variable.span, {
        left: `[${store.dims.join(", ")}]`,
        right: `[${value.dims.join(", ")}]`,
      });
    }
    store.data.set(value.data);
    const { eventSize } = store.shape;
    for (let i = 0; i < store.state.length; i++) {
      const gaps = value.missing?.subarray(i * eventSize, (i + 1) * eventSize);
      if (gaps?.includes(1) !== true) store.setDefined(i);
    }
  }

  /** Runs the program; every element of every variable has a value afterwards. */
  run(): void {
    const frame: Frame = { slots: this.#slots };
    this.program.run(frame, (leaf, f) => this.#visit(leaf, f));
    for (const store of this.stores.values()) {
      if (store.pending.remaining() === 0 || this.skip.has(store.name)) continue;
      const gap = store.state.findIndex((s) => (s & DEFINED) === 0);
      fail("element_undefined", store.shape.variable.span, { element: store.elementName(gap) });
    }
  }

  #visit(leaf: Leaf, f: Frame): void {
    if (leaf.kind === "observe" || leaf.kind === "factor") {
      this.rules.reached(leaf, f, undefined, 0);
      return;
    }
    if (this.skip.has(leaf.stmt.name)) return;
    const store = this.stores.get(leaf.stmt.name) ?? internalError(`no ${leaf.stmt.name}`);
    const element = leaf.element(f);
    if ((store.state[element] & VISITED) !== 0) {
      fail("element_defined_twice", leaf.stmt.span, { element: store.elementName(element) });
    }
    store.state[element] |= VISITED;
    if ((store.state[element] & DEFINED) === 0) this.#define(leaf, f, store, element);
    this.rules.reached(leaf, f, store, element);
  }

  #define(leaf: DefiningLeaf, f: Frame, store: Store, element: number): void {
    if ((store.state[element] & RUNNING) !== 0) {
      fail("definition_circular", leaf.stmt.span, { name: store.elementName(element) });
    }
    store.state[element] |= RUNNING;
    this.rules.define(leaf, f, store, element);
    store.state[element] &= ~RUNNING;
    store.setDefined(element);
  }

  /** Makes an element whose statement has not been reached yet. */
  #need(store: Store, element: number): void {
    this.#instances ??= this.#findInstances();
    const instance = this.#instances.get(store)?.get(element);
    if (instance === undefined) {
      fail("element_undefined", store.shape.variable.span, { element: store.elementName(element) });
    }
    // The statement runs at its own place: its loop variables, no local definitions yet.
    const slots = this.#slots.slice();
    this.program.inner.forEach((slot, k) => {
      slots[slot] = instance.slots[k];
    });
    this.#define(instance.leaf, { slots }, store, element);
  }

  /** Every element's statement. Loops and conditions are of inputs, so they do not change. */
  #findInstances(): Map<Store, Map<number, Instance>> {
    const found = new Map<Store, Map<number, Instance>>();
    const { inner, run } = this.program;
    const slots = this.#slots.slice();
    run({ slots }, (leaf, f) => {
      if (leaf.kind === "observe" || leaf.kind === "factor") return;
      const store = this.stores.get(leaf.stmt.name) ?? internalError(`no ${leaf.stmt.name}`);
      let known = found.get(store);
      if (known === undefined) {
        known = new Map();
        found.set(store, known);
      }
      // Loop variables are numbers; local definitions are computed anew where they are read.
      const here = inner.map((slot) => (this.#isLocal(slot) ? undefined : f.slots[slot]));
      known.set(leaf.element(f), { leaf, slots: here });
    });
    return found;
  }

  #isLocal(slot: number): boolean {
    return this.program.localSlots.has(slot);
  }
}
