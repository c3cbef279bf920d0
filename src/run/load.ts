/** Program text to a model that can be inferred: what the API's `compile`, `load` and `ppl` share. */
import type { Diagnostic } from "../base/diagnostic.js";
import { fail, TildeError } from "../base/diagnostic.js";
import { renderDiagnostics } from "../base/render.js";
import type { Source } from "../base/span.js";
import type { Model } from "../model/ir.js";
import { printModel } from "../model/print.js";
import { checkSource, type Declared, selectModel } from "./compile.js";
import { shownValue } from "./methods.js";
import { loadSource } from "./sources.js";

export interface CompileOptions {
  /** Which model of the text; needed where it defines several. */
  readonly model?: string;
  /** The name that diagnostics give the text. */
  readonly path?: string;
}

/** A checked model. Immutable; may be inferred many times, with other data each time. */
export class Program {
  constructor(
    readonly source: Source,
    readonly model: Model,
    /** Warnings of the text. */
    readonly warnings: readonly Diagnostic[],
    /** Everything that the text declares: `svi` looks for guides and objectives there. */
    readonly declared: Declared,
  ) {}
  get name(): string {
    return this.model.name;
  }
  /** The text of the `///` comments above the model. */
  get doc(): string | undefined {
    return this.model.doc;
  }
  /** The model as the compiler understands it: types, shapes, supports. */
  toString(): string {
    return printModel(this.model);
  }
}

/**
 * Checks program text.
 * @throws TildeError with every error of the text, as data (`diagnostics`) and as a message.
 */
export function compile(text: string, options: CompileOptions = {}): Program {
  if (typeof text !== "string") {
    const wanted = "a string";
    fail("bad_option", undefined, { option: "`text`", value: shownValue(text), wanted });
  }
  return programOf({ path: options.path ?? "<ppl>", text }, options.model);
}

/** Reads and checks a file. */
export async function load(
  path: string,
  options: Pick<CompileOptions, "model"> = {},
): Promise<Program> {
  return programOf(await loadSource(path), options.model);
}

/** Program text as a tagged template: `` ppl`model m() { x ~ Normal(0, 1) }` ``. */
export function ppl(
  strings: TemplateStringsArray,
  ...values: readonly (string | number)[]
): Program {
  return compile(String.raw({ raw: strings.raw }, ...values));
}

function programOf(source: Source, name: string | undefined): Program {
  const checked = checkSource(source);
  try {
    const model = selectModel(checked, source, name);
    const { models, guides, objectives, diagnostics } = checked;
    return new Program(source, model, diagnostics, { models, guides, objectives });
  } catch (error) {
    if (!(error instanceof TildeError)) throw error;
    throw new TildeError(error.diagnostics, renderDiagnostics(error.diagnostics));
  }
}
