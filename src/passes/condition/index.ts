/**
 * Joins a model with data: finds every size, checks each value against its declared type and
 * support, and decides which sites are observed. Model IR → conditioned model; nothing is computed
 * beyond sizes and defaults. All problems of the data are reported together.
 */

import { Immer } from "immer";
import { type Diagnostic, DiagnosticSink, TildeError } from "../../base/diagnostic.js";
import { nearestNames } from "../../base/nearest.js";
import { type DataSet, type DataValue, elementName, unravel } from "../../model/data.js";
import type { Input, Model, Stmt, Support, Type, Variable } from "../../model/ir.js";
import { printType } from "../../model/print.js";
import { constantSize, evaluateSize, printSize, type Size } from "../../model/size.js";
import { dependsOnRandom, someExpr, stmtExprs, walkStmts } from "../../model/traverse.js";
import { evaluateExpr } from "../interpret/expr.js";
import { checkSupport } from "./check-support.js";
import { canClamp, clamp } from "./clamped.js";

/** A model with its data: what every inference method starts from. */
export interface Conditioned {
  readonly model: Model;
  /** Every size name (bound, int inputs, opaque) with its value. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Each input, given or by default. */
  readonly inputs: DataSet;
  /** Sites with a value in the data; missing entries are latent. */
  readonly observed: DataSet;
  readonly warnings: readonly Diagnostic[];
}

/**
 * @throws TildeError with every problem found: missing inputs, wrong ranks, sizes, types, values
 * outside their support, missing entries where none are allowed.
 */
export function condition(model: Model, data: DataSet): Conditioned {
  const sink = new DiagnosticSink();
  const variables = new Map(model.variables.map((v) => [v.name, v]));
  const table = new SizeTable();
  const sizes = table.values;
  const inputs = new Map<string, DataValue>();
  /** Inputs whose value is told to be wrong already. */
  const broken = new Set<string>();

  reportNames(model, data, variables, sink);
  for (const input of model.inputs) {
    const value = data.get(input.name);
    if (value === undefined) continue;
    if (!checkRank(input.name, input.type, value, sink)) {
      broken.add(input.name);
      continue;
    }
    inputs.set(input.name, value);
    if (isSizeInput(input) && checkSizeValue(input, model, value, sink)) {
      table.bind(input.name, value.data[0], input.name, sink);
    }
  }
  for (const name of model.boundSizes) {
    const given = data.get(name);
    if (given?.dims.length === 0) table.bind(name, given.data[0], name, sink);
  }
  for (const input of model.inputs) {
    const value = inputs.get(input.name);
    if (value === undefined) continue;
    input.type.dims.forEach((dim, axis) => {
      const name = plainName(dim);
      // An empty list tells nothing of the axes inside it.
      if (axis >= value.dims.length) return;
      if (name !== undefined && !Object.hasOwn(model.opaqueSizes, name)) {
        table.bind(name, value.dims[axis], `${input.name}`, sink);
      }
    });
  }
  // Observed sites tell the sizes that no input tells: what they then disagree about is told below.
  for (const variable of model.variables) {
    const value = variable.role === "site" ? data.get(variable.name) : undefined;
    if (value?.dims.length !== variable.type.dims.length) continue;
    variable.type.dims.forEach((dim, axis) => {
      const name = plainName(dim);
      if (name === undefined || broken.has(name) || sizes.has(name)) return;
      if (Object.hasOwn(model.opaqueSizes, name)) return;
      table.bind(name, value.dims[axis], variable.name, sink);
    });
  }
  // A declared int input may be left out where an array of the data already tells it.
  for (const input of model.inputs) {
    if (inputs.has(input.name) || broken.has(input.name)) continue;
    const known = isSizeInput(input) ? sizes.get(input.name) : undefined;
    if (known !== undefined) {
      inputs.set(input.name, { dims: [], data: Float64Array.of(known) });
    } else if (input.default !== undefined) {
      const value = evaluateExpr(input.default, hostScope(inputs, sizes, model));
      const fitted = fitDefault(value, input.type, sizes);
      inputs.set(input.name, fitted);
      if (isSizeInput(input)) sizes.set(input.name, fitted.data[0]);
    } else {
      sink.report("data_missing_input", input.span, {
        name: input.name,
        type: printType(input.type),
        given: [...data.keys()],
      });
    }
  }
  if (!sink.hasErrors) {
    for (const name of model.boundSizes) {
      if (!sizes.has(name)) sink.report("data_size_unknown", model.span, { size: name });
    }
  }
  if (!sink.hasErrors) evaluateOpaqueSizes(model, inputs, sizes);

  const observed = new Map<string, DataValue>();
  const clamped: Stmt[] = [];
  if (!sink.hasErrors) {
    const scope = hostScope(inputs, sizes, model);
    for (const input of model.inputs) {
      const value = inputs.get(input.name);
      if (value === undefined || !checkSizes(input.name, input.type, value, sizes, sink)) continue;
      if (!checkScalars(input.name, input.type, value, sink)) continue;
      checkNothingMissing(input, value, sink);
      checkSupport(input.name, input.support, value, scope, sink);
      inputs.set(input.name, ofFullRank(input.type, value, sizes));
    }
    for (const variable of model.variables) {
      if (variable.role !== "site") continue;
      const value = data.get(variable.name);
      if (value === undefined) continue;
      const { unbounded } = model;
      const isLabel = unbounded?.label === variable.name;
      if (isLabel || unbounded?.variables.includes(variable.name) === true) {
        sink.report("data_unbounded", variable.span, { name: variable.name, isLabel });
        continue;
      }
      if (!checkRank(variable.name, variable.type, value, sink)) continue;
      if (!checkSizes(variable.name, variable.type, value, sizes, sink)) continue;
      if (!checkScalars(variable.name, variable.type, value, sink)) continue;
      checkMissing(variable, value, sink);
      checkSupport(variable.name, closed(variable.support), value, scope, sink);
      const whole = ofFullRank(variable.type, value, sizes);
      if (whole.missing?.includes(1) === true && canClamp(variable)) {
        const { inputs: own, statement } = clamp(variable, whole);
        for (const [name, v] of own) inputs.set(name, v);
        clamped.push(statement);
      } else observed.set(variable.name, whole);
    }
  }
  if (sink.hasErrors) throw new TildeError(sink.all);
  const whole = clamped.length === 0 ? model : { ...model, body: [...model.body, ...clamped] };
  return { model: markGiven(whole, observed), sizes, inputs, observed, warnings: sink.all };
}

