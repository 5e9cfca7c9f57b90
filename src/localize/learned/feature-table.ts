import type { NeuronIndex } from "../../core/neuron-index.ts";
import type { LayerScores } from "../../core/neurons.ts";
import { boundedZ } from "../normalise.ts";

/** Numbers of every neuron under names, one column each. */
export class FeatureTable {
  readonly index: NeuronIndex;
  private readonly columns = new Map<string, Float64Array>();

  constructor(index: NeuronIndex) {
    this.index = index;
  }

  get names(): string[] {
    return [...this.columns.keys()];
  }

  /** Adds a column as it is. What is not finite counts as 0. */
  add(name: string, scores: LayerScores): void {
    const column = new Float64Array(this.index.size);
    for (const { name: layer } of this.index.layers) column.set(scores[layer], this.index.offsets.get(layer)!);
    this.addColumn(name, column);
  }

  /** The same, `[neurons]` in the order of the index. */
  addColumn(name: string, column: Float64Array): void {
    this.columns.set(
      name,
      column.map((value) => (Number.isFinite(value) ? value : 0)),
    );
  }

  /** Adds a column as the bounded z of each layer. */
  addZ(name: string, raw: LayerScores): void {
    this.add(name, boundedZ(raw));
  }

  column(name: string): Float64Array {
    return this.columns.get(name)!;
  }

  /** `[neurons × names]`, row-major. */
  rows(): Float32Array {
    const columns = [...this.columns.values()];
    const rows = new Float32Array(this.index.size * columns.length);
    for (const [j, column] of columns.entries()) {
      for (let i = 0; i < column.length; i++) rows[i * columns.length + j] = column[i];
    }
    return rows;
  }
}
