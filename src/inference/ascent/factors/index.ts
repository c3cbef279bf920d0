/** Which factor a site gets: decided by its support and the statistics that are read of it. */
import type { Expr, Support } from "../../../model/ir.js";
import type { ExpectedSite, Statistic } from "../../expectation/contract.js";
import type { Factor } from "../contract.js";
import { matrixFactor } from "./matrices.js";
import { normalFactor } from "./normal.js";
import { powerGammaFactor } from "./power-gamma.js";
import { quadratureFactor, type Range } from "./quadrature.js";
import { betaFactor, dirichletFactor } from "./simplex.js";

type StatisticsSite = Extract<ExpectedSite, { kind: "statistics" }>;
type Kind = Statistic["kind"];

/** Where each kind of statistic stands; powers by their exponents. */
interface Found {
  readonly length: number;
  readonly dims: readonly number[];
  readonly list: readonly Statistic[];
  readonly at: (kind: Kind) => number | undefined;
  readonly only: (...kinds: readonly Kind[]) => boolean;
}

/** The optimal factor's family, or undefined where no factor here has these statistics. */
export function factorOf(site: StatisticsSite): Factor | undefined {
  const { latent, supports } = site.direct;
  const list = site.statistics.map((s) => s.statistic);
  const found: Found = {
    length: latent.length,
    dims: latent.dims,
    list,
    at: (kind) => {
      const k = list.findIndex((s) => s.kind === kind);
      return k < 0 ? undefined : k;
    },
    only: (...kinds) => list.every((s) => kinds.includes(s.kind)),
  };
  const [first] = supports;
  if (first === undefined || supports.some((s) => s.kind !== first.kind)) return undefined;
  const isWhole = latent.elements === undefined;
  switch (first.kind) {
    case "simplex":
      return isWhole && found.only("log")
        ? dirichletFactor({ length: found.length, size: last(found.dims), log: found.at("log") })
        : undefined;
    case "cov":
      return isWhole ? matrixOf(found) : undefined;
    default: {
      const ranges = supports.map(rangeOf);
      const [range] = ranges;
      if (range === undefined) return undefined;
      const same = ranges.every((r) => r?.lower === range.lower && r.upper === range.upper);
      return same ? scalarOf(found, range) : undefined;
    }
  }
}

const last = (dims: readonly number[]): number => dims[dims.length - 1] ?? 1;

function matrixOf(found: Found): Factor | undefined {
  const [value, inverse] = [found.at("value"), found.at("inverse")];
  const matrix = value ?? inverse;
  if (matrix === undefined || !found.only("value", "inverse", "log_det")) return undefined;
  if (value !== undefined && inverse !== undefined) return undefined;
  const kind = value === undefined ? "InverseWishart" : "Wishart";
  const logDet = found.at("log_det");
  return matrixFactor({ length: found.length, size: last(found.dims), kind, logDet, matrix });
}

function scalarOf(found: Found, range: Range): Factor | undefined {
  const { length, list } = found;
  const [low, high] = [range.lower, range.upper];
  const squares = list.findIndex((s) => s.kind === "power" && s.exponent === 2);
  if (low === -Infinity && high === Infinity) {
    const others = list.filter((_, k) => k !== squares);
    if (others.every((s) => s.kind === "value" || s.kind === "products")) {
      const at = found.at("products");
      const pairs = at === undefined ? undefined : list[at];
      const products =
        pairs?.kind === "products" && at !== undefined ? { at, ...pairs } : undefined;
      const square = squares < 0 ? undefined : squares;
      return normalFactor({ length, value: found.at("value"), products, squares: square });
    }
  }
  if (low === 0 && high === 1 && found.only("log", "log1m")) {
    return betaFactor({ length, log: found.at("log"), log1m: found.at("log1m") });
  }
  const powers = list.flatMap((s, power) => {
    const exponent = exponentOf(s);
    return exponent === undefined ? [] : [{ exponent, power }];
  });
  const log = found.at("log");
  const known = powers.length + (log === undefined ? 0 : 1);
  if (low === 0 && high === Infinity && powers.length === 1 && known === list.length) {
    return powerGammaFactor({ length, log, ...powers[0] });
  }
  if (list.length === 0 || !list.every((s) => isScalar(s, length))) return undefined;
  return quadratureFactor({ length, range, statistics: list });
}

/** The power of v that a statistic of single scalars is. */
function exponentOf(s: Statistic): number | undefined {
  if (s.kind === "value") return 1;
  return s.kind === "power" ? s.exponent : undefined;
}

/** Whether a statistic reads one scalar at a time. */
function isScalar(s: Statistic, length: number): boolean {
  if (s.kind === "log_det" || s.kind === "inverse") return false;
  if (s.kind !== "products") return true;
  if (s.first.length !== length || !s.first.every((i, k) => i === s.second[k])) return false;
  return new Set(s.first).size === length;
}

/** The values of a scalar support whose bounds are constants. */
function rangeOf(support: Support): Range | undefined {
  switch (support.kind) {
    case "real":
      return { lower: -Infinity, upper: Infinity };
    case "positive":
    case "nonnegative":
      return { lower: 0, upper: Infinity };
    case "unit":
      return { lower: 0, upper: 1 };
    case "interval": {
      const lower = support.lower === undefined ? -Infinity : constantOf(support.lower);
      const upper = support.upper === undefined ? Infinity : constantOf(support.upper);
      return lower === undefined || upper === undefined ? undefined : { lower, upper };
    }
    default:
      return undefined;
  }
}

function constantOf(e: Expr): number | undefined {
  if (e.kind === "const") return e.value;
  if (e.kind !== "call" || e.fn !== "neg") return undefined;
  const inner = constantOf(e.args[0]);
  return inner === undefined ? undefined : -inner;
}
