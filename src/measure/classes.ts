import { argmax } from "../core/argmax.ts";

/** The share of outputs `[count, classes]` whose highest value is that of a class. For what declares that it needs classes. */
export function shareInClass(outputs: Float32Array, count: number, wanted: number): number {
  let hits = 0;
  for (let i = 0; i < count; i++) if (argmax(outputs, outputs.length / count, i) === wanted) hits++;
  return hits / count;
}