/** Models are shared between runs and deep: drafts are not frozen, the types are readonly. */
const { produce } = new Immer({ autoFreeze: false });

/** The model with what the data decides written into its variables. */
function markGiven(model: Model, observed: DataSet): Model {
  const latent = new Set<string>();
  for (const v of model.variables) {
    const given = observed.get(v.name);
    if (v.role !== "let" && (given === undefined || given.missing !== undefined))
      latent.add(v.name);
  }
  const random = dependents(model, latent);
  return produce(model, (draft) => {
    for (const v of draft.variables) {
      const given = observed.get(v.name);
      if (given !== undefined) v.given = given.missing === undefined ? "all" : "some";
      v.random = random.has(v.name);
    }
  });
}

/** The given names and every let that depends on one of them, also through other definitions. */
function dependents(model: Model, names: ReadonlySet<string>): Set<string> {
  const found = new Set(names);
  let before = -1;
  while (found.size !== before) {
    before = found.size;
    walkStmts(model.body, (s) => {
      const isDefinition = s.kind === "let" || s.kind === "local";
      if (isDefinition && dependsOnRandom(s.value, found)) found.add(s.name);
    });
  }
  return found;
}

/** Looks up sizes of a conditioned model; an unknown size is a diagnostic. */
export function sizeValue(conditioned: Conditioned, size: Size): number {
  return evaluateSize(size, (name) => conditioned.sizes.get(name) ?? Number.NaN);
}

/** The concrete dims of a type. */
export function concreteDims(conditioned: Conditioned, dims: readonly Size[]): number[] {
  return dims.map((d) => sizeValue(conditioned, d));
}

/** A size that is no whole number of at least 0 would only cause further messages. */
function checkSizeValue(
  input: Input,
  model: Model,
  value: DataValue,
  sink: DiagnosticSink,
): boolean {
  const { name } = input;
  if (value.missing !== undefined) {
    checkNothingMissing(input, value, sink);
    return false;
  }
  if (!checkScalars(name, input.type, value, sink)) return false;
  const size = value.data[0];
  if ((size >= 0 && size <= MOST_ELEMENTS) || !isSizeOf(name, model)) return true;
  const code = size < 0 ? "data_size_negative" : "data_size_large";
  sink.report(code, input.span, { what: `\`${name}\``, value: size });
  return false;
}

