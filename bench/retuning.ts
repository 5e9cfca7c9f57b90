import { Command } from "commander";
import { dataOption, dbOption, outOption } from "../src/cli/options.ts";
import { indexNeurons, neuronsOutside } from "../src/core/neuron-index.ts";
import { type NeuronSet, parseNeurons } from "../src/core/neurons.ts";
import { Random, stageSeed } from "../src/core/random.ts";
import { neuronLayers, outputsOf } from "../src/graph/network.ts";
import type { Suspect } from "../src/localize/types.ts";
import { CleanBatches } from "../src/measure/clean-batches.ts";
import { maskNeurons } from "../src/measure/mask.ts";
import { withJudging } from "../src/pipeline/judging/judge.ts";
import { openSubject } from "../src/pipeline/judging/subject.ts";
import { softmaxes } from "../src/repair/outputs.ts";
import { settle } from "../src/repair/settling.ts";
import { withImages } from "../src/reversal/subject.ts";
import type { StateDict } from "../src/tensor/state.ts";
import { halfCosine } from "../src/tune/schedule.ts";
import { SubnetworkTuner } from "../src/tune/subnetwork.ts";
import { runBench } from "./run.ts";

/**
 * `npx tsx bench/retuning.ts ID… --db DB --data DATA --out OUT`: whether a backdoor comes back when its new owner goes on training. OUT has repairs by
 * `excise` with `learned`. Prints a row of JSON for each defect: ASR and CA of the infected model, of the same without the neurons that were cut, and of
 * this after it settled, each as it is, after training on the clean images' labels, and after training on the infected model's answers to the same images.
 * Neurons that were cut stay cut.
 */

/** Adam on θ of all neurons that are not cut, as a half cosine; the classifier and batch-norm statistics stay. */
const TRAINING = { steps: 100, batch: 64, learningRate: 3e-4 };

const SEED = 1;

type Teacher = "labels" | "answers";

const program = new Command("retuning")
  .description("What repaired models do after more training")
  .argument("<id...>", "defects that were repaired")
  .addOption(dbOption())
  .addOption(dataOption())
  .addOption(outOption().makeOptionMandatory());

await runBench(program, main);

async function main(options: { db: string; data: string; out: string }, ids: string[]): Promise<void> {
  await withJudging({ ...options, seed: SEED, threads: 1 }, async ({ bench, results }) => {
    for (const id of ids) {
      const repair = results.repair("excise", "learned", id);
      if (!repair?.cut) throw new Error(`${options.out}: no repair of ${id} by excise with learned`);
      const subject = openSubject(bench, { id, version: "infected" });
      const suspect = await bench.suspect(await subject.model(), await subject.dataset());
      const row: Record<string, unknown> = { id };
      const gone = parseNeurons(repair.cut);
      const without = maskNeurons(suspect.network, suspect.state, gone);
      for (const [name, start, cut] of [
        ["infected", suspect.state, {}],
        ["cut", without, gone],
        ["settled", await settle(withImages(suspect), without, gone), gone],
      ] as const) {
        row[name] = await subject.measure(start);
        for (const teacher of ["labels", "answers"] as const) {
          row[`${name}, ${teacher}`] = await subject.measure(await trained(suspect, start, cut, teacher));
        }
      }
      process.stdout.write(`${JSON.stringify(row)}\n`);
    }
  });
}

async function trained(suspect: Suspect, start: StateDict, cut: NeuronSet, teacher: Teacher): Promise<StateDict> {
  const { network, state, task, clean, runner } = suspect;
  const { steps, batch, learningRate } = TRAINING;
  const others = neuronsOutside(indexNeurons(neuronLayers(network)), cut);
  const tuner = await SubnetworkTuner.create(network, start, others, {
    ...{ batch, threads: 1 },
    objective: task.loss.objective,
  });
  try {
    const random = new Random(stageSeed(SEED, "retuning", teacher));
    const batches = new CleanBatches(suspect, task.inputs.joined(clean.fit, clean.threshold), batch, random);
    for (let step = 0; step < steps; step++) {
      const { samples, inputs, targets } = batches.draw();
      const goals =
        teacher === "labels" ? targets : softmaxes(await runner.outputs(state, samples), outputsOf(network));
      await tuner.step(inputs, goals, halfCosine(step, steps, learningRate, 0));
    }
    return tuner.tuned();
  } finally {
    await tuner.release();
  }
}
