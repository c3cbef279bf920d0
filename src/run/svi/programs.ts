/** What a run of `svi` or `nce` learns with: an objective, and a model or guide for its arguments. */
import { fail, TildeError } from "../../base/diagnostic.js";
import { findGuide, findObjective } from "../../elaborate/find.js";
import { elaborate } from "../../elaborate/index.js";
import type { ProgramBinding } from "../../inference/objective/index.js";
import type { DataSet, DataValue } from "../../model/data.js";
import type { Model } from "../../model/ir.js";
import type { Objective } from "../../model/objective.js";
import type { Conditioned } from "../../passes/condition/index.js";
import { parseSource } from "../../syntax/parse.js";
import type { Declared } from "../compile.js";
import type { RawData } from "../data/values.js";
import type { NceOptions, SviOptions } from "../methods.js";
import { loadImport } from "../sources.js";
import { readEstimate } from "./estimate-text.js";
import { withEstimators } from "./estimators.js";

export interface Programs {
  readonly objective: Objective;
  readonly args: DataSet;
  readonly programs: ReadonlyMap<string, ProgramBinding>;
  /** The objective's argument that stands for the model, and the one that stands for its guide. */
  readonly model: string;
  readonly guide?: string;
}

/**
 * An argument of this name stands for a program over the data themselves, such as the noise of
 * noise-contrastive estimation; another guide draws what the data leave open.
 */
const OVER_DATA = "noise";

/** @throws TildeError where a name is unknown, or a guide is needed. */
export function bindMethod(
  model: Model,
  declared: Declared,
  method: SviOptions | NceOptions,
): Programs {
  const chosen = chooseObjective(model, declared, method);
  const { objective } = chosen;
  const named: Readonly<Record<string, string | undefined>> =
    method.method === "nce" ? {} : method.programs;
  const second = method.method === "nce" ? method.noise : method.guide;
  const programs = new Map<string, ProgramBinding>();
  const guides: string[] = [];
  for (const [place, name] of objective.programs.entries()) {
    if (place === 0) {
      programs.set(name, { model, isGuide: false });
      continue;
    }
    const wanted = named[name] ?? (place === 1 ? second : undefined);
    const found = boundOf(model, declared, objective, name, wanted, place === 1);
    const isPosterior = found.estimate?.kind === "normalize";
    if ((found.isGuide || isPosterior) && name !== OVER_DATA) guides.push(name);
    programs.set(name, { ...found, isGuide: found.isGuide && name !== OVER_DATA });
  }
  for (const [argument, name] of Object.entries(named)) {
    if (objective.programs.includes(argument)) continue;
    const wanted = `models and guides for ${objective.programs.slice(1).join(", ")}`;
    fail("bad_option", undefined, { option: "`programs`", value: `${argument}: ${name}`, wanted });
  }
  const drawn = new Set(objective.draws.flatMap((d) => sourcesOf(objective, d.program)));
  const using = withEstimators(programs, drawn, method.estimators);
  return { ...chosen, programs: using, model: objective.programs[0], guide: guides[0] };
}

/** An argument that is drawn from, or those that an estimate of the objective's text draws from. */
function sourcesOf({ estimates = [] }: Objective, name: string): string[] {
  const estimate = estimates.find((e) => e.name === name);
  if (estimate === undefined) return [name];
  const { program, proposal } = estimate;
  return proposal === undefined ? [program] : [program, proposal];
}

/** The program of that name, or the one that `marginal` or `normalize` makes of it. */
function boundOf(
  model: Model,
  declared: Declared,
  objective: Objective,
  argument: string,
  wanted: string | undefined,
  isSecond: boolean,
): ProgramBinding {
  const text = wanted === undefined ? undefined : readEstimate(wanted);
  if (text === undefined) return programOf(model, declared, objective, argument, wanted, isSecond);
  const { program, proposal, ...estimate } = text;
  const isGuide = isSecond && argument !== OVER_DATA;
  const base =
    program === model.name
      ? { model, isGuide: false }
      : programOf(model, declared, objective, argument, program, isSecond);
  const isOwn = base.model === model && estimate.kind === "normalize";
  if (isGuide && !base.isGuide && !isOwn) {
    fail("guide_needed", undefined, { objective: objective.name, model: model.name });
  }
  const own = proposal === undefined ? undefined : proposalOf(declared, proposal);
  return { ...base, estimate: { ...estimate, ...(own && { proposal: own }) } };
}

/** A proposal is a guide for the model, or for the guide whose auxiliary sites it draws. */
function proposalOf(declared: Declared, name: string): ProgramBinding {
  const guide = declared.guides.get(name);
  if (guide !== undefined) {
    const { program, auxiliary } = guide;
    return { model: program, isGuide: true, ...(auxiliary && { auxiliary }) };
  }
  const known = argumentNames(declared);
  const model = declared.models.get(name) ?? fail("program_unknown", undefined, { name, known });
  return { model, isGuide: false };
}

