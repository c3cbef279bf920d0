/**
 * Draws of a fit scalar by scalar, straight from the chains' storage: nothing is copied whole, and
 * lets are computed draw by draw while they are read. Summaries and files read through this.
 */
import { fail } from "../../base/diagnostic.js";
import { elementCount, elementName, unravel } from "../../model/data.js";
import { type FitData, latentLength, rowOf } from "./fit.js";
import { compileLets } from "./lets.js";
import { checkColumns, variableOf } from "./readout.js";

/** Where values lie at the draw that was last moved to. */
interface Source {
  values: Float64Array;
  start: number;
  readonly moveTo: (chain: number, draw: number, row: number) => void;
}

/** One scalar of a variable. */
export interface Column {
  /** `theta[0]`, `Sigma[0,1]`, `mu`. */
  readonly name: string;
  /** `theta`, `Sigma`, `mu`. */
  readonly variable: string;
  /** Among the variable's scalars. */
  readonly index: number;
  readonly source: Source;
  /** In the source's values, from its start. */
  readonly position: number;
  /** Whether it is a latent scalar as it was drawn. */
  readonly isLatent: boolean;
}

export interface Columns {
  readonly columns: readonly Column[];
  /** Variables of more scalars than were asked for, with the number that they have. */
  readonly cut: readonly { readonly name: string; readonly total: number }[];
}

/**
 * The scalars of `selections` in order: variables, at most `most` scalars of each, and elements such
 * as `theta[3]`. Of a site that is observed in part these are the imputed elements.
 * @throws TildeError for a name that the model does not define, or an element that there is not.
 */
export function openColumns(fit: FitData, selections: readonly string[], most: number): Columns {
  checkColumns(fit, selections);
  const names = selections.map(variableOf);
  const latentSource = sourceOfLatents(fit);
  const latents = new Map(fit.latents.map((v) => [v.name, v]));
  const isComputed = (name: string): boolean => fit.whole?.has(name) !== true && !latents.has(name);
  const computed = sourcesOfLets(fit, [...new Set(names.filter(isComputed))]);
  const columns: Column[] = [];
  const cut: { name: string; total: number }[] = [];
  for (const [at, name] of names.entries()) {
    const latent = latents.get(name);
    const { source, offset, dims, elements } = fit.whole?.has(name)
      ? sourceOfWhole(fit, name)
      : latent !== undefined
        ? { ...latent, source: latentSource }
        : { ...computed(name), elements: undefined };
    const total = elements?.length ?? elementCount(dims);
    const nameOf = (k: number): string => elementName(name, unravel(elements?.[k] ?? k, dims));
    const selected = selections[at] === name ? name : selections[at].replace(/\s/g, "");
    let [first, end] = [0, Math.min(total, most)];
    if (selected !== name) {
      first =
        Array.from({ length: total }, (_, k) => k).find((k) => nameOf(k) === selected) ?? total;
      end = first + 1;
      if (first === total) {
        fail("unknown_element", undefined, { element: selected, name, dims: dims.join(" × ") });
      }
    } else if (total > most) cut.push({ name, total });
    for (let k = first; k < end; k++) {
      const element = nameOf(k);
      columns.push({
        name: element,
        variable: name,
        index: k,
        source,
        position: offset + k,
        isLatent: source === latentSource,
      });
    }
  }
  return { columns, cut };
}

interface Place {
  readonly source: Source;
  readonly offset: number;
  readonly dims: readonly number[];
  readonly elements?: Float64Array;
}

function sourceOfLatents(fit: FitData): Source {
  const width = latentLength(fit.latents);
  const source: Source = {
    values: new Float64Array(0),
    start: 0,
    moveTo: (chain, draw) => {
      const { values, start } = rowOf(fit.chains[chain], draw, width);
      source.values = values;
      source.start = start;
    },
  };
  return source;
}

function sourceOfWhole(fit: FitData, name: string): Place {
  const found = fit.whole?.get(name) ?? { data: new Float64Array(0), shape: [0, 0] };
  const dims = found.shape.slice(2);
  const size = elementCount(dims);
  const { row: read } = found;
  if (read !== undefined) {
    const values = new Float64Array(size);
    const source: Source = {
      values,
      start: 0,
      moveTo: (_chain, _draw, row) => values.set(read(row)),
    };
    return { source, offset: 0, dims };
  }
  const source: Source = {
    values: found.data,
    start: 0,
    moveTo: (_chain, _draw, row) => {
      source.start = row * size;
    },
  };
  return { source, offset: 0, dims };
}

