/** What a syntax error expected, carried as data in the error's message. */
import type { IParserErrorMessageProvider } from "./chevrotain.js";

/** What a syntax error expected, as data for `src/syntax/explain.ts`. */
export interface ExpectedTokens {
  /** The names of the token types that may stand at the point of the error. */
  readonly expected: readonly string[];
}

/** Error "messages" are JSON of `ExpectedTokens`: the texts for people stand in one table elsewhere. */
export const expectedAsData: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected }) => encode([expected.name]),
  buildNotAllInputParsedMessage: () => encode(["EOF"]),
  buildNoViableAltMessage: ({ expectedPathsPerAlt }) =>
    encode(expectedPathsPerAlt.flatMap((alt) => alt.map((path) => path[0]?.name ?? "EOF"))),
  buildEarlyExitMessage: ({ expectedIterationPaths }) =>
    encode(expectedIterationPaths.map((path) => path[0]?.name ?? "EOF")),
};

function encode(expected: readonly string[]): string {
  return JSON.stringify({ expected: [...new Set(expected)] } satisfies ExpectedTokens);
}
