/**
 * Expressions of the language over values of the session. An expression becomes the body of a model
 * whose inputs are the values that it reads, goes through `elaborate` like any model's text, and is
 * evaluated by the interpreter of models: there is no second language here. Where a value is known
 * by draws, the expression is evaluated once for each of them.
 */
import { type Diagnostic, fail, TildeError } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { Source, Span } from "../../base/span.js";
import { philoxKey } from "../../math/rng/index.js";
import { isAuxiliary } from "../../model/auxiliary.js";
import { type DataSet, type DataValue, elementCount } from "../../model/data.js";
import type { DistExpr, Expr, Model, ScalarKind } from "../../model/ir.js";
import { walkStmts } from "../../model/traverse.js";
import { type Conditioned, condition, hostScope } from "../../passes/condition/index.js";
import { makeCompiler } from "../../passes/interpret/compile.js";
import { compileSimulator, type DrawKeys } from "../../passes/interpret/simulate.js";
import type * as ast from "../../syntax/ast.js";
import { WRAPPER } from "./entry.js";
import { type DrawsValue, dimsOf, drawAt, drawCount, type NumberValue } from "./values.js";
import { errorsOf, type Workspace } from "./workspace.js";

/** An expression or statement and the values that its free names stand for. */
export type Inputs = ReadonlyMap<string, NumberValue>;

export interface Evaluation {
  readonly workspace: Workspace;
  readonly source: Source;
  readonly signal?: AbortSignal;
  /** Receives warnings of what is evaluated. */
  readonly warn: (list: readonly Diagnostic[]) => void;
}

/** What an expression is, before it is evaluated. */
export type Typed =
  | { readonly kind: "number"; readonly value: Expr; readonly model: Model }
  | { readonly kind: "dist"; readonly dist: DistExpr; readonly model: Model };

/** @throws TildeError where the expression has errors */
export function typeOf(
  cx: Evaluation,
  expr: ast.Expr,
  inputs: Inputs,
): Typed & { readonly warnings: readonly Diagnostic[] } {
  const { span } = expr;
  const target = { span, name: { text: WRAPPER, span }, indices: [] };
  const made = elaborateBody(cx, [{ kind: "let", span, target, value: expr }], inputs, span);
  const { model, warnings } = made;
  const stmt = model.body.find((s) => s.kind === "let" && s.name === WRAPPER);
  if (stmt?.kind === "let") return { kind: "number", value: stmt.value, model, warnings };
  // A distribution that is given a name leaves no statement behind.
  const drawn = elaborateBody(cx, [{ kind: "sample", span, target, dist: expr }], inputs, span);
  let dist: DistExpr | undefined;
  walkStmts(drawn.model.body, (s) => {
    if (s.kind === "site") dist = s.dist;
  });
  if (dist === undefined) return internalError("an expression has no value");
  return { kind: "dist", dist, model: drawn.model, warnings: drawn.warnings };
}

function elaborateBody(
  cx: Evaluation,
  statements: readonly ast.Stmt[],
  inputs: Inputs,
  span: Span,
): { readonly model: Model; readonly warnings: readonly Diagnostic[] } {
  const { source, workspace } = cx;
  const decl: ast.ModelDecl = {
    kind: "model",
    span,
    name: { text: WRAPPER, span },
    params: [...inputs].map(([name, v]) => parameter(name, v, span)),
    body: { kind: "block", span, statements },
  };
  const isNeeded = (d: ast.Decl): boolean =>
    d.kind === "fn" || d.kind === "module" || d.kind === "dist";
  const file = workspace.file(source, { decls: [decl] }, isNeeded);
  const { models, diagnostics } = workspace.check(file);
  const model = models.get(WRAPPER);
  const own = diagnostics.filter((d) => d.span === undefined || d.span.source === source);
  if (model === undefined) {
    const errors = errorsOf(own).map(atPrompt);
    throw new TildeError(errors.length > 0 ? errors : errorsOf(diagnostics));
  }
  return { model, warnings: own.filter((d) => d.severity === "warning") };
}

/** Advice for models, as it is at the prompt. */
function atPrompt(d: Diagnostic): Diagnostic {
  if (d.help?.startsWith("declare it as an input") !== true || d.span === undefined) return d;
  return { ...d, help: `define it: \`${textOf(d.span)} = …\`` };
}

