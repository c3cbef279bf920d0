/**
 * A conditioned model as a program: its statements in their order, loops as loops. What happens at
 * a statement is the visitor's affair: the log joint adds densities, the simulator draws.
 */
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import { elementCount } from "../../model/data.js";
import type { Expr, Stmt, Variable } from "../../model/ir.js";
import { type Conditioned, concreteDims } from "../condition/index.js";
import { compileBinder } from "./binder.js";
import { makeCompiler } from "./compile.js";
import { compileCrp, isCrp } from "./crp.js";
import { compileDist, type HostDist } from "./dist.js";
import type { ArrayFn, Compiler, Frame, ScalarFn } from "./frame.js";
import type { LocalCompiler } from "./local.js";
import { compileDraw } from "./restricted.js";

type StmtOf<K extends Stmt["kind"]> = Extract<Stmt, { kind: K }>;

/** A variable with its sizes: an array over loop dims (`batch`), then over one event. */
export interface VariableShape {
  readonly variable: Variable;
  readonly dims: readonly number[];
  readonly batch: readonly number[];
  readonly eventSize: number;
}

interface DefinesElement {
  readonly target: VariableShape;
  /** Which element the statement defines: row-major among `batch`. Checked to be in range. */
  readonly element: ScalarFn;
}
/** A statement without statements inside. */
export type Leaf =
  | (DefinesElement & {
      readonly kind: "site";
      readonly stmt: StmtOf<"site">;
      readonly dist: HostDist;
      /** One event, written to `out`, from the distribution restricted to the declared support. */
      readonly draw: HostDist["draw"];
    })
  | (DefinesElement & {
      readonly kind: "let";
      readonly stmt: StmtOf<"let">;
      readonly value: ArrayFn;
    })
  | (DefinesElement & { readonly kind: "param"; readonly stmt: StmtOf<"param"> })
  | {
      readonly kind: "observe";
      readonly stmt: StmtOf<"observe">;
      readonly dist: HostDist;
      readonly value: ArrayFn;
    }
  | { readonly kind: "factor"; readonly stmt: StmtOf<"factor">; readonly value: ScalarFn };
export type DefiningLeaf = Extract<Leaf, DefinesElement>;

/** Called at every statement that is reached, with the loop variables in the frame. */
export type Visitor = (leaf: Leaf, f: Frame) => void;

export interface ModelProgram {
  readonly conditioned: Conditioned;
  readonly compiler: LocalCompiler;
  readonly shapes: ReadonlyMap<string, VariableShape>;
  /** Slots of loop variables and of local definitions. */
  readonly inner: readonly number[];
  readonly localSlots: ReadonlySet<number>;
  /** Runs through the statements in the model's order. */
  readonly run: (f: Frame, visit: Visitor) => void;
}

type Step = (f: Frame, visit: Visitor) => void;
interface Scope {
  readonly c: LocalCompiler;
  readonly shapes: ReadonlyMap<string, VariableShape>;
}

/** Compiles the model's statements; nothing is evaluated yet. */
export function compileModel(conditioned: Conditioned): ModelProgram {
  const c = makeCompiler();
  const shapes = new Map<string, VariableShape>();
  for (const variable of conditioned.model.variables) {
    const dims = concreteDims(conditioned, variable.type.dims);
    const split = dims.length - variable.eventRank;
    const eventSize = elementCount(dims.slice(split));
    shapes.set(variable.name, { variable, dims, batch: dims.slice(0, split), eventSize });
    c.slot(variable.name);
  }
  for (const name of [...conditioned.inputs.keys(), ...conditioned.sizes.keys()]) c.slot(name);
  const outer = new Set(c.names.values());
  const step = compileBody({ c, shapes }, conditioned.model.body);
  const inner = [...c.names.values()].filter((slot) => !outer.has(slot));
  return { conditioned, compiler: c, shapes, inner, localSlots: c.localSlots, run: step };
}

function compileBody(scope: Scope, body: readonly Stmt[]): Step {
  const steps = body.map((s) => compileStmt(scope, s));
  return (f, visit) => {
    for (const step of steps) step(f, visit);
  };
}

function compileStmt(scope: Scope, stmt: Stmt): Step {
  const { c } = scope;
  switch (stmt.kind) {
    case "local": {
      const slot = c.defineLocal(stmt.name, stmt.value);
      return (f) => {
        f.slots[slot] = undefined;
      };
    }
    case "for": {
      const { slot, from, to } = compileBinder(c, stmt.binder);
      const body = compileBody(scope, stmt.body);
      return (f, visit) => {
        const end = to(f);
        for (let i = from(f); i < end; i++) {
          f.slots[slot] = i;
          body(f, visit);
        }
      };
    }
    case "if": {
      const condition = c.scalar(stmt.condition);
      const yes = compileBody(scope, stmt.then);
      const no = compileBody(scope, stmt.else);
      return (f, visit) => (condition(f) !== 0 ? yes : no)(f, visit);
    }
    default: {
      const leaf = compileLeaf(scope, stmt);
      return (f, visit) => visit(leaf, f);
    }
  }
}

function compileLeaf(
  scope: Scope,
  stmt: StmtOf<"site" | "let" | "param" | "observe" | "factor">,
): Leaf {
  const { c } = scope;
  switch (stmt.kind) {
    case "site": {
      const target = shapeOf(scope, stmt.name);
      const dist = isCrp(stmt.dist) ? compileCrp(c, stmt) : compileDist(c, stmt.dist);
      const draw = stmt.restricted
        ? compileDraw(c, stmt.dist, target.variable, target.dims.slice(target.batch.length))
        : dist.draw;
      return { kind: "site", stmt, target, element: elementOf(c, stmt, target), dist, draw };
    }
    case "let": {
      const target = shapeOf(scope, stmt.name);
      const value = c.value(stmt.value);
      return { kind: "let", stmt, target, element: elementOf(c, stmt, target), value };
    }
    case "param": {
      const target = shapeOf(scope, stmt.name);
      return { kind: "param", stmt, target, element: elementOf(c, stmt, target) };
    }
    case "observe":
      return {
        kind: "observe",
        stmt,
        dist: compileDist(c, stmt.dist),
        value: c.value(stmt.value),
      };
    case "factor":
      return { kind: "factor", stmt, value: c.scalar(stmt.value) };
  }
}

function shapeOf(scope: Scope, name: string): VariableShape {
  return scope.shapes.get(name) ?? internalError(`no variable ${name}`);
}

function elementOf(
  c: Compiler,
  stmt: { readonly name: string; readonly indices: readonly Expr[] },
  { batch }: VariableShape,
): ScalarFn {
  const at = stmt.indices.map(c.scalar);
  return (f) => {
    let element = 0;
    for (let k = 0; k < at.length; k++) {
      const i = at[k](f);
      if (!(i >= 0 && i < batch[k])) {
        fail("index_out_of_range", stmt.indices[k].span, {
          what: stmt.name,
          index: i,
          size: batch[k],
          axis: k,
        });
      }
      element = element * batch[k] + i;
    }
    return element;
  };
}
