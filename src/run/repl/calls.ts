/** The session's own functions: inference, prediction, pictures, files. */
import { fail } from "../../base/diagnostic.js";
import { type DataValue, elementCount } from "../../model/data.js";
import type { Model } from "../../model/ir.js";
import type * as ast from "../../syntax/ast.js";
import { type Method, type MethodName, methods } from "../methods.js";
import { comesInChains } from "../results/summary.js";
import {
  argumentsOf,
  checkNamed,
  dataOf,
  expectKind,
  optionOf,
  placed,
  wholeNumber,
} from "./arguments.js";
import { type Call, type Cx, close, evaluate } from "./evaluate.js";
import { sampleDist, textOf, typeOf } from "./language.js";
import { camelCase, runOptions, type SessionFunctionName } from "./names.js";
import { plotOf } from "./plots.js";
import {
  arrayOfData,
  type DrawsValue,
  type FitValue,
  type ModelValue,
  type PredictionsValue,
  type Value,
  valueWords,
} from "./values.js";

type Rule = (cx: Cx, e: Call) => Promise<Value>;

const rules: { readonly [F in SessionFunctionName]: Rule } = {
  infer: async (cx, e) => {
    const { positional, named } = argumentsOf("infer", e, 1, 1);
    const model = await expectKind(cx, positional[0], "model");
    const given = named.get("method");
    const method = given === undefined ? "nuts" : await methodGiven(cx, given.value);
    return await inferWith(cx, e, model, method, named);
  },
  condition: async (cx, e) => {
    const { positional, named } = argumentsOf("condition", e, 1, 1);
    const { name, given } = await expectKind(cx, positional[0], "model");
    const model = cx.workspace.model(name);
    checkNamed(name, named, namesOf(model));
    return {
      kind: "model",
      name,
      given: new Map([...(given ?? []), ...(await dataOf(cx, named))]),
    };
  },
  predict: async (cx, e) => {
    const { positional, named } = argumentsOf("predict", e, 1, 1);
    const { posterior } = await expectKind(cx, positional[0], "fit");
    const { model } = posterior.fit.conditioned;
    const values = namesOf(model);
    const option = values.includes("seed") ? undefined : named.get("seed");
    const data = [...named].filter(([, arg]) => arg !== option);
    checkNamed("predict", new Map(data), [...values, "seed"]);
    const seed = option === undefined ? undefined : await wholeNumber(cx, option.value, 0);
    const given = await dataOf(cx, data);
    const lists = Object.fromEntries([...given].map(([name, v]) => [name, nestedLists(v)]));
    const drawn = await placed(e.span, () =>
      posterior.predict(data.length === 0 ? undefined : lists, { seed }),
    );
    const inChains = comesInChains(posterior.fit);
    const variables = new Map<string, DrawsValue>();
    for (const [name, draws] of drawn) {
      const scalar = model.variables.find((v) => v.name === name)?.type.scalar ?? "real";
      variables.set(name, { kind: "draws", scalar, draws, inChains });
    }
    return { kind: "predictions", variables } satisfies PredictionsValue;
  },
  sample: async (cx, e) => {
    const { positional, named } = argumentsOf("sample", e, 1, 2);
    checkNamed("sample", named, ["seed"]);
    const { expr, inputs } = await close(cx, positional[0]);
    const typed = typeOf(cx, expr, inputs);
    if (typed.kind === "number") {
      const text = textOf(positional[0].span);
      const wanted = valueWords.dist;
      return fail("session_kind", expr.span, { text, what: valueWords.array, wanted });
    }
    if ([...inputs.values()].some((v) => v.kind === "draws")) {
      const what = "a distribution over draws is drawn from by a statement";
      return fail("session_usage", e.span, { usage: "y ~ Normal(fit.mu, 1)", what });
    }
    const count = positional.length === 1 ? 1000 : await wholeNumber(cx, positional[1], 1);
    const given = named.get("seed");
    const seed = given === undefined ? undefined : await wholeNumber(cx, given.value, 0);
    return await sampleDist(cx, typed, inputs, count, seed);
  },
  plot: async (cx, e) => {
    const { positional, named } = argumentsOf("plot", e, 1);
    checkNamed("plot", named, ["kind"]);
    const kind = named.get("kind");
    const word = kind === undefined ? undefined : await optionOf(cx, kind.value);
    return { kind: "text", text: await plotOf(cx, positional, word, kind?.span ?? e.span) };
  },
  summary: async (cx, e) => {
    const { positional, named } = argumentsOf("summary", e, 1);
    checkNamed("summary", named, []);
    const { posterior } = await expectKind(cx, positional[0], "fit");
    const names = selectionsOf(positional.slice(1));
    const summary = await placed(e.span, () =>
      posterior.summary(names.length === 0 ? undefined : names),
    );
    return { kind: "summary", summary };
  },
  // Taken care of where draws are summarised; here their argument stood under a name.
  quantile: (_, e) => usageOf("quantile(x, 0.9)", e),
  median: (_, e) => usageOf("median(x)", e),
  marginals: async (cx, e) => {
    const { posterior, name } = await fitAndName(cx, "marginals", e);
    const { data, shape } = await placed(e.span, () => posterior.marginals(name));
    return { kind: "array", scalar: "real", value: { dims: shape, data } };
  },
  most_probable: async (cx, e) => {
    const { posterior, name } = await fitAndName(cx, "most_probable", e);
    const { data, shape } = await placed(e.span, () => posterior.mostProbable(name));
    return arrayOfData({ dims: shape, data });
  },
  save: async (cx, e) => {
    const { positional, named } = argumentsOf("save", e, 2, 2);
    checkNamed("save", named, []);
    const { posterior } = await expectKind(cx, positional[0], "fit");
    const { text } = await expectKind(cx, positional[1], "string");
    await placed(e.span, () => posterior.save(text));
    return { kind: "text", text: `saved in ${text}: summary.json, draws.csv` };
  },
};

