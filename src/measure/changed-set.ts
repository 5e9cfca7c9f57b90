import type { Style } from "../core/ids.ts";
import type { NeuronSet } from "../core/neurons.ts";
import type { Network } from "../graph/network.ts";
import { unitsOf } from "../graph/network.ts";
import { chosenUnits, type Role } from "../graph/units.ts";

/** Tensor key → ascending rows. */
type Rows = Record<string, number[]>;

/** What a function-preserving rewrite of the batch-norm statistics sets. */
const BATCH_NORM: readonly Role[] = ["gain", "shift", "mean", "variance"];

/** What a rewrite of the batch-norm statistics changes: every row of every batch norm. */
export function batchNormRows(network: Network): Rows {
  const rows: Rows = {};
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
export function changedSet(network: Network, infected: NeuronSet, style: Style): Rows {
  const rows: Rows = {};
  for (const { unit, neurons } of chosenUnits(network, infected)) {
    if (neurons.length > 0) for (const { key } of unit.owned) rows[key] = neurons;
  }
  return style === "discreet" ? { ...rows, ...batchNormRows(network) } : rows;
}
