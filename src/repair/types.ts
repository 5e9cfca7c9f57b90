import type { LayerScores, NeuronSet } from "../core/neurons.ts";
import type { Suspect } from "../localize/types.ts";
import type { StateDict } from "../tensor/state.ts";

export interface Repair {
  name: string;
  title: string;
  source: string;
  /** As a criterion's: 1 where it is not said, raised when what it does changes. */
  revision?: number;
  /** Where the repair is a program of somebody's own: a hash of it. What another program did is not its result. */
  fingerprint?: string;
  /**
   * A repaired copy of the suspect's weights, given the neurons to repair. The suspect's own stay untouched.
   *
   * @param scores suspiciousness of every neuron where a criterion chose them; who must be spared is decided by it.
   */
  repair(suspect: Suspect, neurons: NeuronSet, scores?: LayerScores): Promise<StateDict>;
  /** As `repair`, where nobody names neurons and the method finds by itself what to change. Most cannot. */
  repairUnaided?(suspect: Suspect): Promise<StateDict>;
}
