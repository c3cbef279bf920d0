/**
 * Binding strengths. The grammar reads an operation as a flat row of operands and operators (which
 * keeps its depth small), and `src/syntax/lower-operations.ts` groups the row by this table.
 */
export interface OperatorRule {
  /** The larger binds tighter. */
  readonly strength: number;
  readonly rightAssociative: boolean;
}

const left = (strength: number): OperatorRule => ({ strength, rightAssociative: false });

export const binaryOperators = {
  "||": left(1),
  "&&": left(2),
  "<": left(3),
  "<=": left(3),
  ">": left(3),
  ">=": left(3),
  "==": left(3),
  "!=": left(3),
  "+": left(4),
  "-": left(4),
  "*": left(5),
  "/": left(5),
  "%": left(5),
  "@": left(6),
  "^": { strength: 8, rightAssociative: true },
} as const satisfies { readonly [op: string]: OperatorRule };

/** Prefix `-` and `!` stand between `^` and `@`: `-x^2` is `-(x^2)`, `-a @ b` is `(-a) @ b`. */
export const prefixStrength = 7;
