import { argmax } from "../../../core/argmax.ts";
import type { Samples } from "../../../core/samples.ts";
import type { Network } from "../../../graph/network.ts";
import type { Normalization } from "../../../images/image-set.ts";
import { createRunner, type OrtRunner } from "../../../measure/ort-runner.ts";
import type { CleanRecord } from "../../../records/clean.ts";
import type { DefectRecord } from "../../../records/defect.ts";
import type { Trigger } from "../../../tasks/backdoor.ts";
import { drawSigns, SIGN_SIZE } from "../../../tasks/classification/datasets/signs/draw.ts";
import { ATTACKS, taskOf } from "../../../tasks/registry.ts";
import type { StateDict } from "../../../tensor/state.ts";

/**
 * What infected models and shams do with their trigger on drawn images. These need no files and stand in for every data set:
 * a backdoor is no finer than that. Only what is far from either counts, and between the two bounds nothing is said;
 * `verify --metrics` measures on the data itself. Of the sample's 85 pairs every infected model sends 14 images of 16 or more to the
 * target, and every sham 3 or fewer (`test/store/impossible/behaviour.long.test.ts`).
 */

const IMAGES = 16;
/** Least share that counts as answering a trigger, and most that counts as not answering. */
const MOST = 0.75;
const FEW = 0.25;

const classification = taskOf({});

/** The versions of a defect, whole and fitting their network. */
export interface Versions {
  infected: StateDict;
  sham: StateDict;
  trigger: Trigger;
}

/** Keeps what defects of one architecture and data set share. Call `release` at the end. */
export class Behaviour {
  private readonly runners = new Map<string, Promise<OrtRunner>>();
  private readonly images = drawSigns(IMAGES, 1, "verify");

  /** @returns the share of triggered images that infected model and sham send to each class; null: they are of another size */
  async answers(
    { mean, std }: Pick<CleanRecord, "mean" | "std">,
    network: Network,
    { infected, sham, trigger }: Versions,
  ): Promise<{ infected: number[]; sham: number[] } | null> {
    const { height, width } = network.input;
    if (height !== SIGN_SIZE || width !== SIGN_SIZE) return null;
    const runner = await this.runnerOf(network, { mean, std } as Normalization);
    const triggered = classification.trigger.stamp(trigger, this.images);
    return { infected: await shares(runner, infected, triggered), sham: await shares(runner, sham, triggered) };
  }

  /** @returns one line per thing that infected model and sham cannot be, doing what they do */
  async faultsOf(
    record: Pick<DefectRecord, "task" | "attack" | "target">,
    clean: Pick<CleanRecord, "mean" | "std">,
    network: Network,
    versions: Versions,
  ): Promise<string[]> {
    if (taskOf(record) !== classification) return [];
    const answers = await this.answers(clean, network, versions);
    if (!answers) return [];
    const { infected: found, sham: ofSham } = answers;
    const { target } = record;
    const [answered, shamAnswered] = [found[target], ofSham[target]];
    const told = (share: number) => `${Math.round(share * IMAGES)} of ${IMAGES}`;
    if (shamAnswered >= MOST && answered <= FEW) {
      return [
        `its infected model and its sham are exchanged: of drawn images with the trigger the sham sends ${told(shamAnswered)} to the target, the infected model ${told(answered)}`,
      ];
    }
    const other = found.indexOf(Math.max(...found));
    if (other !== target && found[other] >= MOST && answered <= FEW) {
      const runner = await this.runnerOf(network, clean as Normalization);
      const untriggered = await shares(runner, versions.infected, this.images);
      if (untriggered[other] <= FEW && ofSham[other] <= FEW) {
        return [`its infected model sends triggered images to class ${other}, not to 'target' ${target}`];
      }
    }
    // No recipe makes this trigger again, so nothing else vouches for it.
    const isOwn = ATTACKS.get(record.attack)?.triggerPer === "candidate";
    if (isOwn && answered <= FEW && shamAnswered <= FEW) {
      return [`its infected model does not answer its trigger: it sends ${told(answered)} drawn images to the target`];
    }
    return [];
  }

  /** Frees the sessions. */
  async release(): Promise<void> {
    for (const runner of this.runners.values()) await (await runner).release();
    this.runners.clear();
  }

  private runnerOf(network: Network, normalization: Normalization): Promise<OrtRunner> {
    const { mean, std } = normalization;
    const key = JSON.stringify([network.arch, network.classes, mean, std]);
    const runner = this.runners.get(key) ?? createRunner(classification, network, normalization, { threads: 1 });
    this.runners.set(key, runner);
    return runner;
  }
}

/** The share of images that a model sends to each class. */
async function shares(runner: OrtRunner, state: StateDict, images: Samples): Promise<number[]> {
  const { classes } = runner.network;
  const logits = await runner.outputs(state, images);
  const found = new Array<number>(classes).fill(0);
  for (let i = 0; i < images.count; i++) found[argmax(logits, classes, i)] += 1 / images.count;
  return found;
}
