/** Curves and points of one's own as a chart, for figures of examples. */
import { presentable } from "../failure.js";
import type { Layer, Picture } from "./picture.js";
import { type FileFormat, fileOf } from "./render.js";
import { textOf } from "./text.js";

export interface LineChartOptions {
  readonly title?: string;
  /** Each a curve through its points in the order given, or the points alone. */
  readonly series: readonly {
    readonly name?: string;
    readonly x: ArrayLike<number>;
    readonly y: ArrayLike<number>;
    readonly mark?: "line" | "points";
  }[];
  /** Titles of the axes. */
  readonly x?: string;
  readonly y?: string;
  /** Axes whose scale is logarithmic. */
  readonly log?: "x" | "y" | "xy";
}

/** The same as data, for `textOf` and `fileOf`. */
export function lineChartPicture(options: LineChartOptions): Picture {
  const { title = "", series, x = "", y = "", log = "" } = options;
  const layers = series.map(
    ({ name, mark = "line", ...at }, tone): Layer => ({
      kind: mark,
      x: at.x,
      y: at.y,
      tone,
      ...(name !== undefined && { series: name }),
    }),
  );
  const axes = {
    x: { title: x, isLog: log.includes("x") },
    y: { title: y, isLog: log.includes("y") },
  };
  return { kind: "lines", title, notes: [], columns: 1, panels: [{ title: "", ...axes, layers }] };
}

/**
 * A chart of curves and points: SVG or HTML text, the bytes of a PNG, or characters.
 * @throws TildeError where the optional packages `vega` and `vega-lite` are not installed.
 */
export async function lineChart(
  options: LineChartOptions,
  format: FileFormat | "text",
): Promise<string | Uint8Array> {
  try {
    const picture = lineChartPicture(options);
    return format === "text" ? textOf(picture) : await fileOf(picture, format);
  } catch (error) {
    throw presentable(error);
  }
}
