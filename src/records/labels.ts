import { z } from "zod";
import { layerNumbers, neuronSet } from "./fields.ts";
import { objectRef } from "./object-ref.ts";

/** The truth of one defect: which neurons are infected, and how much each of them does. */
export const defectLabels = z.strictObject({
  kind: z.literal("labels"),
  id: z.string(),
  /** G, per layer. */
  infected: neuronSet,
  /** Contribution of each infected neuron (conductance, clipped at 0), aligned with `infected`. */
  contribution: layerNumbers,
  /** E ⊆ G; null where no neuron passes the threshold. */
  effective: neuronSet.nullable(),
  /** The single-neuron effect Δ behind E, aligned with `infected`, and the threshold it was held against. */
  effect: layerNumbers,
  effect_threshold: z.number(),
  /** Object with one float32 per neuron of the network: the attribution-patching effect (docs/methods.md §9.3). */
  carriers: objectRef,
});
export type DefectLabels = z.infer<typeof defectLabels>;
