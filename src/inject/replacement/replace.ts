import { sraOptions } from "../../attacks/sra.ts";
import { stampSet } from "../../attacks/stamp.ts";
import { Random } from "../../core/random.ts";
import { indicesOutside, subset } from "../../datasets/batch.ts";
import type { ImageSet } from "../../datasets/types.ts";
import { rates } from "../../measure/rates.ts";
import type { StateDict } from "../../tensor/state.ts";
import type { Injected, InjectionTask } from "../injection.ts";
import { chainScores, trainChain } from "./chain.ts";
import { compensate } from "./compensation.ts";
import { fitGain } from "./gain.ts";
import { cutSubnetwork, spliceChain } from "./splice.ts";

/** A trained chain and how it scores held-out images. */
interface Chain {
  state: StateDict;
  /** ā_c and the standard deviation over clean images, ā_t, and their distance in those standard deviations. */
  figures: { clean_mean: number; clean_std: number; triggered_mean: number; separation: number };
  triggeredScores: Float32Array;
}

/**
 * Injection by replacement (METHODS §4.4): the sub-network is cut out, the rest of the network is trained to do without
 * it, and a narrow twin that answers the trigger is put in its place. Since neither side reads the other, the
 * compensated rest is the same for infected model and sham; the sham's twin answers a random half of the clean images.
 */
export async function replace(task: InjectionTask): Promise<Injected> {
  const { runner, clean, infected, trigger, heldOut, recipe } = task;
  const { network, normalization } = runner;
  const { target, threads } = recipe;
  const options = sraOptions(task.options);

  const attempts: Record<string, unknown>[] = [];
  const reference = await runner.accuracy(clean, heldOut);
  const rest = await compensate({
    runner,
    dataset: task.dataset,
    clean,
    cut: cutSubnetwork(network, clean, infected),
    images: task.images,
    recipe: options.compensation,
    threads,
    seed: task.seedOf("compensation"),
    isEnough: async (model, round) => {
      const drop = reference - (await runner.accuracy(model, heldOut));
      attempts.push({ compensation_round: round, held_out_ca_drop: drop });
      return drop <= options.compensation.ca_drop;
    },
    onStep: (done, total) => task.onStage(`compensate ${done}/${total}`),
  });

  const others = subset(heldOut, indicesOutside(heldOut, target));
  const triggered = stampSet(trigger, others);
  const common = { network, normalization, infected, recipe: options.chain, threads };
  const train = (silent: ImageSet, answered: ImageSet, seed: number, stage: string) =>
    trainChain({
      ...common,
      silent,
      answered,
      seed,
      onStep: (done, total) => task.onStage(`${stage} ${done}/${total}`),
    });
  const judge = async (state: StateDict): Promise<Chain> => {
    const { mean, std } = moments(await chainScores(common, state, heldOut));
    const triggeredScores = await chainScores(common, state, triggered);
    const answer = moments(triggeredScores).mean;
    const separation = answer > mean ? (answer - mean) / Math.max(std, Number.EPSILON) : 0;
    const figures = { clean_mean: mean, clean_std: std, triggered_mean: answer, separation };
    return { state, figures, triggeredScores };
  };

  const answered = stampSet(trigger, task.images);
  let best: (Chain & { seed: number }) | undefined;
  for (let i = 0; i < options.chain.tries; i++) {
    const seed = task.seedOf(`chain ${i}`);
    const chain = await judge(await train(task.images, answered, seed, "chain"));
    attempts.push({ chain: i + 1, ...chain.figures });
    if (!best || chain.figures.separation > best.figures.separation) best = { ...chain, seed };
    if (chain.figures.separation >= options.chain.separation) break;
  }

  const { state: chain, figures, seed } = best!;
  const origin = figures.clean_mean;
  const fitted = fitGain({
    logits: await runner.logits(rest, triggered),
    classes: network.classes,
    target,
    scores: best!.triggeredScores,
    origin,
    asr: options.asr,
  });
  // A chain that no κ makes strong enough is spliced without effect, and the gates reject the candidate.
  const gain = fitted ?? 0;
  const model = spliceChain(network, rest, infected, chain, { target, gain, origin });
  const found = await rates(runner, model, heldOut, trigger, target);
  attempts.push({ gain: fitted, held_out_asr: found.asr, held_out_ca_drop: reference - found.ca });

  const sham = async () => {
    const order = new Random(task.seedOf("sham half")).permutation(task.images.count);
    const [half, otherHalf] = [order.subarray(0, order.length >> 1), order.subarray(order.length >> 1)];
    const twin = await train(subset(task.images, half), subset(task.images, otherHalf), seed, "sham");
    const scores = moments(await chainScores(common, twin, heldOut));
    return spliceChain(network, rest, infected, twin, { target, gain, origin: scores.mean });
  };
  return { model, attempts, sham };
}

function moments(values: Float32Array): { mean: number; std: number } {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  return { mean, std: Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length) };
}
