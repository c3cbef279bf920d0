import { renderDiagnostics } from "../../src/base/render.js";
import type { LoadImport } from "../../src/elaborate/index.js";
import { elaborate } from "../../src/elaborate/index.js";
import type { Model } from "../../src/model/ir.js";
import { parseSource } from "../../src/syntax/parse.js";

/** Parses and elaborates; the diagnostics of both stages. */
export function check(text: string, path = "model.ppl", loadImport?: LoadImport) {
  const parsed = parseSource({ path, text });
  const { models, diagnostics } = elaborate(parsed.ast, { loadImport });
  return { models, diagnostics: [...parsed.diagnostics, ...diagnostics] };
}

/** The only model of a text that must have no errors. */
export function modelOf(text: string): Model {
  const { models, diagnostics } = check(text);
  const errors = diagnostics.filter((d) => d.severity === "error");
  if (errors.length > 0) throw new Error(renderDiagnostics(errors));
  const [model] = models.values();
  return model;
}
