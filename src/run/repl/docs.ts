/** `:doc NAME`: what a name is, from the tables that define it. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { EventSupport, ParamSpec } from "../../distributions/contract.js";
import { distributions } from "../../distributions/index.js";
import { importName } from "../../elaborate/files.js";
import { methods } from "../methods.js";
import { loadImport } from "../sources.js";
import { isMethod } from "./evaluate.js";
import { textOf } from "./language.js";
import { commandNames, commands, isSessionFunction, sessionFunctions, snakeCase } from "./names.js";
import { numberText } from "./values.js";
import type { Workspace } from "./workspace.js";

/** Undefined where nothing is known of the name. */
export function docOf(workspace: Workspace, name: string): string | undefined {
  const command = commandNames.find((c) => `:${c}` === name);
  if (command !== undefined) return `${commands[command].usage}\n${commands[command].doc}`;
  const own = declarationDoc(workspace, name);
  if (own !== undefined) return own;
  if (isSessionFunction(name)) {
    const { usage, doc } = sessionFunctions[name];
    return `${usage}\n${doc}`;
  }
  if (isMethod(name)) return methodDoc(name);
  if (Object.hasOwn(distributions, name)) return distributionDoc(name);
  return referenceRow(name);
}

function declarationDoc(workspace: Workspace, name: string): string | undefined {
  const decl = workspace.decls.get(name);
  if (decl !== undefined) {
    const head = textOf(decl.span).replace(/\s*[{=].*$/, "");
    return decl.doc === undefined ? head : `${head}\n${decl.doc}`;
  }
  const [module, fn] = name.includes(".") ? name.split(".") : [undefined, name];
  for (const i of workspace.imports.values()) {
    if (module !== undefined && importName(i) !== module) continue;
    const path = typeof i.path === "string" ? i.path : i.path.map((n) => n.text);
    const file = loadImport(path, i.span.source);
    if (file === undefined || !("kind" in file)) continue;
    const found = file.decls.find((d) => d.name.text === fn);
    if (found === undefined) continue;
    const head = textOf(found.span).replace(/\s*[{=].*$/, "");
    return `${head}\n${found.doc ?? ""}`.trimEnd();
  }
  return undefined;
}

function methodDoc(name: keyof typeof methods): string {
  const { method: _, ...options } = methods[name]();
  const lines = Object.entries(options).map(
    ([option, value]) => `  ${snakeCase(option)}: ${optionText(value)}`,
  );
  return [`${name}(…), with these options and defaults:`, ...lines].join("\n");
}

function optionText(value: unknown): string {
  if (typeof value === "number") return numberText(value);
  return JSON.stringify(value) ?? String(value);
}

const domains: { readonly [K in ParamSpec["domain"]]: string } = {
  real: "real",
  positive: "above 0",
  nonnegative: "at least 0",
  unit: "from 0 to 1",
  count: "0, 1, 2, …",
  positive_int: "1, 2, 3, …",
  simplex: "a simplex",
  positive_vector: "a vector of numbers above 0",
  cov: "a covariance matrix",
  corr: "a correlation matrix",
  cholesky_cov: "a Cholesky factor of a covariance matrix",
  cholesky_corr: "a Cholesky factor of a correlation matrix",
  ordered: "increasing",
  size: "a size",
};

function distributionDoc(name: string): string {
  const d = distributions[name];
  const heads = d.parameterisations.map((params, k) => {
    const words = params.map((p, i) => (k > 0 && i === params.length - 1 ? `${p.name}:` : p.name));
    return `${name}(${words.join(", ")})`;
  });
  const described = new Map(d.parameterisations.flat().map((p) => [p.name, p]));
  const parameters = [...described.values()].map((p) => {
    const rank = p.rank === 1 && domains[p.domain] === "real" ? "a real vector" : domains[p.domain];
    const rest = p.default !== undefined ? `, ${p.default} if left out` : "";
    return `  ${p.name}: ${rank}${rest}`;
  });
  const asked = ["log_prob(x)", ...(d.cdf ? ["cdf(x)"] : []), ...(d.mean ? ["mean"] : [])];
  const lines = [
    heads.join(", "),
    ...parameters,
    `  values: ${supportText(d.support(new Set()))}`,
    `  it can be asked: ${asked.map((a) => `.${a}`).join(", ")}`,
  ];
  const density = referenceCells(name)?.at(-1);
  return density === undefined ? lines.join("\n") : `${lines.join("\n")}\n  density: ${density}`;
}

function supportText(s: EventSupport): string {
  const bound = (b: number | { readonly param: string } | undefined): string =>
    b === undefined ? "…" : typeof b === "number" ? String(b) : b.param;
  if (s.kind === "interval") {
    return s.lower === undefined && s.upper === undefined
      ? "real"
      : `${bound(s.lower)} to ${bound(s.upper)}`;
  }
  if (s.kind === "integers") return `${bound(s.lower)}, …, ${bound(s.upper)}`;
  if (s.kind === "category") return `0, 1, …, as many as ${s.param} says`;
  return s.kind;
}

/** The language's reference, which the package carries. */
const page = ["../../../../docs/language.md", "../../../docs/language.md"]
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path));

function referenceRow(name: string): string | undefined {
  return referenceCells(name)
    ?.filter((c) => c !== "")
    .join(": ");
}

/** The row of the reference's tables that begins with a name. */
function referenceCells(name: string): readonly string[] | undefined {
  if (page === undefined) return undefined;
  for (const line of readFileSync(page, "utf8").split("\n")) {
    if (!line.startsWith("|")) continue;
    const cells = line.split(/(?<!\\)\|/).slice(1, -1);
    const names = cells
      .slice(0, 2)
      .join(" ")
      .matchAll(/`([A-Za-z_][\w]*)[(`]/g);
    if (![...names].some(([, n]) => n === name)) continue;
    return cells.map((c) => c.replace(/`/g, "").replace(/\\\|/g, "|").trim());
  }
  return undefined;
}