function programOf(
  model: Model,
  declared: Declared,
  objective: Objective,
  argument: string,
  wanted: string | undefined,
  isSecond: boolean,
): ProgramBinding {
  // `q` says nothing of which guide is meant; names such as `noise` and `critic` do.
  const isTelling = !isSecond || argument === OVER_DATA || declared.models.has(argument);
  const isNamed = isTelling && argumentNames(declared).includes(argument);
  const name = wanted ?? (isNamed ? argument : undefined);
  if (name !== undefined) {
    const other = declared.models.get(name);
    if (other !== undefined) return { model: other, isGuide: false };
    const guide = declared.guides.get(name);
    if (guide !== undefined && guide.model !== model.name) {
      fail("guide_of_other", undefined, { name, other: guide.model, model: model.name });
    }
    if (guide === undefined && !isSecond) {
      fail("program_unknown", undefined, { name, known: argumentNames(declared) });
    }
  }
  const guide = findGuide(declared, model.name, name);
  if (guide === undefined) {
    return fail("guide_needed", undefined, { objective: objective.name, model: model.name });
  }
  const { program, auxiliary } = guide;
  return { model: program, isGuide: true, ...(auxiliary && { auxiliary }) };
}

const argumentNames = ({ models, guides }: Declared): string[] => [
  ...models.keys(),
  ...guides.keys(),
];

/** The standard library's objectives, which no file needs to import. */
function library(): Declared {
  const { ast } = parseSource({ path: "objectives", text: "import objectives" });
  return elaborate(ast, { loadImport });
}

function chooseObjective(
  model: Model,
  declared: Declared,
  method: SviOptions | NceOptions,
): Pick<Programs, "objective" | "args"> {
  if (method.method === "nce") {
    const objective = findObjective(declared, "nce", library());
    return { objective, args: new Map([["ratio", scalar(method.ratio)]]) };
  }
  const hasGuide =
    method.guide !== undefined || [...declared.guides.values()].some((g) => g.model === model.name);
  const text = method.objective ?? (hasGuide ? "elbo" : "maximum_likelihood");
  const [, name, list] = /^\s*(?:objectives\.)?(\w+)\s*(?:\((.*)\))?\s*$/.exec(text) ?? [];
  if (name === undefined) badObjective(text);
  const objective = findObjective(declared, name, library());
  return { objective, args: argumentsOf(objective, list ?? "", text) };
}

function badObjective(text: string): never {
  const wanted = "a name with its arguments, such as `elbo`, `iwae(5)` or `renyi(alpha: 0.5)`";
  return fail("bad_option", undefined, { option: "`objective`", value: text, wanted });
}

/** `5` or `K: 5, alpha: 0.5`: numbers in the order of the objective's typed arguments, or by name. */
function argumentsOf(objective: Objective, list: string, text: string): DataSet {
  const names = objective.body.inputs.map((i) => i.name);
  const found = new Map<string, DataValue>();
  if (list.trim() === "") return found;
  for (const [place, part] of list.split(",").entries()) {
    const [, named, number] = /^\s*(?:(\w+)\s*[:=])?\s*([^\s]+)\s*$/.exec(part) ?? [];
    const name = named ?? names[place];
    const value = Number(number);
    if (number === undefined || name === undefined || !names.includes(name)) badObjective(text);
    if (!Number.isFinite(value)) badObjective(text);
    found.set(name, scalar(value));
  }
  return found;
}

const scalar = (x: number): DataValue => ({ dims: [], data: Float64Array.of(x) });

/** The data without what only other programs of the file take as input: the model has no use for it. */
export function withoutOthers(raw: RawData, model: Model, { models, guides }: Declared): RawData {
  const own = new Set([...model.inputs, ...model.variables].map((v) => v.name));
  const others = [...models.values(), ...[...guides.values()].map((g) => g.program)];
  const foreign = new Set(
    others.flatMap((m) => m.inputs.map((i) => i.name)).filter((name) => !own.has(name)),
  );
  const values = new Map([...raw.values].filter(([name]) => !foreign.has(name)));
  return { ...raw, values };
}

/** The data that other programs of the file may read and the model has no use for. */
export function dataOfOthers(
  raw: RawData,
  { inputs, observed, sizes }: Conditioned,
  { models, guides }: Declared,
): DataSet {
  const programs = [...models.values(), ...[...guides.values()].map((g) => g.program)];
  const read = new Set(programs.flatMap(readBy));
  const isOthers = (name: string): boolean =>
    read.has(name) && !inputs.has(name) && !observed.has(name) && !sizes.has(name);
  return new Map([...(raw.values as DataSet)].filter(([name]) => isOthers(name)));
}

/** Names of data that a program may read. */
function readBy({ inputs, variables, boundSizes }: Model): string[] {
  return [...inputs.map((i) => i.name), ...variables.map((v) => v.name), ...boundSizes];
}

/** What a program is called in messages: the model or guide, or what is made of it. */
export function programLabel(binding: ProgramBinding | undefined): string | undefined {
  if (binding?.estimate === undefined) return binding?.model.name;
  return `${binding.estimate.kind}(${binding.model.name})`;
}

/** All data that one of the programs may read. @throws TildeError for those that cannot be read. */
export function dataOf({ programs }: Programs, raw: RawData): DataSet {
  const wanted = new Set([...programs.values()].flatMap((p) => readBy(p.model)));
  const problems = [...raw.problems].filter(([name]) => wanted.has(name)).map(([, d]) => d);
  if (problems.length > 0) throw new TildeError(problems);
  return raw.values as DataSet;
}

/** @throws TildeError for sizes that there are not, or that are smaller than the minibatch. */
export function checkBatch(
  batch: Readonly<Record<string, number>>,
  sizes: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  for (const [size, rows] of Object.entries(batch)) {
    const all = sizes.get(size);
    if (all === undefined) {
      return fail("batch_size_unknown", undefined, { size, known: [...sizes.keys()] });
    }
    if (rows > all) fail("batch_too_large", undefined, { size, rows, all });
  }
  return new Map(Object.entries(batch));
}
