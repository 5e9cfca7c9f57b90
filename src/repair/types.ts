import type { LayerScores, NeuronSet } from "../core/neurons.ts";
import type { Need } from "../localize/needs.ts";
import type { Suspect } from "../localize/types.ts";
import type { StateDict } from "../tensor/state.ts";

/** What a repair did that decides by itself how many of the ranked neurons it needs. */
export interface RankedRepair {
  state: StateDict;
  /** The neurons that it cut or taught. What is left may have moved a little besides. */
  neurons: NeuronSet;
  /** What it found, or why it changed nothing, in one line. */
  note: string;
}

export interface Repair {
  name: string;
  title: string;
  source: string;
  /** What a network and its task must have to be repaired by it; absent: nothing but neurons. */
  needs?: readonly Need[];
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
  /** As `repair`, of a method that goes by the ranking and takes as many neurons as it needs: also which. */
  repairByRanking?(suspect: Suspect, neurons: NeuronSet, scores?: LayerScores): Promise<RankedRepair>;
  /** As `repair`, where nobody names neurons and the method finds by itself what to change. Most cannot. */
  repairUnaided?(suspect: Suspect): Promise<StateDict>;
}
