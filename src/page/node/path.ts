/** `node:path` in a page: paths of addresses, with `/` alone. */

/** The scheme and host of an address (`https://a.b`), which no `..` leaves, and the rest. */
function parts(path: string): readonly [origin: string, rest: string] {
  const origin = /^[a-z][a-z0-9+.-]*:\/\/[^/]*/i.exec(path)?.[0] ?? "";
  return [origin, path.slice(origin.length)];
}

/** `a//b/./c/..` → `a/b`; `..` stays at the beginning of a relative path, and nowhere else. */
function plain(path: string, isAbsolute: boolean): string {
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") kept.push(part);
    else if (kept.length > 0 && kept.at(-1) !== "..") kept.pop();
    else if (!isAbsolute) kept.push(part);
  }
  return `${isAbsolute ? "/" : ""}${kept.join("/")}`;
}

/** One path after the other from the root; one that begins with `/` or a host begins anew. */
export function resolve(...paths: readonly string[]): string {
  let [host, joined] = ["", "/"];
  for (const path of paths) {
    const [origin, rest] = parts(path);
    if (origin !== "" || path.startsWith("/")) joined = rest;
    else joined = `${joined}/${path}`;
    if (origin !== "") host = origin;
  }
  return `${host}${plain(joined, true)}`;
}

export function join(...paths: readonly string[]): string {
  const [host, path] = parts(paths.filter((p) => p !== "").join("/"));
  return `${host}${plain(path, host !== "" || path.startsWith("/"))}` || ".";
}

export function dirname(path: string): string {
  const at = path.lastIndexOf("/");
  return at < 0 ? "." : at === 0 ? "/" : path.slice(0, at);
}

export const basename = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

export function extname(path: string): string {
  const base = basename(path);
  return base === ".." ? "" : (/.(\.[^.]*)$/.exec(base)?.[1] ?? "");
}

/** As it is: there are no folders to be relative to. */
export const relative = (_from: string, to: string): string => to;
