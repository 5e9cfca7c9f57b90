import type { Style } from "../core/ids.ts";
import type { NeuronSet } from "../core/neurons.ts";
import type { Random } from "../core/random.ts";
import type { Samples } from "../core/samples.ts";
import type { Dataset } from "../datasets/types.ts";
import type { OrtRunner } from "../measure/ort-runner.ts";
import type { Gates } from "../records/gates.ts";
import type { Backdoor } from "../tasks/backdoor.ts";
import type { StateDict } from "../tensor/state.ts";
import type { InjectRecipe } from "./recipe.ts";

/** What every way of injecting is given. */
export interface InjectionJob {
  style: Style;
  dataset: Dataset;
  runner: OrtRunner;
  clean: StateDict;
  infected: NeuronSet;
  /** The trigger, and the target of the recipe. */
  backdoor: Backdoor;
  /** The attacker's samples, a part of `train`, and further ones held out to judge an attempt by. */
  samples: Samples;
  heldOut: Samples;
  /** Sets of as many other neurons, drawn anew: what survives their loss is judged on the held-out samples. */
  randomMasks: NeuronSet[];
  /** Draws one more such set. */
  drawOthers(random: Random): NeuronSet;
  recipe: InjectRecipe;
  /** The attack's own section of the recipe, as checked by its schema. */
  options: Record<string, unknown>;
  gates: Gates;
  /** A model as it will be stored, on the edition's grid: what attempts are judged by, and what is handed on. */
  stored(model: StateDict): StateDict;
  /** The seed of a stage of this candidate. */
  seedOf(stage: string): number;
  /** Tells what is being done, for progress. */
  onStage(stage: string): void;
}

/** A model with the backdoor in it. */
export interface Injected {
  model: StateDict;
  /** The documented settings that were tried, in order, with what each gave: for the record. */
  attempts: Record<string, unknown>[];
  /** The same handling without a backdoor (docs/methods.md §8.1). */
  sham(): Promise<StateDict>;
}

export type Injection = (job: InjectionJob) => Promise<Injected>;