/** All lets are computed together: they share what they have in common. */
function sourcesOfLets(fit: FitData, names: readonly string[]): (name: string) => Place {
  const width = latentLength(fit.latents);
  const readout = names.length === 0 ? undefined : compileLets(fit, names);
  let done = -1;
  const compute = (chain: number, draw: number, row: number): void => {
    if (done === row) return;
    const { values, start } = rowOf(fit.chains[chain], draw, width);
    readout?.compute(values, start, row);
    done = row;
  };
  const places = new Map(
    readout?.variables.map(({ name, dims, values }): [string, Place] => [
      name,
      { source: { values, start: 0, moveTo: compute }, offset: 0, dims },
    ]),
  );
  return (name) => places.get(name) as Place;
}

/** Moves the sources of `columns` to one draw after another, chain after chain. */
export function forEachDraw(
  fit: FitData,
  columns: readonly Column[],
  visit: (chain: number, draw: number, row: number) => void,
): void {
  for (const place of drawsOf(fit, columns)) visit(place.chain, place.draw, place.row);
}

export interface DrawPlace {
  chain: number;
  draw: number;
  /** Over all chains. */
  row: number;
}

/** The same for a reader that pauses; the place is one object throughout. */
export function* drawsOf(fit: FitData, columns: readonly Column[]): Generator<DrawPlace, void> {
  const sources = [...new Set(columns.map((c) => c.source))];
  const place: DrawPlace = { chain: 0, draw: 0, row: 0 };
  for (; place.chain < fit.chains.length; place.chain++) {
    const { draws } = fit.chains[place.chain];
    for (place.draw = 0; place.draw < draws; place.draw++, place.row++) {
      for (const source of sources) source.moveTo(place.chain, place.draw, place.row);
      yield place;
    }
  }
}

/** Columns are gathered in blocks of this size, so that memory does not grow with the fit. */
const BLOCK_BYTES = 1 << 25;

/** Every column's draws, chain after chain. The array is used again for later columns. */
export function forEachColumn(
  fit: FitData,
  columns: readonly Column[],
  visit: (column: Column, draws: Float64Array) => void,
): void {
  const total = fit.chains.reduce((n, c) => n + c.draws, 0);
  const most = Math.max(1, Math.floor(BLOCK_BYTES / (8 * Math.max(1, total))));
  const gathered = new Float64Array(Math.min(most, columns.length) * total);
  for (let first = 0; first < columns.length; first += most) {
    const block = columns.slice(first, first + most);
    if (gatherStored(fit, block, gathered, total)) {
      block.forEach((column, k) => {
        visit(column, gathered.subarray(k * total, (k + 1) * total));
      });
      continue;
    }
    forEachDraw(fit, block, (_chain, _draw, row) => {
      for (let k = 0; k < block.length; k++) {
        const { source, position } = block[k];
        gathered[k * total + row] = source.values[source.start + position];
      }
    });
    block.forEach((column, k) => {
      visit(column, gathered.subarray(k * total, (k + 1) * total));
    });
  }
}

/** Latent scalars that follow each other are read from files as they lie there. */
function gatherStored(
  fit: FitData,
  block: readonly Column[],
  gathered: Float64Array,
  total: number,
): boolean {
  const isRun = block.every((c, k) => c.isLatent && c.position === block[0].position + k);
  if (!isRun || fit.chains.some((c) => c.pages === undefined)) return false;
  const from = block[0].position;
  const together = fit.chains[0]?.pages?.together;
  if (together !== undefined) {
    together.columns(from, from + block.length, gathered);
    return true;
  }
  let row = 0;
  for (const { pages, draws } of fit.chains) {
    const read = pages?.columns(from, from + block.length) ?? new Float64Array(0);
    for (let k = 0; k < block.length; k++) {
      gathered.set(read.subarray(k * draws, (k + 1) * draws), k * total + row);
    }
    row += draws;
  }
  return true;
}
