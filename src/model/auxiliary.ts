/**
 * Variables that the compiler adds to a model: their names hold a blank, which no name of the text
 * can. They are computed where something needs them and reported nowhere.
 */
import type { Model } from "./ir.js";

export function isAuxiliary(name: string): boolean {
  return name.includes(" ");
}

/** Names of the variables that the text defines. */
export function writtenNames(model: Model): string[] {
  return model.variables.map((v) => v.name).filter((name) => !isAuxiliary(name));
}

/** The let that holds the error of the solution `name` of a differential equation. */
export function errorOf(name: string): string {
  return `${name} error`;
}