/** The input that stands for a value: its type, and for reals the range of its values. */
function parameter(name: string, v: NumberValue, span: Span): ast.ParamDecl {
  const number = (value: number): ast.Expr => {
    const literal: ast.Expr = {
      kind: "number",
      span,
      value: Math.abs(value),
      isInt: Number.isSafeInteger(value),
    };
    return value < 0 ? { kind: "unary", span, op: "-", operand: literal } : literal;
  };
  const { text, args } = declared(v);
  const type: ast.TypeExpr = {
    span,
    name: { text, span },
    args: args.map(number),
    sizes: dimsOf(v).map(number),
  };
  return { span, name: { text: name, span }, type };
}

function declared(v: NumberValue): { readonly text: string; readonly args: readonly number[] } {
  const data = v.kind === "array" ? v.value.data : v.draws.data;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < data.length; i++) {
    if (Number.isNaN(data[i])) return { text: "real", args: [] };
    if (data[i] < low) low = data[i];
    if (data[i] > high) high = data[i];
  }
  if (v.scalar === "bool") return { text: "bool", args: [] };
  if (v.scalar === "int") return { text: low >= 0 ? "count" : "int", args: [] };
  if (low < high && Number.isFinite(low) && Number.isFinite(high)) {
    return { text: "between", args: [low, high] };
  }
  if (low > 0 && high <= 1) return { text: "unit", args: [] };
  return { text: low > 0 ? "positive" : low >= 0 ? "nonnegative" : "real", args: [] };
}

/** How long draws are gone through between looks at Ctrl-C. */
const SLICE_MS = 15;

/** Calls `visit` with the inputs of one draw after another, and lets others work in between. */
async function forEachRow(
  cx: Evaluation,
  count: number,
  what: string,
  visit: (row: number) => void,
): Promise<void> {
  let sliceStart = performance.now();
  for (let row = 0; row < count; row++) {
    visit(row);
    if (performance.now() - sliceStart < SLICE_MS) continue;
    await new Promise((resolve) => setImmediate(resolve));
    if (cx.signal?.aborted === true) fail("session_stopped", undefined, { what });
    sliceStart = performance.now();
  }
}

/** Draws among the inputs: they belong to draws of one number, or cannot stand together. */
function drawsAmong(inputs: Inputs, span: Span): DrawsValue | undefined {
  let first: DrawsValue | undefined;
  for (const v of inputs.values()) {
    if (v.kind !== "draws") continue;
    first ??= v;
    if (drawCount(v) === drawCount(first)) continue;
    const text = textOf(span);
    const wanted = `of quantities with one number of draws (here ${drawCount(first)} and ${drawCount(v)})`;
    fail("session_values", span, { text, wanted });
  }
  return first;
}

function dataAt(inputs: Inputs, row: number): DataSet {
  return new Map(
    [...inputs].map(([name, v]) => [name, v.kind === "array" ? v.value : drawAt(v, row)]),
  );
}

/** The value of a typed expression over its inputs. */
export async function evaluateTyped(
  cx: Evaluation,
  { value, model }: Extract<Typed, { kind: "number" }>,
  inputs: Inputs,
  warnings: readonly Diagnostic[],
): Promise<NumberValue> {
  if (model.variables.some((v) => isAuxiliary(v.name))) {
    // The solution of a differential equation is a recurrence beside the expression.
    const found = (await simulateModel(cx, model, inputs, value.span)).get(WRAPPER);
    return found ?? internalError("an expression has no value");
  }
  const scalar = value.type.scalar;
  const over = drawsAmong(inputs, value.span);
  const conditioned = condition(model, dataAt(inputs, 0));
  const run = compiled(value, conditioned);
  let made: NumberValue;
  if (over === undefined) {
    const { dims, data } = run(conditioned.inputs);
    made = { kind: "array", scalar, value: { dims, data: data.slice() } };
  } else {
    const rows: DataValue[] = [];
    await forEachRow(cx, drawCount(over), "the evaluation", (row) => {
      rows.push(run(new Map([...conditioned.inputs, ...dataAt(inputs, row)])));
    });
    made = stacked(rows, over, scalar, value.span);
  }
  const { data } = made.kind === "array" ? made.value : made.draws;
  // Where values are known, a doubt about them that made no difference is none.
  const isFine = !data.some(Number.isNaN);
  cx.warn(warnings.filter((d) => !isFine || d.code !== "parameter_may_leave"));
  return made;
}