/** Whether an input, a variable or an expression of the model is an array of so many. */
function isSizeOf(name: string, model: Model): boolean {
  const isOwn = ({ type }: { readonly type: Type }): boolean =>
    type.dims.some((d) => plainName(d) === name);
  let isFound = [...model.inputs, ...model.variables].some(isOwn);
  walkStmts(model.body, (s) => {
    isFound ||= stmtExprs(s).some((e) => someExpr(e, isOwn));
  });
  return isFound;
}

/** What an array can have along an axis: positions are 32-bit integers in kernels. */
const MOST_ELEMENTS = 2 ** 31 - 1;

/** The value; an empty list in the place of lists gets the axes that the sizes tell. */
function ofFullRank(type: Type, value: DataValue, sizes: ReadonlyMap<string, number>): DataValue {
  if (value.dims.length === type.dims.length) return value;
  const dims = type.dims.map((d) => evaluateSize(d, (name) => sizes.get(name) ?? 0));
  return { ...value, dims };
}

function isSizeInput(input: Input): boolean {
  return input.type.scalar === "int" && input.type.dims.length === 0;
}

/** The name, where a size is one name and nothing more. */
function plainName(size: Size): string | undefined {
  if (size.terms.length !== 1) return undefined;
  const [term] = size.terms;
  return term.coefficient === 1 && term.names.length === 1 ? term.names[0] : undefined;
}

/** Sizes as they are found, and by which value each was. */
class SizeTable {
  readonly values = new Map<string, number>();
  readonly #boundBy = new Map<string, string>();
  readonly #conflicts = new Set<string>();

