import { describe, expect, it } from "vitest";
import {
  Alternation,
  type IToken,
  LLkLookaheadStrategy,
  Option,
  type OptionalProductionType,
  Repetition,
  RepetitionMandatory,
  RepetitionMandatoryWithSeparator,
  RepetitionWithSeparator,
} from "../../grammar/chevrotain.js";
import { FirstTokenStrategy } from "../../grammar/lookahead.js";
import { TildeParser } from "../../grammar/parser.js";
import { allTokens, tokenTable } from "../../grammar/tokens.js";

/** What may stand in a choice: a token, and the one after it. */
interface Ahead {
  readonly LA: (k: number) => Pick<IToken, "tokenTypeIdx">;
  readonly LA_FAST: (k: number) => Pick<IToken, "tokenTypeIdx">;
}

function ahead(first: number, second: number): Ahead {
  const LA = (k: number) => ({ tokenTypeIdx: k === 1 ? first : second });
  return { LA, LA_FAST: LA };
}

const kinds: readonly (readonly [abstract new (...args: never[]) => object, string])[] = [
  [Alternation, "Alternation"],
  [Option, "Option"],
  [RepetitionMandatoryWithSeparator, "RepetitionMandatoryWithSeparator"],
  [RepetitionMandatory, "RepetitionMandatory"],
  [RepetitionWithSeparator, "RepetitionWithSeparator"],
  [Repetition, "Repetition"],
];

interface Node {
  readonly idx?: number;
  readonly definition?: readonly Node[];
  readonly referencedRule?: unknown;
}

function nested(nodes: readonly Node[]): Node[] {
  return nodes.flatMap((n) => [
    n,
    ...(n.referencedRule === undefined ? nested(n.definition ?? []) : []),
  ]);
}

describe("lookahead by first tokens", () => {
  const rules = Object.values(new TildeParser({ validate: false }).getGAstProductions());
  const types = allTokens.flatMap((t) => t.tokenTypeIdx ?? []);
  const [own, paths] = [new FirstTokenStrategy(2), new LLkLookaheadStrategy({ maxLookahead: 2 })];
  const common = { maxLookahead: 2, dynamicTokensEnabled: false };

  it.each(rules.map((r) => [r.name, r] as const))("chooses as LL(2) does in %s", (_, rule) => {
    for (const node of nested(rule.definition as readonly Node[])) {
      const kind = kinds.find(([of]) => node instanceof of)?.[1];
      if (kind === undefined) continue;
      const place = { ...common, rule, prodOccurrence: node.idx ?? 0 };
      const [a, b] = [own, paths].map((strategy) =>
        kind === "Alternation"
          ? strategy.buildLookaheadForAlternation({ ...place, hasPredicates: false })
          : strategy.buildLookaheadForOptional({
              ...place,
              prodType: kind as OptionalProductionType,
            }),
      );
      for (const first of types) {
        for (const second of types) {
          const tokens = ahead(first, second);
          const [x, y] = [a, b].map((f) => (f as (this: Ahead) => unknown).call(tokens));
          if (x !== y) expect.fail(`${kind} ${node.idx}: ${first} ${second}: ${x} is not ${y}`);
        }
      }
    }
  });
});

describe("first characters of tokens", () => {
  const patterns = tokenTable.filter(({ type }) => type.PATTERN instanceof RegExp);
  // Latin, the spaces and line ends of Unicode, and the mark of byte order.
  const range = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, k) => String.fromCharCode(from + k));
  const firsts = [...range(0, 0x250), ...range(0x2000, 0x2070), "\u3000", "\ufeff", "\uffff"];
  // What may follow a first character in some match of a pattern.
  const ends = ["", "1", ".", ".1", "=", "*", "/", "**/", "\n", '"', "'", "x", "e1", "//", "/x"];

  it.each(patterns.map(({ type }) => [type.name, type] as const))("of %s are told", (_, type) => {
    const pattern = new RegExp((type.PATTERN as RegExp).source, "uy");
    const told = new Set(type.START_CHARS_HINT);
    const missing = new Set<string>();
    const used = new Set<string>();
    for (const first of firsts) {
      for (const end of ends) {
        pattern.lastIndex = 0;
        if (!pattern.test(first + end)) continue;
        (told.has(first) ? used : missing).add(first);
      }
    }
    expect([...missing]).toEqual([]);
    expect(used).toEqual(told);
  });
});
