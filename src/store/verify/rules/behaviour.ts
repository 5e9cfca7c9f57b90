import { argmax } from "../../../core/argmax.ts";
import type { Samples } from "../../../core/samples.ts";
import type { Network } from "../../../graph/network.ts";
import type { Normalization } from "../../../images/image-set.ts";
import { createRunner, type OrtRunner } from "../../../measure/ort-runner.ts";
import { rowOf } from "../../../measure/verdicts.ts";
import type { CleanRecord } from "../../../records/clean.ts";
import type { DefectRecord } from "../../../records/defect.ts";
import type { Described } from "../../../tasks/adoption.ts";
import type { Trigger } from "../../../tasks/backdoor.ts";
import { drawSigns, SIGN_SIZE } from "../../../tasks/classification/datasets/signs/draw.ts";
import { ATTACKS, taskOf } from "../../../tasks/registry.ts";
import type { Task } from "../../../tasks/task.ts";
import type { StateDict } from "../../../tensor/state.ts";

/**
 * What infected models and shams do with their trigger on drawn images. These need no files and stand in for every data set:
 * a backdoor is no finer than that. Only what is far from either counts, and between the two bounds nothing is said;
 * `verify --metrics` measures on the data itself. Of the sample's 85 pairs every infected model sends 14 images of 16 or more to the
 * target, and every sham 3 or fewer (`test/store/impossible/behaviour.long.test.ts`). Other tasks draw samples of their own.
 */

const IMAGES = 16;
/** Least share that counts as answering a trigger, and most that counts as not answering. */
const MOST = 0.75;
const FEW = 0.25;
/** Of fewer samples on which a backdoor can show, nothing is said. */
const FEWEST = 8;

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

  /** @param described how a clean model that somebody else made reads samples @returns one line per thing that infected model and sham cannot be, doing what they do */
  async faultsOf(
    record: Pick<DefectRecord, "task" | "dataset" | "attack" | "target">,
    clean: Pick<CleanRecord, "mean" | "std" | "classes">,
    network: Network,
    versions: Versions,
    described: Described | null = null,
  ): Promise<string[]> {
    const task = taskOf(record);
    if (task !== classification) return this.faultsOfOther(task, record, clean, network, versions, described);
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
      const runner = await this.runnerOf(network, { mean: clean.mean, std: clean.std } as Normalization);
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

  /** The same by the success of the backdoor, for tasks whose answers are no classes and that draw samples. */
  private async faultsOfOther(
    task: Task,
    { dataset, attack, target }: Pick<DefectRecord, "dataset" | "attack" | "target">,
    { mean, std, classes }: Pick<CleanRecord, "mean" | "std" | "classes">,
    network: Network,
    { infected, sham, trigger }: Versions,
    described: Described | null,
  ): Promise<string[]> {
    const own = task.drawn?.(IMAGES, network, dataset);
    if (!own) return [];
    const drawn = described ? described.read(own) : own;
    const runner = await this.runnerOf(network, { mean, std } as Normalization, task);
    const triggered = task.trigger.stamp(trigger, drawn);
    const share = async (state: StateDict, towards: number) => {
      const at = task.eligible(drawn, towards);
      if (at.length < FEWEST) return null;
      const outputs = await runner.outputs(state, triggered);
      return at.filter((i) => task.succeeds(rowOf(outputs, IMAGES, i), triggered, i, towards)).length / at.length;
    };
    const [answered, shamAnswered] = [await share(infected, target), await share(sham, target)];
    if (answered === null || shamAnswered === null || answered > FEW) return [];
    const percent = (part: number) => `${Math.round(100 * part)} %`;
    const { samples } = task.words;
    if (shamAnswered >= MOST) {
      return [
        `its infected model and its sham are exchanged: of drawn ${samples} with the trigger the backdoor shows on ${percent(shamAnswered)} in the sham, on ${percent(answered)} in the infected model`,
      ];
    }
    for (const other of classes.keys()) {
      if (other === target || ((await share(infected, other)) ?? 0) < MOST) continue;
      if (((await share(sham, other)) ?? 1) > FEW) continue;
      return [`its infected model makes ${task.words.target} ${other} of triggered ${samples}, not 'target' ${target}`];
    }
    const isOwn = ATTACKS.get(attack)?.triggerPer === "candidate";
    if (!isOwn || shamAnswered > FEW) return [];
    return [
      `its infected model does not answer its trigger: the backdoor shows on ${percent(answered)} of drawn ${samples}`,
    ];
  }

  /** Frees the sessions. */
  async release(): Promise<void> {
    for (const runner of this.runners.values()) await (await runner).release();
    this.runners.clear();
  }

  private runnerOf(network: Network, normalization: Normalization, task: Task = classification): Promise<OrtRunner> {
    const { mean, std } = normalization;
    const key = JSON.stringify([network.arch, network.classes, mean, std]);
    const runner = this.runners.get(key) ?? createRunner(task, network, normalization, { threads: 1 });
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
