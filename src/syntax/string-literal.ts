/** Escapes in string literals: `\n \t \r \" \\` and `\u{1F600}`. */

const simple: { readonly [letter: string]: string } = {
  n: "\n",
  t: "\t",
  r: "\r",
  '"': '"',
  "\\": "\\",
};

export interface StringValue {
  readonly value: string;
  /** Escapes that mean nothing, with offsets into the literal. They stand for themselves. */
  readonly unknown: readonly { readonly offset: number; readonly text: string }[];
}

/** Reads a literal with its quotes; a missing closing quote is allowed. */
export function readString(literal: string): StringValue {
  const closed = literal.length > 1 && literal.endsWith('"');
  const end = closed ? literal.length - 1 : literal.length;
  const unknown: { offset: number; text: string }[] = [];
  let value = "";
  let i = 1;
  while (i < end) {
    if (literal[i] !== "\\") {
      value += literal[i++];
      continue;
    }
    const rest = literal.slice(i, end);
    const codePoint = /^\\u\{([0-9a-fA-F]{1,6})\}/.exec(rest);
    const code = codePoint === null ? Number.NaN : Number.parseInt(codePoint[1], 16);
    if (codePoint !== null && code <= 0x10ffff) {
      value += String.fromCodePoint(code);
      i += codePoint[0].length;
      continue;
    }
    const letter = String.fromCodePoint(rest.codePointAt(1) ?? 0x5c);
    if (letter in simple) value += simple[letter];
    else {
      unknown.push({ offset: i, text: `\\${letter}` });
      value += `\\${letter}`;
    }
    i += 1 + letter.length;
  }
  return { value, unknown };
}

/** The literal that reads back as `value`. */
export function writeString(value: string): string {
  const escapes: { readonly [character: string]: string } = {
    "\n": "\\n",
    "\t": "\\t",
    "\r": "\\r",
    '"': '\\"',
    "\\": "\\\\",
  };
  return `"${value.replace(/["\\\n\t\r]/g, (c) => escapes[c])}"`;
}
