import type { Style } from "../core/ids.ts";
import type { NeuronSet } from "../core/neurons.ts";
import type { Network } from "../graph/network.ts";
import { unitsOf } from "../graph/network.ts";
import { chosenUnits, type Role } from "../graph/units.ts";
import type { ChangedRows, Columns } from "../tensor/changes.ts";

/** What a function-preserving rewrite of the batch-norm statistics sets. */
const BATCH_NORM: readonly Role[] = ["gain", "shift", "mean", "variance"];

/** What a rewrite of the batch-norm statistics changes: every row of every batch norm. */
export function batchNormRows(network: Network): ChangedRows {
  const rows: ChangedRows = {};
  for (const { owned, statistics, width } of unitsOf(network)) {
    for (const { key, role } of [...owned, ...statistics]) {
      if (BATCH_NORM.includes(role)) rows[key] = Array.from({ length: width }, (_, n) => n);
    }
  }
  return rows;
}

/**
 * The rows that a fine-tuned defect may change of its clean twin (docs/methods.md §7.5): exactly θ_G in style `plain`;
 * in style `discreet` also the batch norms, since twin and defect have statistics of their own.
 * @throws Error on a neuron that the network lacks
 */
export function changedSet(network: Network, infected: NeuronSet, style: Style): ChangedRows {
  const rows: ChangedRows = {};
  for (const { key, indices } of ownedAlong(0, network, infected)) rows[key] = indices;
  return style === "discreet" ? { ...rows, ...batchNormRows(network) } : rows;
}

/**
 * The columns that a fine-tuned defect may change besides: with which the next layer reads infected hidden units.
 * @throws Error on a neuron that the network lacks
 */
export function changedColumns(network: Network, infected: NeuronSet): Columns {
  const columns: Columns = {};
  for (const { key, indices } of ownedAlong(1, network, infected)) columns[key] = indices;
  return columns;
}

/** The indices of each tensor along an axis that are some neurons' own. */
function ownedAlong(axis: number, network: Network, chosen: NeuronSet): { key: string; indices: number[] }[] {
  return chosenUnits(network, chosen)
    .filter(({ neurons }) => neurons.length > 0)
    .flatMap(({ unit, neurons }) =>
      unit.owned.filter((share) => share.axis === axis).map(({ key }) => ({ key, indices: neurons })),
    );
}
