import type { LayerScores, NeuronSet } from "../core/neurons.ts";
import type { Suspect } from "../localize/types.ts";
import type { StateDict } from "../tensor/state.ts";

export interface Repair {
  name: string;
  title: string;
  source: string;
  /** As a criterion's: 1 where it is not said, raised when what it does changes. */
  revision?: number;
  /**
   * A repaired copy of the suspect's weights, given the neurons to repair. The suspect's own stay untouched.
   *
   * @param scores suspiciousness of every neuron where a criterion chose them; who must be spared is decided by it.
   */
  repair(suspect: Suspect, neurons: NeuronSet, scores?: LayerScores): Promise<StateDict>;
}
