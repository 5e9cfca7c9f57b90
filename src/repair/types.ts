import type { NeuronSet } from "../core/neurons.ts";
import type { Suspect } from "../localize/types.ts";
import type { StateDict } from "../tensor/state.ts";

export interface Repair {
  name: string;
  title: string;
  source: string;
  /** A repaired copy of the suspect's weights, given the neurons to repair. The suspect's own stay untouched. */
  repair(suspect: Suspect, neurons: NeuronSet): Promise<StateDict>;
}
