/**
 * Diagnostics are data: a code, where, and the parameters of its text. All texts stand in one
 * table (`messages/`), so that they can be listed, tested and improved in one place.
 */
import { type MessageCode, type MessageParams, messageTable } from "./messages/index.js";
import type { Span } from "./span.js";

export type Severity = "error" | "warning";

/** A second place that explains the first, such as the earlier declaration of a name. */
export interface Note {
  readonly span?: Span;
  readonly text: string;
}

export interface Diagnostic {
  readonly code: MessageCode;
  readonly severity: Severity;
  /** Absent for diagnostics of data and options, which name the input in their message instead. */
  readonly span?: Span;
  /** One sentence: what is wrong, with the actual names, types or values. */
  readonly message: string;
  /** One sentence: what to do. */
  readonly help?: string;
  readonly notes: readonly Note[];
}

/** Makes a diagnostic from the table's text for `code`. */
export function diagnostic<C extends MessageCode>(
  code: C,
  span: Span | undefined,
  params: MessageParams<C>,
  notes: readonly Note[] = [],
): Diagnostic {
  const entry = messageTable[code];
  // The table is keyed by the same code, so its text takes exactly these parameters.
  const text = (entry.text as (p: MessageParams<C>) => { message: string; help?: string })(params);
  return { code, severity: entry.severity, span, notes, ...text };
}

/** What the public API throws for bad text, data or options: one or more diagnostics. */
export class TildeError extends Error {
  override readonly name: string = "TildeError";
  // A field would be printed with every error that nobody caught, source texts and all.
  readonly #diagnostics: readonly Diagnostic[];
  constructor(
    diagnostics: readonly Diagnostic[],
    rendered: string = diagnostics.map(plainDiagnostic).join("\n"),
  ) {
    super(rendered);
    this.#diagnostics = diagnostics;
  }

  get diagnostics(): readonly Diagnostic[] {
    return this.#diagnostics;
  }
}

/** Throws a `TildeError` of one diagnostic. */
export function fail<C extends MessageCode>(
  code: C,
  span: Span | undefined,
  params: MessageParams<C>,
  notes: readonly Note[] = [],
): never {
  throw new TildeError([diagnostic(code, span, params, notes)]);
}

/** Collects the diagnostics of one pass over a file, in the order they were found. */
export class DiagnosticSink {
  readonly all: Diagnostic[] = [];
  report<C extends MessageCode>(
    code: C,
    span: Span | undefined,
    params: MessageParams<C>,
    notes: readonly Note[] = [],
  ): void {
    this.all.push(diagnostic(code, span, params, notes));
  }
  get hasErrors(): boolean {
    return this.all.some((d) => d.severity === "error");
  }
}

function plainDiagnostic(d: Diagnostic): string {
  return d.help === undefined ? d.message : `${d.message}; ${d.help}`;
}
