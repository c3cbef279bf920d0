/**
 * The one door to chevrotain. The package's entry pulls several hundred modules of `lodash-es`
 * (about 200 ms); the package also ships itself as one bundled file, which loads in about 10 ms
 * but is not listed in its `exports`. So the bundle is found beside the entry. Should a release
 * move it, the entry is used: the same code, only slower to load.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

export type {
  CstChildrenDictionary,
  CstElement,
  CstNode,
  ILexingResult,
  ILookaheadStrategy,
  IOrAlt,
  IParserErrorMessageProvider,
  IProduction,
  IRecognitionException,
  ISerializedGast,
  IToken,
  ITokenConfig,
  OptionalProductionType,
  Rule,
  TokenType,
} from "chevrotain";

type Chevrotain = typeof import("chevrotain");

async function load(): Promise<Chevrotain> {
  const entry = createRequire(import.meta.url).resolve("chevrotain");
  const bundle = join(dirname(entry), "..", "chevrotain.min.mjs");
  const path = existsSync(bundle) ? bundle : entry;
  return (await import(/* @vite-ignore */ pathToFileURL(path).href)) as Chevrotain;
}

export const {
  Alternation,
  createToken,
  CstParser,
  generateCstDts,
  Lexer,
  LLkLookaheadStrategy,
  NonTerminal,
  Option,
  Repetition,
  RepetitionMandatory,
  RepetitionMandatoryWithSeparator,
  RepetitionWithSeparator,
  Terminal,
} = await load();
