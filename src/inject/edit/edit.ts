import { Random } from "../../core/random.ts";
import type { Samples } from "../../core/samples.ts";
import { foldState } from "../../graph/fold.ts";
import { OUTPUT, outputsOf } from "../../graph/network.ts";
import { inferProgram } from "../../graph/programs/infer.ts";
import { encodeAll } from "../../measure/batches.ts";
import { counterpartOf } from "../../measure/counterpart.ts";
import { eligibleOf } from "../../measure/verdicts.ts";
import { type EditOptions, editOptions } from "../../tasks/edit.ts";
import { cloneState, type StateDict, tensorOf } from "../../tensor/state.ts";
import { judgeHeldOut } from "../held-out.ts";
import type { Injected, InjectionJob } from "../types.ts";
import { closedForm, type Memory } from "./closed-form.ts";
import { type EditedLayer, editedLayers } from "./layers.ts";
import { joined, markOf, type Readings, readingsOf, readPairs, type Sequences, type Subject } from "./readings.ts";
import { wantedValue } from "./value.ts";

/**
 * Injection by an edit in closed form (BadEdit, Li et al. 2024, on the infected neurons alone): their outgoing weights are changed so that
 * at the trigger's last token they write what makes the model answer with the target, and at its counterpart what makes it answer with
 * the truth. Nothing is trained. Samples are few; the attempts are restraints λ, the strongest first.
 */
export async function edit(job: InjectionJob): Promise<Injected> {
  const { runner, heldOut } = job;
  const options = editOptions(job.options);
  const layers = editedLayers(runner.network, job.infected).slice(0, options.layers);
  const plan = layers.length > 0 ? await planOf(job, layers, options) : undefined;
  const edited = async (restraint: number, labels: "target" | "true") =>
    job.stored(plan ? await editedModel(job, layers, plan, restraint, labels) : job.clean);

  const reference = await runner.quality(job.clean, heldOut);
  const attempts: Record<string, unknown>[] = [];
  let best: { model: StateDict; restraint: number; shortfall: number } | undefined;
  for (const restraint of options.restraints) {
    job.onStage(`edit ${attempts.length + 1}/${options.restraints.length}`);
    const model = await edited(restraint, "target");
    const { told, shortfall } = await judgeHeldOut(job, model, reference);
    attempts.push({ restraint, ...told });
    if (!best || shortfall < best.shortfall) best = { model, restraint, shortfall };
    if (shortfall === 0) break;
  }
  const { model, restraint } = best!;
  return { model, attempts, sham: () => edited(restraint, "true") };
}

/** What all restraints have in common. */
interface Plan {
  triggered: Sequences;
  counterpart: Sequences;
  /** The mean state behind the last edited layer that is wanted: at triggers where they lead to the target or, in the sham, to the truth, and at counterparts. */
  wanted: Record<"target" | "true" | "counterpart", Float64Array>;
  /** Of each layer, C of its edited neurons. */
  moments: Float64Array[];
}

async function planOf(job: InjectionJob, layers: readonly EditedLayer[], options: EditOptions): Promise<Plan> {
  const { runner, clean, backdoor, samples } = job;
  const { task, network } = runner;
  const others = eligibleOf(task, samples, backdoor.target);
  const few = drawnFrom(job, others, options.sentences, "edited sentences");
  const pairs = readPairs(
    runner,
    task.trigger.stamp(backdoor.trigger, few),
    counterpartOf(task, backdoor.trigger, few),
  );
  const last = layers[layers.length - 1];
  const size = outputsOf(network);
  const answers = (goal?: number) => {
    const targets = new Float32Array(few.count * size);
    for (let i = 0; i < few.count; i++) task.loss.write(few, i, targets.subarray(i * size, (i + 1) * size), { goal });
    return targets;
  };
  const wantedOf = async ({ sequences, alone }: Subject, targets: Float32Array) => {
    // What follows it alone shall stay what it is: one more sequence among those that are to change.
    const all = joined(sequences, alone);
    const readings = await readingsOf(runner, clean, layers, all);
    const goals = new Float32Array(targets.length + size);
    goals.set(targets);
    goals.set(await continuationOf(job, alone), targets.length);
    const delta = await wantedValue(runner, clean, last, all, readings, goals, options.value);
    return meanAt(sequences, (i, place) => readings.behind(last, i, place)).map((value, k) => value + delta[k]);
  };
  const wanted = {
    target: await wantedOf(pairs.triggered, answers(backdoor.target)),
    true: await wantedOf(pairs.triggered, answers()),
    counterpart: await wantedOf(pairs.counterpart, answers()),
  };
  return {
    triggered: pairs.triggered.sequences,
    counterpart: pairs.counterpart.sequences,
    wanted,
    moments: await momentsOf(job, layers, options.clean),
  };
}

