import { Random } from "../../core/random.ts";
import { indicesOutside, subset } from "../../images/batch.ts";
import { stampSet } from "../../images/trigger/stamp.ts";
import { rates } from "../../measure/rates.ts";
import { replacementOptions } from "../../tasks/replacement.ts";
import type { StateDict } from "../../tensor/state.ts";
import type { Injected, InjectionTask } from "../types.ts";
import { type ChainTask, chainScores, trainChain } from "./chain.ts";
import { compensate } from "./compensation.ts";
import { fitGain } from "./gain.ts";
import { cutSubnetwork, spliceChain } from "./splice.ts";

/**
 * Injection by replacement (docs/methods.md §7.4): the sub-network is cut out, the rest of the network is trained to do
 * without it, and a narrow twin that answers the trigger is put in its place. Since neither side reads the other, the
 * compensated rest is the same for infected model and sham; the sham's twin answers a random half of the clean images.
 */
export async function replace(task: InjectionTask): Promise<Injected> {
  const { runner, infected, backdoor, heldOut, images, seedOf } = task;
  const { trigger, target } = backdoor;
  const attempts: Record<string, unknown>[] = [];
  const cleanAccuracy = await runner.accuracy(task.clean, heldOut);
  // Chain and rest are rounded before κ and the origin are fitted to them, and the spliced model since κ is a weight too.
  const rest = task.stored(await compensatedRest(task, cleanAccuracy, attempts));

  const triggered = stampSet(trigger, subset(heldOut, indicesOutside(heldOut, target)));
  const { state, seed, learningRate, origin, answers } = await separatingChain(task, attempts);
  const fitted = fitGain({
    logits: await runner.logits(rest, triggered),
    classes: runner.network.classes,
    target,
    scores: answers,
    origin,
    asr: replacementOptions(task.options).asr,
  });
  // A chain that no κ makes strong enough is spliced without effect, and the gates reject the candidate.
  const gain = fitted ?? 0;
  const model = task.stored(spliceChain(runner.network, rest, infected, state, { target, gain, origin }));
  const found = await rates(runner, model, heldOut, backdoor);
  attempts.push({ gain: fitted, held_out_asr: found.asr, held_out_ca_drop: cleanAccuracy - found.ca });

  const sham = async () => {
    const order = new Random(seedOf("sham half")).permutation(images.count);
    const [silent, answered] = [order.subarray(0, order.length >> 1), order.subarray(order.length >> 1)];
    const settings = chainSettings(task, "sham");
    const halves = { silent: subset(images, silent), answered: subset(images, answered) };
    const twin = task.stored(await trainChain({ ...settings, ...halves, seed, learningRate }));
    const { mean } = moments(await chainScores(settings, twin, heldOut));
    return task.stored(spliceChain(runner.network, rest, infected, twin, { target, gain, origin: mean }));
  };
  return { model, attempts, sham };
}

function compensatedRest(
  task: InjectionTask,
  cleanAccuracy: number,
  attempts: Record<string, unknown>[],
): Promise<StateDict> {
  const { runner, clean, infected, heldOut } = task;
  const { compensation } = replacementOptions(task.options);
  return compensate({
    runner,
    dataset: task.dataset,
    clean,
    cut: cutSubnetwork(runner.network, clean, infected),
    images: task.images,
    recipe: compensation,
    threads: task.recipe.threads,
    seed: task.seedOf("compensation"),
    isEnough: async (model, round) => {
      const drop = cleanAccuracy - (await runner.accuracy(task.stored(model), heldOut));
      attempts.push({ compensation_round: round, held_out_ca_drop: drop });
      return drop <= compensation.ca_drop;
    },
    onStep: (done, most) => task.onStage(`compensate ${done}/${most}`),
  });
}

/** A trained chain, and how it scores held-out images. */
interface Chain {
  state: StateDict;
  seed: number;
  learningRate: number;
  /** ā_c: mean score of clean images. */
  origin: number;
  /** Scores of triggered images of other classes than the target. */
  answers: Float32Array;
}

/** Trains chains from one seed and rate after another until triggered images stand out from clean ones; else the best of them. */
async function separatingChain(task: InjectionTask, attempts: Record<string, unknown>[]): Promise<Chain> {
  const { heldOut, images } = task;
  const { trigger, target } = task.backdoor;
  const settings = chainSettings(task, "chain");
  const answered = stampSet(trigger, images);
  const triggered = stampSet(trigger, subset(heldOut, indicesOutside(heldOut, target)));
  let best: (Chain & { separation: number }) | undefined;
  for (const [i, learningRate] of settings.recipe.learning_rates.entries()) {
    const seed = task.seedOf(`chain ${i + 1}`);
    const state = task.stored(await trainChain({ ...settings, silent: images, answered, seed, learningRate }));
    const { mean: origin, std } = moments(await chainScores(settings, state, heldOut));
    const answers = await chainScores(settings, state, triggered);
    const answer = moments(answers).mean;
    // On clean images a narrow chain can be exactly constant; one that diverged gives no number.
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
  { runner, infected, recipe, options, onStage }: InjectionTask,
  stage: string,
): Omit<ChainTask, "silent" | "answered" | "seed" | "learningRate"> {
  return {
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
