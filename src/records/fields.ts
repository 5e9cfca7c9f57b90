import { z } from "zod";

/** Fields that several records share. */

export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** A fraction of images. */
export const rate = z.number().min(0).max(1);
/** Indices of neurons by layer. */
export const neuronSet = z.record(z.string(), z.array(z.number().int().min(0)));
/** A number per neuron, by layer; or aligned with a set of neurons. */
export const layerNumbers = z.record(z.string(), z.array(z.number()));
/** `layer:index` */
export const neuronNames = z.array(z.string().regex(/^.+:\d+$/));