function compiled(e: Expr, { model, sizes }: Conditioned): (inputs: DataSet) => DataValue {
  const compiler = makeCompiler();
  const value = compiler.value(e);
  const names = [...compiler.names.keys()];
  return (inputs) => {
    const scope = hostScope(inputs, sizes, model);
    return value({ slots: names.map(scope) });
  };
}

/** Arrays of one shape as draws of the form of `over`. */
function stacked(
  rows: readonly DataValue[],
  over: DrawsValue,
  scalar: ScalarKind,
  span: Span,
): DrawsValue {
  const dims = rows[0]?.dims ?? [];
  const size = elementCount(dims);
  const data = new Float64Array(rows.length * size);
  rows.forEach((row, k) => {
    const isSame = row.dims.length === dims.length && row.dims.every((d, i) => d === dims[i]);
    if (!isSame) fail("session_ragged", span, { text: textOf(span) });
    data.set(row.data, k * size);
  });
  const [chains, draws] = over.draws.shape;
  const { inChains } = over;
  return { kind: "draws", scalar, draws: { data, shape: [chains, draws, ...dims] }, inChains };
}

/** Draws at the prompt, apart from those of priors and predictions of the same seed. */
const STREAM = 0x50000000;
function keysOf({ workspace }: Evaluation, seed?: number): DrawKeys {
  const offset = STREAM + (seed === undefined ? 4096 * workspace.nextDraw() : 0);
  return { key: philoxKey(seed ?? workspace.seed), offset };
}

/**
 * Runs statements forward once (or once for each draw of what they read): what they define.
 * @throws TildeError where they have errors
 */
export async function simulate(
  cx: Evaluation,
  statements: readonly ast.Stmt[],
  inputs: Inputs,
  span: Span,
): Promise<ReadonlyMap<string, NumberValue>> {
  const { model, warnings } = elaborateBody(cx, statements, inputs, span);
  cx.warn(warnings);
  return simulateModel(cx, model, inputs, span);
}

async function simulateModel(
  cx: Evaluation,
  model: Model,
  inputs: Inputs,
  span: Span,
): Promise<ReadonlyMap<string, NumberValue>> {
  const over = drawsAmong(inputs, span);
  const keys = keysOf(cx);
  if (over === undefined) {
    const drawn = compileSimulator(condition(model, dataAt(inputs, 0))).draw(new Map(), keys, 0);
    return new Map(
      model.variables.map((v) => [
        v.name,
        { kind: "array", scalar: v.type.scalar, value: copied(drawn, v.name) },
      ]),
    );
  }
  const rows = new Map(model.variables.map((v): [string, DataValue[]] => [v.name, []]));
  await forEachRow(cx, drawCount(over), "the simulation", (row) => {
    // What the statements read is compiled into them: another draw is another program.
    const simulator = compileSimulator(condition(model, dataAt(inputs, row)));
    const drawn = simulator.draw(new Map(), keys, row);
    for (const [name, list] of rows) list.push(copied(drawn, name));
  });
  return new Map(
    model.variables.map((v) => [
      v.name,
      stacked(rows.get(v.name) ?? [], over, v.type.scalar, span),
    ]),
  );
}

function copied(drawn: ReadonlyMap<string, DataValue>, name: string): DataValue {
  const { dims, data } = drawn.get(name) ?? internalError(`${name} was not drawn`);
  return { dims, data: data.slice() };
}

/** `count` independent draws of a distribution. */
export async function sampleDist(
  cx: Evaluation,
  { model, dist }: Extract<Typed, { kind: "dist" }>,
  inputs: Inputs,
  count: number,
  seed?: number,
): Promise<DrawsValue> {
  const simulator = compileSimulator(condition(model, dataAt(inputs, 0)));
  const keys = keysOf(cx, seed);
  const rows: DataValue[] = [];
  await forEachRow(cx, count, "the sampling", (row) => {
    rows.push(copied(simulator.draw(new Map(), keys, row), WRAPPER));
  });
  const shape = [1, count];
  const form: DrawsValue = {
    kind: "draws",
    scalar: "real",
    draws: { data: new Float64Array(0), shape },
    inChains: false,
  };
  return stacked(rows, form, dist.event.scalar, dist.span);
}

/** The text of a span on one line. */
export function textOf({ source, start, end }: Span): string {
  return source.text.slice(start, end).replace(/\s+/g, " ");
}