  /** A second value that differs is told once per size. */
  bind(name: string, value: number, by: string, sink: DiagnosticSink): void {
    const known = this.values.get(name);
    if (known === undefined) {
      this.values.set(name, value);
      this.#boundBy.set(name, by);
      return;
    }
    if (known === value || this.#conflicts.has(name)) return;
    this.#conflicts.add(name);
    sink.report("data_size_conflict", undefined, {
      size: name,
      first: this.#boundBy.get(name) ?? name,
      firstValue: known,
      second: by,
      secondValue: value,
    });
  }
}

function reportNames(
  model: Model,
  data: DataSet,
  variables: ReadonlyMap<string, Variable>,
  sink: DiagnosticSink,
): void {
  const known = [
    ...model.inputs.map((i) => i.name),
    ...model.variables.filter((v) => v.role === "site").map((v) => v.name),
  ];
  const bound = new Set([...known, ...model.boundSizes]);
  for (const name of data.keys()) {
    const variable = variables.get(name);
    if (variable !== undefined && variable.role !== "site") {
      sink.report("data_names_let", variable.span, { name, role: variable.role });
    } else if (!bound.has(name)) {
      const near = nearestNames(
        name,
        known.filter((k) => !data.has(k)),
      );
      sink.report("data_unused", undefined, { name, near });
    }
  }
}

function checkRank(name: string, type: Type, value: DataValue, sink: DiagnosticSink): boolean {
  if (value.dims.length === type.dims.length) return true;
  // An empty list has no rows to tell its rank by.
  if (value.data.length === 0 && value.dims.length < type.dims.length) return true;
  const words = ["a single number", "a list", "a list of lists"];
  const describe = (rank: number) => words[rank] ?? `nested lists of depth ${rank}`;
  sink.report("data_wrong_rank", undefined, {
    name,
    expected: `${describe(type.dims.length)} (${printType(type)})`,
    got: describe(value.dims.length),
  });
  return false;
}

function checkSizes(
  name: string,
  type: Type,
  value: DataValue,
  sizes: ReadonlyMap<string, number>,
  sink: DiagnosticSink,
): boolean {
  let ok = true;
  type.dims.forEach((dim, axis) => {
    const want = evaluateSize(dim, (n) => sizes.get(n) ?? Number.NaN);
    const got = value.dims[axis] ?? 0;
    if (want === got || (value.data.length === 0 && axis >= value.dims.length)) return;
    ok = false;
    sink.report("data_wrong_size", undefined, {
      name,
      axis,
      expected: constantSize(dim) === undefined ? `\`${printSize(dim)}\`` : String(want),
      want,
      got,
    });
  });
  return ok;
}

/** False where the values are of the wrong kind, so that their support need not be looked at. */
function checkScalars(name: string, type: Type, value: DataValue, sink: DiagnosticSink): boolean {
  if (type.scalar === "real") return true;
  for (let i = 0; i < value.data.length; i++) {
    const x = value.data[i];
    if (value.missing?.[i] === 1) continue;
    const element = (): string => elementName(name, unravel(i, value.dims));
    if (type.scalar === "int" && !Number.isInteger(x)) {
      sink.report("data_not_integer", undefined, { name, element: element(), value: x });
      return false;
    }
    if (type.scalar === "bool" && x !== 0 && x !== 1) {
      sink.report("data_not_bool", undefined, { name, element: element(), value: x });
      return false;
    }
  }
  return true;
}

function checkNothingMissing(input: Input, value: DataValue, sink: DiagnosticSink): void {
  const at = value.missing?.indexOf(1) ?? -1;
  if (at < 0) return;
  const element = elementName(input.name, unravel(at, value.dims));
  sink.report("data_missing_in_input", input.span, { name: input.name, element });
}

function checkMissing(variable: Variable, value: DataValue, sink: DiagnosticSink): void {
  const missing = value.missing;
  const at = missing?.indexOf(1) ?? -1;
  if (missing === undefined || at < 0) return;
  const element = elementName(variable.name, unravel(at, value.dims));
  if (variable.type.scalar !== "real") {
    if (canClamp(variable)) return;
    sink.report("data_missing_discrete", variable.span, { name: variable.name, element });
    return;
  }
  const elementwise: ReadonlySet<string> = new Set([
    "real",
    "positive",
    "nonnegative",
    "unit",
    "interval",
  ]);
  if (elementwise.has(variable.support.kind)) return;
  const eventSize = value.dims
    .slice(value.dims.length - variable.eventRank)
    .reduce((n, d) => n * d, 1);
  for (let start = 0; start < missing.length; start += eventSize) {
    const gaps = missing.subarray(start, start + eventSize).reduce((n, m) => n + m, 0);
    if (gaps === 0 || gaps === eventSize) continue;
    const first = missing.indexOf(1, start);
    sink.report("data_missing_in_vector", variable.span, {
      name: variable.name,
      element: elementName(variable.name, unravel(first, value.dims)),
      support: variable.support.kind,
    });
    return;
  }
}

function evaluateOpaqueSizes(model: Model, inputs: DataSet, sizes: Map<string, number>): void {
  for (const [name, expr] of Object.entries(model.opaqueSizes)) {
    // Opaque sizes may stand on others; those are listed before them.
    const value = evaluateExpr(expr, hostScope(inputs, sizes, model));
    sizes.set(name, value.data[0]);
  }
}

/** Inputs and sizes by name, for expressions that are known before inference. */
export function hostScope(
  inputs: DataSet,
  sizes: ReadonlyMap<string, number>,
  model: Model,
): (name: string) => DataValue | undefined {
  return (name) => {
    const input = inputs.get(name);
    if (input !== undefined) return input;
    const size = sizes.get(name);
    if (size !== undefined) return { dims: [], data: Float64Array.of(size) };
    const opaque = model.opaqueSizes[name];
    return opaque === undefined ? undefined : evaluateExpr(opaque, hostScope(inputs, sizes, model));
  };
}

/** A scalar default fills an array input of known sizes. */
function fitDefault(value: DataValue, type: Type, sizes: ReadonlyMap<string, number>): DataValue {
  if (value.dims.length === type.dims.length || value.dims.length > 0) return value;
  const dims = type.dims.map((d) => evaluateSize(d, (n) => sizes.get(n) ?? 0));
  const data = new Float64Array(dims.reduce((n, d) => n * d, 1)).fill(value.data[0]);
  return { dims, data };
}

/** Some densities on the positive numbers are defined at 0 too; the density itself will tell. */
function closed(support: Support): Support {
  return support.kind === "positive" ? { kind: "nonnegative" } : support;
}
