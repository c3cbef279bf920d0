/**
 * What a picture shows, as plain data: panels of layers over two axes. `chart.ts` makes charts of it
 * and `text.ts` characters; neither knows what the numbers mean.
 */

/** How a layer is coloured: by its place in the palette, or by what it says. */
export type Tone = number | "ink" | "faint" | "warn" | "shade";

export type Layer =
  | {
      readonly kind: "line";
      readonly x: ArrayLike<number>;
      readonly y: ArrayLike<number>;
      readonly tone: Tone;
      /** Named in the legend. */
      readonly series?: string;
      /** Constant from each point to the next. */
      readonly isStep?: boolean;
    }
  | {
      readonly kind: "points";
      readonly x: ArrayLike<number>;
      readonly y: ArrayLike<number>;
      readonly tone: Tone;
      readonly series?: string;
    }
  /** Between two curves. */
  | {
      readonly kind: "area";
      readonly x: ArrayLike<number>;
      readonly low: ArrayLike<number>;
      readonly high: ArrayLike<number>;
      readonly tone: Tone;
    }
  /** From `left[i]` to `right[i]`, of height `y[i]`. */
  | {
      readonly kind: "bars";
      readonly left: ArrayLike<number>;
      readonly right: ArrayLike<number>;
      readonly y: ArrayLike<number>;
      readonly tone: Tone;
    }
  /** A line through the whole panel, across x or across y. */
  | { readonly kind: "rule"; readonly axis: "x" | "y"; readonly at: number; readonly tone: Tone }
  /** One under another, the first on top: a thin and a thick interval and a point in each. */
  | { readonly kind: "intervals"; readonly rows: readonly IntervalRow[] }
  /** A square table of numbers from 0 to 1, row-major, drawn as shades; the first row on top. */
  | { readonly kind: "cells"; readonly size: number; readonly values: ArrayLike<number> };

export interface IntervalRow {
  readonly name: string;
  readonly low: number;
  readonly midLow: number;
  readonly middle: number;
  readonly midHigh: number;
  readonly high: number;
}

export interface Axis {
  readonly title: string;
  readonly isLog?: boolean;
}

export interface Panel {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly layers: readonly Layer[];
}

export interface Picture {
  readonly kind: string;
  readonly title: string;
  /** What is marked how, and what was left out. */
  readonly notes: readonly string[];
  /** In rows of this many. */
  readonly columns: number;
  readonly panels: readonly Panel[];
}

/** The kinds of pictures of a fit. */
export const pictureKinds = [
  "trace",
  "rank",
  "density",
  "pair",
  "forest",
  "energy",
  "ppc",
  "elbo",
  "clusters",
] as const;
export type PictureKind = (typeof pictureKinds)[number];
