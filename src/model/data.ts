/** Data as the model sees it: rectangular arrays of numbers with dims and, where allowed, gaps. */

/** Row-major values; a bool is 0 or 1. Missing entries are NaN in `data` and 1 in `missing`. */
export interface DataValue {
  readonly dims: readonly number[];
  readonly data: Float64Array;
  readonly missing?: Uint8Array;
}
export type DataSet = ReadonlyMap<string, DataValue>;

export function elementCount(dims: readonly number[]): number {
  return dims.reduce((n, d) => n * d, 1);
}

/** The indices of the flat row-major position: `[i, j]` of `dims`. */
export function unravel(position: number, dims: readonly number[]): number[] {
  const indices = new Array<number>(dims.length);
  let rest = position;
  for (let k = dims.length - 1; k >= 0; k--) {
    indices[k] = rest % dims[k];
    rest = Math.floor(rest / dims[k]);
  }
  return indices;
}

/** `name[i,j]`, or the bare name for a scalar: how results and messages name one element. */
export function elementName(name: string, indices: readonly number[]): string {
  return indices.length === 0 ? name : `${name}[${indices.join(",")}]`;
}