export async function callSession(cx: Cx, name: SessionFunctionName, e: Call): Promise<Value> {
  return await rules[name](cx, e);
}

async function usageOf(usage: string, e: Call): Promise<never> {
  return fail("session_usage", e.span, { usage, what: "this call lacks its arguments by place" });
}

/** `nuts(draws: 500)` is a method; `nuts(m, draws: 500)` is its run on a model. */
export async function callMethod(cx: Cx, name: MethodName, e: Call): Promise<Value> {
  const positional = e.args.filter((a) => a.name === undefined);
  const named = new Map(e.args.flatMap((a) => (a.name === undefined ? [] : [[a.name.text, a]])));
  if (positional.length === 0) {
    return { kind: "method", method: await methodWith(cx, e, name, named) };
  }
  if (positional.length > 1) {
    const usage = `${name}(m, …)`;
    fail("session_usage", e.span, { usage, what: `\`${name}\` takes one model by place` });
  }
  const model = await expectKind(cx, positional[0].value, "model");
  return await inferWith(cx, e, model, name, named as ReadonlyMap<string, ast.Arg>);
}

async function methodGiven(cx: Cx, e: ast.Expr): Promise<Method | string> {
  const v = await evaluate(cx, e);
  if (v.kind === "method") return v.method;
  if (v.kind === "string") return v.text;
  const params = { text: textOf(e.span), what: valueWords[v.kind], wanted: valueWords.method };
  return fail("session_kind", e.span, params);
}

/** A method with options, which it checks itself. */
async function methodWith(
  cx: Cx,
  e: Call,
  method: Method | string,
  named: ReadonlyMap<string, ast.Arg>,
): Promise<Method> {
  const settings: Record<string, unknown> = {};
  for (const [name, { value }] of named) {
    // Programs and objectives are named, `iwae(5)`, and not evaluated.
    const isProgram = ["guide", "objective", "noise"].includes(name) && value.kind !== "string";
    settings[camelCase(name)] = isProgram ? textOf(value.span) : await optionOf(cx, value);
  }
  return await placed(e.span, () => {
    const name = typeof method === "string" ? method : method.method;
    if (!Object.hasOwn(methods, name)) {
      const wanted = `one of ${Object.keys(methods).join(", ")}`;
      fail("bad_option", undefined, { option: "`method`", value: name, wanted });
    }
    const base = typeof method === "string" ? {} : withoutName(method);
    return (methods[name as MethodName] as (s: object) => Method)({ ...base, ...settings });
  });
}

function withoutName({ method: _, ...settings }: Method): object {
  return settings;
}

