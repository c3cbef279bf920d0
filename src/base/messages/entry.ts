/** The text of one diagnostic: what is wrong, and (nearly always) what to do about it. */
export interface MessageText {
  readonly message: string;
  readonly help?: string;
}

export interface MessageEntry<P> {
  readonly severity: "error" | "warning";
  readonly text: (params: P) => MessageText;
}

export function error<P>(text: (params: P) => MessageText): MessageEntry<P> {
  return { severity: "error", text };
}

export function warning<P>(text: (params: P) => MessageText): MessageEntry<P> {
  return { severity: "warning", text };
}

/** `did you mean "a"?`, or nothing where no candidate is near. */
export function didYouMean(candidates: readonly string[]): string | undefined {
  if (candidates.length === 0) return undefined;
  const quoted = candidates.map((c) => `\`${c}\``);
  const last = quoted.pop();
  return `did you mean ${quoted.length > 0 ? `${quoted.join(", ")} or ${last}` : last}?`;
}
