/** The table of a conjugate model: its family's own kind where there is one, else the generic. */
import type { ConjugateComponents } from "../../contract.js";
import { isProduct } from "../../product.js";
import type { ClusterTable, TableMaker } from "./contract.js";
import { DirichletTable } from "./dirichlet.js";
import { GenericTable } from "./generic.js";
import { NormalTable } from "./normal.js";
import { NormalGammaTable } from "./normal-gamma.js";
import { NormalInverseWishartTable } from "./normal-inverse-wishart.js";
import { ProductTable } from "./product.js";

export type { ClusterTable } from "./contract.js";
export { GenericTable } from "./generic.js";

/** By the name of θ's family. Those not named have the generic table alone. */
const ownTables: Readonly<Record<string, TableMaker>> = {
  Normal: NormalTable.make,
  NormalGamma: NormalGammaTable.make,
  NormalInverseWishart: NormalInverseWishartTable.make,
  Beta: DirichletTable.make,
  Dirichlet: DirichletTable.make,
};

export function clusterTable(model: ConjugateComponents, items: number): ClusterTable {
  const { family } = model;
  if (isProduct(family)) return new ProductTable(model, items, clusterTable);
  const make = Object.hasOwn(ownTables, family.name) ? ownTables[family.name] : undefined;
  return make?.(model, items) ?? new GenericTable(model, items);
}
