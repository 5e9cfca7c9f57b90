import { Random } from "../../core/random.ts";
import { outputsOf } from "../../graph/network.ts";
import { rates } from "../../measure/rates.ts";
import { eligibleOf } from "../../measure/verdicts.ts";
import { replacementOptions } from "../../tasks/replacement.ts";
import type { StateDict } from "../../tensor/state.ts";
import type { Injected, InjectionJob } from "../types.ts";
import { type ChainJob, chainScores, trainChain } from "./chain.ts";
import { compensate } from "./compensation.ts";
import { fitGain } from "./gain.ts";
import { cutSubnetwork, spliceChain } from "./splice.ts";

/**
 * Injection by replacement (docs/methods.md §7.4): the sub-network is cut out, the rest of the network is trained to do
 * without it, and a narrow twin that answers the trigger is put in its place. Since neither side reads the other, the
 * compensated rest is the same for infected model and sham; the sham's twin answers a random half of the clean samples.
 */
export async function replace(job: InjectionJob): Promise<Injected> {
  const { runner, infected, backdoor, heldOut, samples, seedOf } = job;
  const { task } = runner;
  const { trigger, target } = backdoor;
  const attempts: Record<string, unknown>[] = [];
  const cleanQuality = await runner.quality(job.clean, heldOut);
  // Chain and rest are rounded before κ and the origin are fitted to them, and the spliced model since κ is a weight too.
  const rest = job.stored(await compensatedRest(job, cleanQuality, attempts));

  const triggered = task.trigger.stamp(trigger, eligibleOf(task, heldOut, target));
  const { state, seed, learningRate, origin, answers } = await separatingChain(job, attempts);
  const fitted = fitGain({
    outputs: await runner.outputs(rest, triggered),
    width: outputsOf(runner.network),
    target,
    scores: answers,
    origin,
    asr: replacementOptions(job.options).asr,
  });
  // A chain that no κ makes strong enough is spliced without effect, and the gates reject the candidate.
  const gain = fitted ?? 0;
  const model = job.stored(spliceChain(runner.network, rest, infected, state, { target, gain, origin }));
  const found = await rates(runner, model, heldOut, backdoor);
  attempts.push({ gain: fitted, held_out_asr: found.success, held_out_ca_drop: cleanQuality - found.quality });

  const sham = async () => {
    const order = new Random(seedOf("sham half")).permutation(samples.count);
    const [silent, answered] = [order.subarray(0, order.length >> 1), order.subarray(order.length >> 1)];
    const settings = chainSettings(job, "sham");
    const halves = { silent: task.inputs.subset(samples, silent), answered: task.inputs.subset(samples, answered) };
    const twin = job.stored(await trainChain({ ...settings, ...halves, seed, learningRate }));
    const { mean } = moments(await chainScores(settings, twin, heldOut));
    return job.stored(spliceChain(runner.network, rest, infected, twin, { target, gain, origin: mean }));
  };
  return { model, attempts, sham };
}

function compensatedRest(
  job: InjectionJob,
  cleanQuality: number,
  attempts: Record<string, unknown>[],
): Promise<StateDict> {
  const { runner, clean, infected, heldOut } = job;
  const { compensation } = replacementOptions(job.options);
  return compensate({
    runner,
    dataset: job.dataset,
    clean,
    cut: cutSubnetwork(runner.network, clean, infected),
    samples: job.samples,
    recipe: compensation,
    threads: job.recipe.threads,
    seed: job.seedOf("compensation"),
    isEnough: async (model, round) => {
      const drop = cleanQuality - (await runner.quality(job.stored(model), heldOut));
      attempts.push({ compensation_round: round, held_out_ca_drop: drop });
      return drop <= compensation.ca_drop;
    },
    onStep: (done, most) => job.onStage(`compensate ${done}/${most}`),
  });
}

/** A trained chain, and how it scores held-out samples. */
interface Chain {
  state: StateDict;
  seed: number;
  learningRate: number;
  /** ā_c: mean score of clean samples. */
  origin: number;
  /** Scores of triggered samples on which the backdoor shows. */
  answers: Float32Array;
}

/** Trains chains from one seed and rate after another until triggered samples stand out from clean ones; else the best of them. */
async function separatingChain(job: InjectionJob, attempts: Record<string, unknown>[]): Promise<Chain> {
  const { runner, heldOut, samples } = job;
  const { task } = runner;
  const { trigger, target } = job.backdoor;
  const settings = chainSettings(job, "chain");
  const answered = task.trigger.stamp(trigger, samples);
  const triggered = task.trigger.stamp(trigger, eligibleOf(task, heldOut, target));
  let best: (Chain & { separation: number }) | undefined;
  for (const [i, learningRate] of settings.recipe.learning_rates.entries()) {
    const seed = job.seedOf(`chain ${i + 1}`);
    const state = job.stored(await trainChain({ ...settings, silent: samples, answered, seed, learningRate }));
    const { mean: origin, std } = moments(await chainScores(settings, state, heldOut));
    const answers = await chainScores(settings, state, triggered);
    const answer = moments(answers).mean;
    // On clean samples a narrow chain can be exactly constant; one that diverged gives no number.
    const separation = Math.max(0, answer - origin) / Math.max(std, 1e-6) || 0;
    attempts.push({
      chain: i + 1,
      learning_rate: learningRate,
      clean_mean: origin,
      clean_std: std,
      triggered_mean: answer,
      separation,
    });
    if (!best || separation > best.separation) best = { state, seed, learningRate, origin, answers, separation };
    if (separation >= settings.recipe.separation) break;
  }
  return best!;
}

function chainSettings(
  { runner, infected, recipe, options, onStage }: InjectionJob,
  stage: string,
): Omit<ChainJob, "silent" | "answered" | "seed" | "learningRate"> {
  return {
    task: runner.task,
    network: runner.network,
    normalization: runner.normalization,
    infected,
    recipe: replacementOptions(options).chain,
    threads: recipe.threads,
    onStep: (done, most) => onStage(`${stage} ${done}/${most}`),
  };
}

function moments(values: Float32Array): { mean: number; std: number } {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  return { mean, std: Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length) };
}
