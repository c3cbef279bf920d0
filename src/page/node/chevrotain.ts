/** `grammar/chevrotain.ts` in a page: the package's own entry, which the bundler makes small. */
export {
  Alternation,
  CstParser,
  createToken,
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
} from "chevrotain";
