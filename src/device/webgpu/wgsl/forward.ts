/**
 * Tasks that run in one thread one after the other: what one stores and a later one reads at the same
 * element is handed on in a variable. A store that no other kernel reads is left out; a compiler could
 * not do that, since it cannot see the others. So a state that is computed, then copied over the present
 * one, crosses the memory's bus once.
 */
import type { Task } from "../plan/context.js";
import type { Part, Stage } from "../plan/schedule.js";
import type { Region } from "../plan/storage.js";

/** A store of a thread's own element, number or vector, outside of branches. */
const STORE = /^ws\[(\w+)( \/ 4u)? \+ item\] = (.*);$/;

/** Whether a region is read by any part of the stages but one. */
export function readBeyond(stages: readonly Stage[]): (part: Part, region: Region) => boolean {
  const readers = new Map<Region, Set<Part>>();
  const visit = (stage: Stage): void => {
    if (stage.kind === "loop") stage.body.forEach(visit);
    else if (stage.kind === "choice") for (const own of stage.cases) own.forEach(visit);
    else {
      for (const part of stage.parts) {
        for (const region of part.tasks.flatMap((t) => [...t.reads])) {
          const known = readers.get(region);
          if (known === undefined) readers.set(region, new Set([part]));
          else known.add(part);
        }
      }
    }
  };
  stages.forEach(visit);
  return (part, region) => [...(readers.get(region) ?? [])].some((reader) => reader !== part);
}

/** `isNeeded`: whether anything but these tasks reads the region. */
export function chainText(
  tasks: readonly Task[],
  type: "f32" | "vec4<f32>",
  isNeeded: (region: Region) => boolean,
): string {
  const regions = new Map(tasks.flatMap((t) => [...t.writes]).map((r) => [r.name, r]));
  const stored = new Set<string>();
  const texts = tasks.map((task) => {
    let text = task.text;
    for (const name of stored) text = text.replaceAll(ownPlace(name, type), `own_${name}`);
    for (const name of storesOf(text)) stored.add(name);
    return text;
  });
  // Read at a place that is written in another way, a region has to be stored.
  const mentions = texts
    .flatMap((text) => text.split("\n").map((line) => STORE.exec(line)?.[3] ?? line))
    .join("\n");
  const isKept = (name: string): boolean => {
    const region = regions.get(name);
    return (
      region === undefined ||
      region.pinned ||
      isNeeded(region) ||
      new RegExp(`\\b${name}\\b`).test(mentions)
    );
  };
  const used = new Set([...mentions.matchAll(/\bown_([a-z]_at_\d+)\b/g)].map((m) => m[1]));
  const blocks = texts.map((text) => `{\n${storesWith(text, used, isKept)}\n}`);
  return [...[...used].map((name) => `var own_${name}: ${type};`), ...blocks].join("\n");
}

function ownPlace(name: string, type: "f32" | "vec4<f32>"): string {
  return type === "f32" ? `ws[${name} + item]` : `ws[${name} / 4u + item]`;
}

/** The lines of a text with the depth of braces before each. */
function outerStores(text: string): readonly (readonly [string, RegExpExecArray | null])[] {
  let depth = 0;
  return text.split("\n").map((line) => {
    const store = depth === 0 ? STORE.exec(line) : null;
    for (const brace of line) depth += brace === "{" ? 1 : brace === "}" ? -1 : 0;
    return [line, store];
  });
}

function storesOf(text: string): string[] {
  return outerStores(text).flatMap(([, store]) => (store === null ? [] : [store[1]]));
}

function storesWith(
  text: string,
  used: ReadonlySet<string>,
  isKept: (name: string) => boolean,
): string {
  return outerStores(text)
    .flatMap(([line, store]) => {
      if (store === null) return [line];
      const [, name, by4, value] = store;
      const keeps = isKept(name);
      if (!used.has(name)) return keeps ? [line] : [];
      const own = `own_${name} = ${value};`;
      return keeps ? [own, `ws[${name}${by4 ?? ""} + item] = own_${name};`] : [own];
    })
    .join("\n");
}