/** Values that the session and `condition` have for a model, under its names. */
export function dataFor(cx: Cx, model: Model, { given }: ModelValue): Map<string, DataValue> {
  const inputs = new Set([...model.inputs.map((i) => i.name), ...model.boundSizes]);
  const sites = model.variables.filter((v) => v.role === "site").map((v) => v.name);
  const out = new Map<string, DataValue>();
  for (const [name, value] of cx.workspace.data()) {
    if (inputs.has(name) || (given === undefined && sites.includes(name))) out.set(name, value);
  }
  for (const [name, value] of given ?? []) out.set(name, value);
  return out;
}

function namesOf(model: Model): string[] {
  const sites = model.variables.filter((v) => v.role === "site").map((v) => v.name);
  return [...model.inputs.map((i) => i.name), ...model.boundSizes, ...sites];
}

async function inferWith(
  cx: Cx,
  e: Call,
  value: ModelValue,
  method: Method | string,
  named: ReadonlyMap<string, ast.Arg>,
): Promise<FitValue> {
  const own = new Map([...named].filter(([name]) => !runOptions.includes(name)));
  const checked = await methodWith(cx, e, method, own);
  const number = async (name: string, least: number): Promise<number | undefined> => {
    const arg = named.get(name);
    return arg === undefined ? undefined : await wholeNumber(cx, arg.value, least);
  };
  const seed = (await number("seed", 0)) ?? cx.workspace.seed;
  const threads = await number("threads", 1);
  const relabelGiven = named.get("relabel");
  const relabel = relabelGiven === undefined ? undefined : await optionOf(cx, relabelGiven.value);
  if (relabel !== undefined && typeof relabel !== "boolean") {
    const text = textOf(relabelGiven?.span ?? e.span);
    fail("session_values", relabelGiven?.span, {
      text,
      wanted: "`relabel: true` or `relabel: false`",
    });
  }
  const { model, declared } = cx.workspace.elaborated(value.name);
  const values = dataFor(cx, model, value);
  if (checked.method === "svi" || checked.method === "nce") {
    // Guides and objectives have inputs of their own.
    const { models, guides, objectives } = declared;
    const programs = [...models.values(), ...[...guides.values()].map((g) => g.program)];
    const others = [...programs, ...[...objectives.values()].map((o) => o.body)];
    const inputs = new Set(others.flatMap((m) => m.inputs.map((i) => i.name)));
    for (const [name, v] of cx.workspace.data()) if (inputs.has(name)) values.set(name, v);
  }
  const { models, guides, objectives } = declared;
  const task = { model, values, declared: { models, guides, objectives } };
  const watch = cx.watch(checked);
  try {
    const options = { method: checked, seed, threads, relabel };
    const posterior = await placed(e.span, () => cx.thread.run(task, options, watch));
    if (posterior.interrupted && (posterior.fit.chains[0]?.draws ?? 0) === 0) {
      return fail("session_no_draws", e.span, { model: value.name });
    }
    // What the session has beside the model's data is no mistake.
    cx.warn(posterior.fit.conditioned.warnings.filter((w) => w.code !== "data_unused"));
    return { kind: "fit", posterior };
  } finally {
    watch.close?.();
  }
}

async function fitAndName(
  cx: Cx,
  fn: "marginals" | "most_probable",
  e: Call,
): Promise<FitValue & { readonly name: string }> {
  const { positional, named } = argumentsOf(fn, e, 2, 2);
  checkNamed(fn, named, []);
  const fit = await expectKind(cx, positional[0], "fit");
  return { ...fit, name: textOf(positional[1].span) };
}

/** Names of variables and elements as they are typed: `theta`, `theta[3]`. */
export function selectionsOf(list: readonly ast.Expr[]): string[] {
  return list.map((e) => (e.kind === "string" ? e.value : textOf(e.span)));
}

function nestedLists({ dims, data, missing }: DataValue): unknown {
  const cell = (i: number): unknown => (missing?.[i] === 1 ? null : data[i]);
  const at = (axis: number, start: number): unknown => {
    if (axis === dims.length) return cell(start);
    const size = elementCount(dims.slice(axis + 1));
    return Array.from({ length: dims[axis] }, (_, k) => at(axis + 1, start + k * size));
  };
  return at(0, 0);
}
