/** What an import of the API loads: no method, no device, nothing that few programs call. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const source = resolve(import.meta.dirname, "../../src");

/** Files that a file imports when it is loaded: types are erased, `import()` comes later. */
function importsOf(file: string): string[] {
  const statement = /^(?:import|export)\s+(type\s+)?([^;]*?)\s*from\s+"(\.[^"]+)";/gms;
  return [...readFileSync(file, "utf8").matchAll(statement)].flatMap(([, type, names, path]) => {
    const named = /^\{(.*)\}$/s.exec(names.trim())?.[1].split(",");
    const erased = named?.every((n) => n.trim() === "" || n.trim().startsWith("type ")) ?? false;
    if (type !== undefined || erased) return [];
    return [resolve(dirname(file), path.replace(/\.js$/, ".ts"))];
  });
}

/** Everything that is loaded with a file, as paths in `src`. */
function loadedWith(file: string): string[] {
  const found = new Set<string>();
  const open = [resolve(source, file)];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next) || !existsSync(next)) continue;
    found.add(next);
    open.push(...importsOf(next));
  }
  return [...found].map((f) => relative(source, f));
}

const loaded = loadedWith("index.ts");

test("an import of the API loads no method and no device for graphs", () => {
  const methods = ["ascent", "cavi", "em", "exact", "expectation", "expfam", "gibbs"];
  const more = ["hmc", "laplace", "map", "nuts", "objective", "svi", "vi/objective", "dp/model"];
  const rooms = [...methods, ...more].map((m) => `inference/${m}`);
  const late = [...rooms, "device/tensorflow", "device/webgpu", "run/sbc", "run/storage/restore"];
  // What is checked before a method is loaded: names and defaults.
  const isSetting = (f: string): boolean => /(defaults|names|contract)\.ts$/.test(f);
  const early = loaded.filter((f) => late.some((l) => f.startsWith(l)) && !isSetting(f));
  expect(early).toEqual([]);
});

test("what is loaded stays about as much as it is", () => {
  expect(loaded).toContain("run/infer.ts");
  expect(loaded.length).toBeLessThan(440);
});
