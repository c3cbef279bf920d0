/** The parser's rules as plain data, read back from the parser itself. */

import { internalError } from "../src/base/internal.js";
import type { ISerializedGast } from "./chevrotain.js";
import { tildeParser } from "./parser.js";
import { tokenTable } from "./tokens.js";

/** One construct of a rule. Names of terminals are token names. */
export type Production =
  | { readonly kind: "rule"; readonly name: string }
  | { readonly kind: "token"; readonly name: string }
  | { readonly kind: "sequence"; readonly items: readonly Production[] }
  | { readonly kind: "choice"; readonly items: readonly Production[] }
  | { readonly kind: "optional"; readonly item: Production }
  | { readonly kind: "repeat"; readonly item: Production; readonly least: 0 | 1 }
  | {
      readonly kind: "separated";
      readonly item: Production;
      readonly separator: string;
      readonly least: 0 | 1;
    };

export interface NamedProduction {
  readonly name: string;
  readonly body: Production;
}

/** All rules in the order of `parser.ts`. */
export function productions(): NamedProduction[] {
  return tildeParser()
    .getSerializedGastProductions()
    .map((gast) => {
      const rule = gast as SerializedNode;
      return { name: rule.name ?? "", body: sequence(rule.definition) };
    });
}

/** The serialised node; chevrotain's own types leave the fields of each kind open. */
interface SerializedNode extends ISerializedGast {
  readonly name?: string;
  readonly separator?: { readonly name: string };
}

function sequence(definition: readonly ISerializedGast[] | undefined): Production {
  const items = (definition ?? []).map((gast) => convert(gast as SerializedNode));
  return items.length === 1 ? items[0] : { kind: "sequence", items };
}

function convert(node: SerializedNode): Production {
  switch (node.type) {
    case "NonTerminal":
      return { kind: "rule", name: node.name ?? "" };
    case "Terminal":
      return { kind: "token", name: node.name ?? "" };
    case "Alternative":
      return sequence(node.definition);
    case "Alternation":
      return {
        kind: "choice",
        items: (node.definition ?? []).map((gast) => convert(gast as SerializedNode)),
      };
    case "Option":
      return { kind: "optional", item: sequence(node.definition) };
    case "Repetition":
      return { kind: "repeat", item: sequence(node.definition), least: 0 };
    case "RepetitionMandatory":
      return { kind: "repeat", item: sequence(node.definition), least: 1 };
    case "RepetitionWithSeparator":
    case "RepetitionMandatoryWithSeparator":
      return {
        kind: "separated",
        item: sequence(node.definition),
        separator: node.separator?.name ?? "",
        least: node.type === "RepetitionWithSeparator" ? 0 : 1,
      };
    default:
      return internalError(`unknown construct ${node.type}`);
  }
}

const textOf: ReadonlyMap<string, string> = new Map(
  tokenTable.flatMap((e) => (e.text === undefined ? [] : [[e.type.name, e.text]])),
);

/** The fixed text of a token, or `undefined` for names, literals and categories. */
export function tokenText(name: string): string | undefined {
  return textOf.get(name);
}

/** The fixed texts of the tokens in a category, in the table's order. */
export function categoryTexts(category: string): string[] {
  return tokenTable.flatMap((e) =>
    e.text !== undefined && e.type.CATEGORIES?.some((c) => c.name === category) ? [e.text] : [],
  );
}
