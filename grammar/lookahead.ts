/**
 * How the parser chooses by the next token. Chevrotain's own strategy finds the paths of every
 * choice of the grammar when a parser is made, most of the time to a first syntax tree; this one
 * finds first tokens (FIRST sets, Aho et al., “Compilers”, 2nd edition, section 4.4.2), of a rule
 * when the rule is first met. Where one token does not decide, chevrotain's strategy does.
 */
import {
  Alternation,
  type ILookaheadStrategy,
  type IOrAlt,
  type IProduction,
  type IToken,
  LLkLookaheadStrategy,
  NonTerminal,
  Option,
  type OptionalProductionType,
  Repetition,
  RepetitionMandatory,
  RepetitionMandatoryWithSeparator,
  RepetitionWithSeparator,
  type Rule,
  Terminal,
  type TokenType,
} from "./chevrotain.js";

/** The parser that chevrotain calls a choice on. */
interface Reader {
  LA(howMuch: number): IToken;
}

/** Token types by number (`tokenTypeIdx`), and whether nothing at all may stand there. */
interface First {
  readonly types: ReadonlySet<number>;
  readonly canBeEmpty: boolean;
}

const nothing: First = { types: new Set(), canBeEmpty: true };

/** What one production of a rule has to decide between, in the order of its alternatives. */
type Options = readonly First[];

interface Production extends IProduction {
  readonly definition?: readonly Production[];
}

/** Choices by FIRST sets, `LLkLookaheadStrategy` where these overlap. */
export class FirstTokenStrategy implements ILookaheadStrategy {
  readonly #paths: InstanceType<typeof LLkLookaheadStrategy>;
  readonly #ruleFirsts = new Map<Rule, First>();
  readonly #ruleOptions = new Map<Rule, ReadonlyMap<string, Options>>();

  constructor(maxLookahead: number) {
    this.#paths = new LLkLookaheadStrategy({ maxLookahead });
  }

  validate(options: Parameters<ILookaheadStrategy["validate"]>[0]) {
    return this.#paths.validate(options);
  }

  buildLookaheadForAlternation(
    options: Parameters<ILookaheadStrategy["buildLookaheadForAlternation"]>[0],
  ): (orAlts?: IOrAlt<unknown>[]) => number | undefined {
    type Choice = (this: Reader, orAlts?: IOrAlt<unknown>[]) => number | undefined;
    const { rule, prodOccurrence } = options;
    const make = (): Choice => {
      const found = this.#optionsOf(rule, "Alternation", prodOccurrence);
      if (options.hasPredicates || !areApart(found)) {
        return this.#paths.buildLookaheadForAlternation(options);
      }
      const chosen = new Map(found.flatMap(({ types }, k) => [...types].map((t) => [t, k])));
      return function () {
        return chosen.get(this.LA(1).tokenTypeIdx);
      };
    };
    let choice: Choice | undefined;
    return function (this: Reader, orAlts?: IOrAlt<unknown>[]) {
      choice ??= make();
      return choice.call(this, orAlts);
    } as () => number | undefined;
  }

  buildLookaheadForOptional(
    options: Parameters<ILookaheadStrategy["buildLookaheadForOptional"]>[0],
  ): () => boolean {
    type Test = (this: Reader) => boolean;
    const { rule, prodType, prodOccurrence } = options;
    const make = (): Test => {
      const [inside, after] = this.#optionsOf(rule, prodType, prodOccurrence);
      if (inside.canBeEmpty || !areApart([inside, { ...after, canBeEmpty: false }])) {
        return this.#paths.buildLookaheadForOptional(options);
      }
      return function () {
        return inside.types.has(this.LA(1).tokenTypeIdx);
      };
    };
    let test: Test | undefined;
    return function (this: Reader) {
      test ??= make();
      return test.call(this);
    } as () => boolean;
  }

