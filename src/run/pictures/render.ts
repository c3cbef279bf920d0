/** Charts as files: SVG and HTML through Vega-Lite, PNG from the SVG. The packages are optional. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fail } from "../../base/diagnostic.js";
import { chartOf, type Json } from "./chart.js";
import type { Picture } from "./picture.js";

export type FileFormat = "svg" | "png" | "html";

/** What is used of `vega` and `vega-lite`. */
interface Vega {
  readonly parse: (spec: object) => object;
  readonly View: new (
    runtime: object,
    options: object,
  ) => { toSVG(): Promise<string>; finalize(): void };
}
interface VegaLite {
  readonly compile: (spec: object) => { readonly spec: object };
}
interface Rendered {
  readonly pixels: Uint8Array;
  readonly asPng: () => Uint8Array;
}
interface Resvg {
  readonly Resvg: new (svg: string, options: object) => { render(): Rendered };
}

/** @throws TildeError where the packages are not installed. */
async function optional<T>(name: string, names: readonly string[]): Promise<T> {
  try {
    return (await import(name)) as T;
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split("\n");
    return fail("picture_library", undefined, { names, reason });
  }
}
const charting = ["vega", "vega-lite"];

async function compiled(picture: Picture): Promise<object> {
  const { compile } = await optional<VegaLite>("vega-lite", charting);
  return compile(chartOf(picture)).spec;
}

/** @throws TildeError where `vega` and `vega-lite` are not installed. */
export async function svgOf(picture: Picture): Promise<string> {
  const spec = await compiled(picture);
  const vega = await optional<Vega>("vega", charting);
  const view = new vega.View(vega.parse(spec), { renderer: "none" });
  const svg = await view.toSVG();
  view.finalize();
  return `${svg}\n`;
}

/** Pixels for one of the chart. */
const PNG_SCALE = 2;

/** A letter as charts have them. */
const LETTER = `<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">
<text x="2" y="16" font-family="sans-serif" font-size="14">M</text></svg>`;

/**
 * @param font where letters come from: the system's fonts unless told otherwise
 * @throws TildeError where the packages are not installed, or there is no font: charts would come out
 * without their text.
 */
export async function pngOf(picture: Picture, font: object = {}): Promise<Uint8Array> {
  const needed = [...charting, "@resvg/resvg-js"];
  const { Resvg } = await optional<Resvg>("@resvg/resvg-js", needed);
  const letter = new Resvg(LETTER, { font }).render().pixels;
  if (letter.every((v) => v === 0)) fail("picture_fonts", undefined, {});
  const options = { font, fitTo: { mode: "zoom", value: PNG_SCALE }, background: "white" };
  return new Resvg(await svgOf(picture), options).render().asPng();
}

/** One page that needs nothing else: the chart, and Vega to draw it in the browser. */
export async function htmlOf(picture: Picture): Promise<string> {
  const spec = await compiled(picture);
  await optional<Vega>("vega", charting);
  const entry = createRequire(import.meta.url).resolve("vega/vega-schema.json");
  const script = await readFile(join(dirname(entry), "vega.min.js"), "utf8");
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${escaped(picture.title)}</title>
<div id="picture"></div>
<script>${script.replaceAll("</script", "<\\/script")}</script>
<script>
new vega.View(vega.parse(${JSON.stringify(spec as Json).replaceAll("<", "\\u003c")}), {
  renderer: "svg", container: "#picture", hover: true
}).runAsync();
</script>
</html>
`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

/** @throws TildeError where the packages are not installed. */
export async function fileOf(picture: Picture, format: FileFormat): Promise<string | Uint8Array> {
  switch (format) {
    case "svg":
      return await svgOf(picture);
    case "png":
      return await pngOf(picture);
    case "html":
      return await htmlOf(picture);
  }
}
