/**
 * Errors that are ours, never the user's. An `InternalError` asks for a report; the CLI and the
 * API print it as such and never let a bare stack trace through.
 */
export class InternalError extends Error {
  override readonly name = "InternalError";
  constructor(what: string, options?: ErrorOptions) {
    super(
      `internal error: ${what}. This is a bug in Tilde; please report it with the model and data that led here`,
      options,
    );
  }
}

/** Throws an `InternalError`. For states that the types cannot exclude but the program must. */
export function internalError(what: string): never {
  throw new InternalError(what);
}

/** Ends a switch over a discriminated union: the compiler proves that it is never reached. */
export function assertNever(value: never, where: string): never {
  return internalError(`unexpected ${JSON.stringify(value)} in ${where}`);
}
