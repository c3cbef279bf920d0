/** Pictures as Vega-Lite specifications. */
import type { Layer, Panel, Picture, Tone } from "./picture.js";

/** A specification, as JSON. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };
type Spec = { readonly [key: string]: Json };

/** Distinct for the colour-blind: Okabe and Ito (2008), yellow left out, then lighter ones. */
const PALETTE = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#e69f00",
  "#56b4e9",
  "#7f7f7f",
  "#8c6d31",
  "#5254a3",
  "#ad494a",
  "#637939",
  "#a55194",
];
const TONES = { ink: "#222222", faint: "#9ecae1", warn: "#d62728", shade: "#c6dbef" } as const;

function colorOf(tone: Tone): string {
  return typeof tone === "number" ? PALETTE[tone % PALETTE.length] : TONES[tone];
}

/** Width and height of a panel, in pixels, by how many stand side by side. */
function sizeOf(picture: Picture): readonly [number, number] {
  const [only] = picture.panels;
  const rows = only?.layers.find((l) => l.kind === "intervals");
  if (rows?.kind === "intervals") return [480, Math.max(60, 18 * rows.rows.length)];
  const table = picture.panels.flatMap((p) => p.layers).find((l) => l.kind === "cells");
  if (table?.kind === "cells") {
    // Whole pixels for each cell: seams show between others.
    const side = table.size * Math.max(1, Math.round(320 / table.size));
    return [side, side];
  }
  if (picture.kind === "pair") return [130, 130];
  return picture.columns === 1 ? [560, 300] : picture.columns === 2 ? [340, 140] : [240, 150];
}

/** A specification that `vega-lite` compiles. Numbers that are not finite are left out. */
export function chartOf(picture: Picture): Spec {
  const [width, height] = sizeOf(picture);
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title: {
      text: picture.title,
      ...(picture.notes.length > 0 && { subtitle: picture.notes.join("; ") }),
      anchor: "start",
      offset: 12,
      subtitleColor: "#555555",
    },
    background: "white",
    padding: 12,
    columns: picture.columns,
    spacing: picture.kind === "pair" ? 10 : 22,
    concat: picture.panels.map((panel) => panelSpec(panel, legendOf(picture), width, height)),
    config: {
      font: "DejaVu Sans, Helvetica, Arial, sans-serif",
      view: { stroke: null },
      axis: { grid: true, gridColor: "#eeeeee", domainColor: "#888888", tickColor: "#888888" },
      title: { fontSize: 14 },
    },
  };
}

interface Legend {
  readonly names: readonly string[];
  readonly colors: readonly string[];
}

function legendOf({ panels }: Picture): Legend {
  const found = new Map<string, string>();
  for (const layer of panels.flatMap((p) => p.layers)) {
    if (layer.kind !== "line" && layer.kind !== "points") continue;
    if (layer.series !== undefined) found.set(layer.series, colorOf(layer.tone));
  }
  return { names: [...found.keys()], colors: [...found.values()] };
}

function panelSpec(panel: Panel, legend: Legend, width: number, height: number): Spec {
  const size = { width, height };
  // A place in a row of panels that stays empty.
  if (panel.layers.length === 0) {
    return { ...size, data: { values: [{}] }, mark: { type: "point", opacity: 0 } };
  }
  const axes = axesOf(panel);
  return {
    ...size,
    ...(panel.title !== "" && {
      title: { text: panel.title, fontSize: 12, fontWeight: "normal", offset: 4 },
    }),
    layer: panel.layers.map((layer) => layerSpec(layer, axes, legend)),
  };
}

interface Axes {
  readonly x: Spec;
  readonly y: Spec;
}

function axesOf({ x, y, layers }: Panel): Axes {
  const hasBars = layers.some((l) => l.kind === "bars" || l.kind === "area");
  const axis = (title: string, isLog: boolean, isZero: boolean): Spec => ({
    type: "quantitative",
    title: title === "" ? null : title,
    scale: isLog ? { type: "log" } : { zero: isZero, nice: true },
    axis: { tickCount: 5, labelOverlap: true, ...(isLog && { format: "~g" }) },
  });
  return { x: axis(x.title, x.isLog === true, false), y: axis(y.title, y.isLog === true, hasBars) };
}

function colorSpec(tone: Tone, series: string | undefined, legend: Legend): Spec {
  if (series === undefined) return { value: colorOf(tone) };
  return {
    datum: series,
    type: "nominal",
    title: null,
    scale: { domain: legend.names, range: legend.colors },
    legend: legend.names.length > 1 ? { orient: "top", labelLimit: 300 } : null,
  };
}

/** Points of a layer as rows; those that are not finite are left out. */
function rowsOf(columns: Readonly<Record<string, ArrayLike<number>>>): Json {
  const names = Object.keys(columns);
  const rows: Json[] = [];
  for (let i = 0; i < columns[names[0]].length; i++) {
    if (names.some((n) => !Number.isFinite(columns[n][i]))) continue;
    rows.push(Object.fromEntries(names.map((n) => [n, rounded(columns[n][i])])));
  }
  return { values: rows };
}

