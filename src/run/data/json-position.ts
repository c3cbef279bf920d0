/** Where a text stops being JSON. */

/** One token of JSON; engines differ in whether they tell where an error is. */
const jsonToken =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON's strings hold none of these
  /(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null))/y;

const blank = /[ \t\n\r]*/y;

/** Where the first token stands that JSON does not allow; the length of a text that ends too early. */
export function jsonErrorPosition(text: string): number | undefined {
  const open: string[] = [];
  let wants: "value" | "first" | "key" | "firstKey" | "colon" | "next" = "value";
  let at = 0;
  for (;;) {
    blank.lastIndex = at;
    blank.test(text);
    const start = blank.lastIndex;
    jsonToken.lastIndex = start;
    const found = jsonToken.exec(text);
    if (start === text.length) return open.length > 0 || wants !== "next" ? start : undefined;
    if (found === null) return start;
    const [, mark, string, literal] = found;
    const inside = open[open.length - 1];
    const closes = mark === "}" ? "{" : mark === "]" ? "[" : undefined;
    if (closes !== undefined) {
      const empty = wants === (mark === "}" ? "firstKey" : "first");
      if (inside !== closes || !(wants === "next" || empty)) return start;
      open.pop();
      wants = "next";
    } else if (wants === "value" || wants === "first") {
      if (mark === "{" || mark === "[") {
        open.push(mark);
        wants = mark === "{" ? "firstKey" : "first";
      } else if (string !== undefined || literal !== undefined) wants = "next";
      else return start;
    } else if (wants === "key" || wants === "firstKey") {
      if (string === undefined) return start;
      wants = "colon";
    } else if (wants === "colon") {
      if (mark !== ":") return start;
      wants = "value";
    } else {
      if (mark !== "," || inside === undefined) return start;
      wants = inside === "{" ? "key" : "value";
    }
    at = jsonToken.lastIndex;
  }
}