  #optionsOf(rule: Rule, kind: OptionalProductionType | "Alternation", index: number): Options {
    let found = this.#ruleOptions.get(rule);
    if (found === undefined) {
      const all = new Map<string, Options>();
      this.#collect(rule.definition, nothing, all);
      this.#ruleOptions.set(rule, all);
      found = all;
    }
    return found.get(`${kind} ${index}`) ?? [];
  }

  /** Enters every choice within `definition`, which `after` may follow in its rule. */
  #collect(definition: readonly Production[], after: First, into: Map<string, Options>): void {
    let rest = after;
    for (const production of [...definition].reverse()) {
      const content = production.definition ?? [];
      const optional = (kind: OptionalProductionType, index: number, again: First): void => {
        const inside = this.#firstOf(content);
        into.set(`${kind} ${index}`, [inside, rest]);
        this.#collect(content, either([again, rest]), into);
      };
      if (production instanceof Alternation) {
        const firsts = content.map((a) => this.#firstOf(a.definition ?? []));
        into.set(`Alternation ${production.idx}`, firsts);
        for (const a of content) this.#collect(a.definition ?? [], rest, into);
      } else if (production instanceof Option) {
        optional("Option", production.idx, rest);
      } else if (production instanceof Repetition) {
        optional("Repetition", production.idx, this.#firstOf(content));
      } else if (production instanceof RepetitionMandatory) {
        optional("RepetitionMandatory", production.idx, this.#firstOf(content));
      } else if (production instanceof RepetitionWithSeparator) {
        optional("RepetitionWithSeparator", production.idx, firstOfType(production.separator));
      } else if (production instanceof RepetitionMandatoryWithSeparator) {
        const separator = firstOfType(production.separator);
        optional("RepetitionMandatoryWithSeparator", production.idx, separator);
      }
      rest = followedBy(this.#firstOfOne(production), rest);
    }
  }

  /** FIRST of a sequence. */
  #firstOf(definition: readonly Production[]): First {
    let first = nothing;
    for (const production of definition) {
      first = followedBy(first, this.#firstOfOne(production));
      if (!first.canBeEmpty) break;
    }
    return first;
  }

  #firstOfOne(production: Production): First {
    if (production instanceof Terminal) return firstOfType(production.terminalType);
    if (production instanceof NonTerminal) return this.#firstOfRule(production.referencedRule);
    const definition = production.definition ?? [];
    if (production instanceof Alternation) {
      return either(definition.map((a) => this.#firstOf(a.definition ?? [])));
    }
    const content = this.#firstOf(definition);
    const isMandatory =
      production instanceof RepetitionMandatory ||
      production instanceof RepetitionMandatoryWithSeparator;
    return isMandatory ? content : { ...content, canBeEmpty: true };
  }

  #firstOfRule(rule: Rule): First {
    const known = this.#ruleFirsts.get(rule);
    if (known !== undefined) return known;
    const first = this.#firstOf(rule.definition);
    this.#ruleFirsts.set(rule, first);
    return first;
  }
}

/** A type and those of its category. */
function firstOfType(type: TokenType): First {
  const own = type.tokenTypeIdx === undefined ? [] : [type.tokenTypeIdx];
  return { types: new Set([...own, ...(type.categoryMatches ?? [])]), canBeEmpty: false };
}

function either(firsts: readonly First[]): First {
  return {
    types: new Set(firsts.flatMap((f) => [...f.types])),
    canBeEmpty: firsts.some((f) => f.canBeEmpty),
  };
}

function followedBy(first: First, then: First): First {
  if (!first.canBeEmpty) return first;
  return { types: new Set([...first.types, ...then.types]), canBeEmpty: then.canBeEmpty };
}

/** Whether one token says which of them it is. */
function areApart(firsts: readonly First[]): boolean {
  const seen = new Set<number>();
  return firsts.every(({ types, canBeEmpty }) => {
    const isNew = [...types].every((t) => !seen.has(t));
    for (const t of types) seen.add(t);
    return isNew && !canBeEmpty;
  });
}
