/** The lexer over the token table. */
import { Lexer } from "./chevrotain.js";
import { tokenTable } from "./tokens.js";

export type TildeLexer = InstanceType<typeof Lexer>;

/** `validate` checks the table itself; costly, so only tests ask for it. */
export function createLexer(options: { readonly validate: boolean }): TildeLexer {
  return new Lexer(
    tokenTable.map((e) => e.type),
    {
      positionTracking: "onlyOffset",
      ensureOptimizations: true,
      skipValidations: !options.validate,
    },
  );
}

let shared: TildeLexer | undefined;

/** The lexer, built at first use. It holds no state between runs. */
export function tildeLexer(): TildeLexer {
  shared ??= createLexer({ validate: false });
  return shared;
}
