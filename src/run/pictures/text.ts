/** Pictures as characters, panel under panel. */
import { bars, cells, type Interval, intervals, points } from "./characters.js";
import type { Layer, Panel, Picture } from "./picture.js";

/** Characters across. */
const WIDTH = 60;

/** The whole picture; colours are lost, so that chains lie over one another. */
export function textOf(picture: Picture): string {
  const head = [picture.title, ...picture.notes];
  const panels = picture.panels.filter((p) => p.layers.length > 0).map(panelText);
  return [head.join("\n"), ...panels].join("\n\n");
}

function panelText(panel: Panel): string {
  const { layers } = panel;
  const axes = [panel.y.title, panel.x.title].filter((t) => t !== "");
  const name = panel.title === "" ? axes.join(" against ") : panel.title;
  const title = name === "" ? [] : [name];
  for (const layer of layers) {
    if (layer.kind === "intervals") return [...title, intervals(layer.rows.map(row))].join("\n");
    if (layer.kind === "cells") return [...title, cells(layer.size, layer.values)].join("\n");
    if (layer.kind === "bars") return [...title, barText(layer, layers)].join("\n");
  }
  const [x, y]: [number[], number[]] = [[], []];
  for (const layer of layers) if (!isHidden(layer, layers)) collect(layer, panel, x, y);
  return [...title, points(x, y)].join("\n");
}

/** Of many faint curves the few others could not be told. */
function isHidden(layer: Layer, all: readonly Layer[]): boolean {
  if (layer.kind !== "line" || layer.tone !== "faint") return false;
  const faint = all.filter((l) => l.kind === "line" && l.tone === "faint");
  return faint.indexOf(layer) % Math.ceil(faint.length / 8) !== 0;
}

function row(r: Extract<Layer, { kind: "intervals" }>["rows"][number]): Interval {
  return { name: r.name, quantiles: [r.low, r.midLow, r.middle, r.midHigh, r.high] };
}

/** Heights in columns of characters; a mark under the axis where a line is drawn across. */
function barText(layer: Extract<Layer, { kind: "bars" }>, all: readonly Layer[]): string {
  const { left, right, y } = layer;
  const rules = all.flatMap((l) => (l.kind === "rule" && l.axis === "x" ? [l.at] : []));
  const low = Math.min(left[0], ...rules);
  const high = Math.max(right[right.length - 1], ...rules);
  const heights = new Array<number>(WIDTH).fill(0);
  const at = (v: number): number =>
    Math.min(WIDTH - 1, Math.floor(((v - low) / (high - low)) * WIDTH));
  for (let k = 0; k < y.length; k++) {
    for (let c = at(left[k]); c < Math.max(at(left[k]) + 1, at(right[k])); c++) heights[c] = y[k];
  }
  const number = (v: number): string => String(Number(v.toPrecision(3)));
  const marks = new Array<string>(WIDTH).fill(" ");
  for (const v of rules) marks[at(v)] = "▲";
  const under = rules.length === 0 ? [] : [marks.join("").trimEnd()];
  return [bars(heights, number(low), number(high)), ...under].join("\n");
}

/** The dots of a layer. */
function collect(layer: Layer, panel: Panel, x: number[], y: number[]): void {
  const onX = (v: number): number => (panel.x.isLog === true ? Math.log10(v) : v);
  const onY = (v: number): number => (panel.y.isLog === true ? Math.log10(v) : v);
  if (layer.kind === "points") {
    x.push(...Array.from(layer.x, onX));
    y.push(...Array.from(layer.y, onY));
  }
  if (layer.kind !== "line") return;
  const n = layer.x.length;
  // Dots between points that lie far apart.
  const between = Math.max(1, Math.ceil((4 * WIDTH) / Math.max(1, n - 1)));
  for (let i = 0; i + 1 < n; i++) {
    const [a, b] = [onX(layer.x[i]), onX(layer.x[i + 1])];
    const [u, v] = [onY(layer.y[i]), onY(layer.y[i + 1])];
    for (let k = 0; k < between; k++) {
      const part = k / between;
      x.push(a + part * (b - a));
      y.push(layer.isStep === true ? u : u + part * (v - u));
    }
  }
  if (n > 0) {
    x.push(onX(layer.x[n - 1]));
    y.push(onY(layer.y[n - 1]));
  }
}