/** Seven digits are more than a screen has. */
function rounded(x: number): number {
  return Number(x.toPrecision(7));
}

function layerSpec(layer: Layer, { x, y }: Axes, legend: Legend): Spec {
  switch (layer.kind) {
    case "line": {
      const isFaint = layer.tone === "faint";
      const strokeWidth = layer.tone === "ink" ? 2 : isFaint ? 0.6 : 1.2;
      return {
        data: rowsOf({ x: layer.x, y: layer.y }),
        mark: {
          type: "line",
          strokeWidth,
          opacity: isFaint ? 0.7 : 0.85,
          ...(layer.isStep === true && { interpolate: "step-after" }),
        },
        encoding: {
          x: { field: "x", ...x },
          y: { field: "y", ...y },
          // In the order given, also where the curve turns back.
          order: { value: null },
          color: colorSpec(layer.tone, layer.series, legend),
        },
      };
    }
    case "points": {
      const isWarn = layer.tone === "warn";
      const isMany = layer.x.length > 100;
      return {
        data: rowsOf({ x: layer.x, y: layer.y }),
        mark: {
          type: "circle",
          size: isMany && !isWarn ? 8 : 22,
          opacity: isMany && !isWarn ? 0.4 : 0.9,
        },
        encoding: {
          x: { field: "x", ...x },
          y: { field: "y", ...y },
          color: colorSpec(layer.tone, layer.series, legend),
        },
      };
    }
    case "area":
      return {
        data: rowsOf({ x: layer.x, low: layer.low, high: layer.high }),
        mark: { type: "area", color: colorOf(layer.tone), opacity: 0.6 },
        encoding: {
          x: { field: "x", ...x },
          y: { field: "low", ...y },
          y2: { field: "high" },
        },
      };
    case "bars":
      return {
        data: rowsOf({ left: layer.left, right: layer.right, y: layer.y, zero: layer.y }),
        transform: [{ calculate: "0", as: "zero" }],
        mark: { type: "rect", color: colorOf(layer.tone), opacity: 0.75 },
        encoding: {
          x: { field: "left", ...x },
          x2: { field: "right" },
          y: { field: "y", ...y },
          y2: { field: "zero" },
        },
      };
    case "rule":
      return {
        data: rowsOf({ at: [layer.at] }),
        mark: {
          type: "rule",
          color: layer.tone === "faint" ? "#bbbbbb" : colorOf(layer.tone),
          strokeWidth: 1.2,
          ...(layer.tone === "faint" && { strokeDash: [4, 3] }),
        },
        encoding: layer.axis === "x" ? { x: { field: "at", ...x } } : { y: { field: "at", ...y } },
      };
    case "intervals":
      return intervalSpec(layer.rows, x);
    case "cells":
      return cellSpec(layer.size, layer.values, x);
  }
}

function intervalSpec(rows: Extract<Layer, { kind: "intervals" }>["rows"], x: Spec): Spec {
  const values = rows.map(({ name, ...r }) => ({
    name,
    ...Object.fromEntries(Object.entries(r).map(([k, v]) => [k, rounded(v)])),
  }));
  const y = {
    field: "name",
    type: "nominal",
    sort: null,
    title: null,
    scale: { domain: rows.map((r) => r.name) },
    axis: { grid: true, labelLimit: 240, labelOverlap: false },
  };
  const bar = (from: string, to: string, size: number): Spec => ({
    mark: { type: "rule", strokeWidth: size, color: PALETTE[0] },
    encoding: { x: { field: from, ...x }, x2: { field: to }, y },
  });
  return {
    data: { values },
    layer: [
      bar("low", "high", 1.5),
      bar("midLow", "midHigh", 4.5),
      {
        mark: { type: "point", filled: true, size: 45, color: "white", stroke: PALETTE[0] },
        encoding: { x: { field: "middle", ...x }, y, opacity: { value: 1 } },
      },
    ],
  };
}

function cellSpec(size: number, table: ArrayLike<number>, x: Spec): Spec {
  const values = Array.from({ length: size * size }, (_, k) => ({
    i: Math.floor(k / size),
    j: k % size,
    v: Number(table[k].toFixed(3)),
  }));
  const ordinal = { type: "ordinal", axis: null };
  return {
    data: { values },
    mark: { type: "rect" },
    encoding: {
      x: { field: "j", ...ordinal, axis: { labels: false, ticks: false, title: x.title } },
      y: { field: "i", ...ordinal },
      color: {
        field: "v",
        type: "quantitative",
        scale: { domain: [0, 1], scheme: "blues" },
        legend: { title: null },
      },
    },
  };
}