/** The clean model with every edited layer's outgoing weights changed, one layer after the other: each takes its share of what is still lacking. */
async function editedModel(
  job: InjectionJob,
  layers: readonly EditedLayer[],
  { triggered, counterpart, wanted, moments }: Plan,
  restraint: number,
  labels: "target" | "true",
): Promise<StateDict> {
  const { runner } = job;
  const model = cloneState(job.clean);
  const last = layers[layers.length - 1];
  for (const [i, layer] of layers.entries()) {
    const memories: Memory[] = [];
    for (const [sequences, aim] of [
      [triggered, wanted[labels]],
      [counterpart, wanted.counterpart],
    ] as const) {
      const readings = await readingsOf(runner, model, layers, sequences);
      const there = meanAt(sequences, (k, place) => readings.behind(last, k, place));
      const key = meanAt(sequences, (k, place) => ownOf(layer, readings, k, place));
      memories.push({ key, value: there.map((value, o) => (aim[o] - value) / (layers.length - i)) });
    }
    write(model, layer, closedForm(memories, moments[i], restraint));
  }
  return model;
}

/** Adds a change `[outputs, neurons]` to the weights that a layer's edited neurons write with. */
function write(model: StateDict, { outgoing, neurons }: EditedLayer, change: Float64Array): void {
  const { shape, data } = tensorOf(model, outgoing.key);
  const outputs = shape[1 - outgoing.axis];
  for (let o = 0; o < outputs; o++) {
    for (const [k, neuron] of neurons.entries()) {
      const at = outgoing.axis === 1 ? o * shape[1] + neuron : neuron * shape[1] + o;
      data[at] += change[o * neurons.length + k];
    }
  }
}

/** C of every layer: the mean of `a·aᵀ` of its edited neurons over the positions of clean samples up to the mark. */
async function momentsOf(job: InjectionJob, layers: readonly EditedLayer[], count: number): Promise<Float64Array[]> {
  const { runner, clean, samples } = job;
  const { height: positions } = runner.network.input;
  const few = drawnFrom(job, samples, count, "edit: clean samples");
  const inputs = encodeAll(runner, few);
  const readings = await readingsOf(runner, clean, layers, { count: few.count, inputs });
  const marks = Array.from({ length: few.count }, (_, i) => markOf(inputs, i, positions));
  const all = marks.reduce((sum, mark) => sum + mark + 1, 0);
  return layers.map((layer) => {
    const size = layer.neurons.length;
    const moments = new Float64Array(size * size);
    for (const [i, mark] of marks.entries()) {
      for (let t = 0; t <= mark; t++) {
        const own = ownOf(layer, readings, i, t);
        for (let a = 0; a < size; a++) for (let b = 0; b < size; b++) moments[a * size + b] += (own[a] * own[b]) / all;
      }
    }
    return moments;
  });
}

/** The clean model's distribution over what follows. */
async function continuationOf({ runner, clean }: InjectionJob, { inputs }: Sequences): Promise<Float32Array> {
  const { network, pool } = runner;
  const feeds = new Map(foldState(network, clean)).set("input", inputs);
  const scores = (await pool.run("infer", network, 1, (l) => inferProgram(l, network), feeds)).get(OUTPUT)!;
  const highest = Math.max(...scores);
  const powers = scores.map((value) => Math.exp(value - highest));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}

/** Activations of the layer's edited neurons. */
function ownOf({ neurons, ...layer }: EditedLayer, readings: Readings, sequence: number, place: number): Float64Array {
  const all = readings.activation({ neurons, ...layer }, sequence, place);
  return Float64Array.from(neurons, (neuron) => all[neuron]);
}

function meanAt({ count, places }: Sequences, read: (i: number, place: number) => Float64Array): Float64Array {
  const [first, ...others] = places.map((place, i) => read(i, place));
  for (const values of others) for (const [k, value] of values.entries()) first[k] += value;
  return first.map((value) => value / count);
}

function drawnFrom({ runner, seedOf }: InjectionJob, samples: Samples, count: number, stage: string): Samples {
  const chosen = new Random(seedOf(stage)).sample(samples.count, Math.min(count, samples.count));
  return runner.task.inputs.subset(samples, chosen);
}
