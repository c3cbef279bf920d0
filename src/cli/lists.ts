/** Lists in options. */
import { fail } from "../base/diagnostic.js";

/** Names with commas between them; elements such as `Sigma[0,1]` hold commas. */
export function listOf(vars: string | undefined): readonly string[] | undefined {
  const names = vars
    ?.split(/,(?![^[]*\])/)
    .map((n) => n.trim())
    .filter((n) => n !== "");
  if (names?.length === 0) {
    const wanted = "names of variables with commas between them";
    fail("bad_option", undefined, { option: "--vars", value: JSON.stringify(vars), wanted });
  }
  return names;
}
