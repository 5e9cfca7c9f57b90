import { lookup } from "../../core/errors.ts";
import type { DefectKey, Style } from "../../core/ids.ts";
import type { NeuronSet } from "../../core/neurons.ts";
import { Random, stageSeed } from "../../core/random.ts";
import type { Dataset } from "../../datasets/types.ts";
import { type ContributionOrder, contributionOrder, measureContributions, tiedOrder } from "../../inject/order.ts";
import { createRunner, type OrtRunner } from "../../measure/ort-runner.ts";
import { type Rates, toldRates } from "../../measure/rates.ts";
import type { CleanRecord } from "../../records/clean.ts";
import type { Attack, InjectionKind } from "../../tasks/attack.ts";
import type { Backdoor, Trigger } from "../../tasks/backdoor.ts";
import type { Task } from "../../tasks/task.ts";
import type { StateDict } from "../../tensor/state.ts";
import { ReadDatasets } from "../data/read-datasets.ts";
import { settingsFor } from "../recipe/overrides.ts";
import { attackOptions } from "../recipe/recipe.ts";
import { type BuildContext, networkAndTask } from "./context.ts";
import { rewriteFor } from "./discreet.ts";

/** Everything that the candidates of one clean model share, computed once per process. */
export interface CleanBench {
  record: CleanRecord;
  state: StateDict;
  task: Task;
  dataset: Dataset;
  runner: OrtRunner;
  /** Rule 1's order for each way of injecting. */
  orders: Record<InjectionKind, ContributionOrder>;
  /** The clean twin of a style's defects. */
  twin(style: Style): Promise<CleanTwin>;
  /** The backdoor of a candidate with a target: its trigger, and how the clean twin answers to it. */
  backdoor(key: DefectKey, infected: NeuronSet, target: number): Promise<PlannedBackdoor>;
}

export interface CleanTwin {
  state: StateDict;
  /** For `discreet`: gives a model batch-norm statistics of its own; the twin is the clean model so rewritten. */
  rewrite?(model: StateDict): Promise<StateDict>;
}

interface PlannedBackdoor {
  backdoor: Backdoor;
  cleanRates: Rates;
}

export async function openCleanBench(context: BuildContext, cleanId: string): Promise<CleanBench> {
  const { db, edition } = context;
  const record = db.readClean(cleanId);
  const dataset = await new ReadDatasets(db).of(await context.datasets.get(record.dataset), cleanId);
  const { threads } = settingsFor(edition.inject, record);
  const { task, network } = networkAndTask(record.arch, dataset);
  const runner = await createRunner(task, network, dataset.normalization, { threads });
  const state = await db.loadClean(record);
  const contributions = await measureContributions(
    runner,
    state,
    dataset,
    record.arch,
    edition.measure.contribution_images,
    edition.seed,
  );
  let discreet: Promise<CleanTwin> | undefined;
  const makeDiscreet = async (): Promise<CleanTwin> => {
    const images = edition.measure.statistics_images;
    const rewrite = rewriteFor(network, runner, dataset, record.arch, images, edition.seed, edition.grid);
    return { state: await rewrite(state), rewrite };
  };
  const twin = async (style: Style): Promise<CleanTwin> => {
    if (style === "plain") return { state };
    discreet ??= makeDiscreet();
    return discreet;
  };
  const make = (attack: Attack, random: Random, infected?: NeuronSet): Promise<Trigger> => {
    const { height, width } = network.input;
    const { normalization } = dataset;
    const victim = infected && { network, normalization, state, infected, samples: dataset.train, threads };
    const options = attackOptions(edition, attack.name);
    return Promise.resolve(attack.makeTrigger({ height, width, random, options, victim }));
  };
  /** What the clean twins put out for the test samples, which no trigger changes. */
  const cleanOutputs = new Map<Style, Promise<Float32Array>>();
  const answer = async (made: Promise<Trigger>, style: Style, target: number): Promise<PlannedBackdoor> => {
    const backdoor = { trigger: await made, target };
    const clean = (await twin(style)).state;
    const known = cleanOutputs.get(style) ?? runner.outputs(clean, dataset.test);
    cleanOutputs.set(style, known);
    return { backdoor, cleanRates: await toldRates(runner, clean, dataset.test, backdoor, await known) };
  };
  const triggers = new Map<string, Promise<Trigger>>();
  const answers = new Map<string, Promise<PlannedBackdoor>>();
  return {
    record,
    state,
    task,
    dataset,
    runner,
    orders: {
      finetune: contributionOrder(contributions),
      edit: contributionOrder(contributions),
      // Not every network's units can be replaced.
      get replace() {
        return tiedOrder(network, contributions);
      },
    },
    twin,
    backdoor({ level, top, attack: name, style }, infected, target) {
      const attack = lookup(task.attacks, "attack", name);
      const seed = (...more: (string | number)[]) => stageSeed(edition.seed, "trigger", dataset.name, name, ...more);
      if (attack.triggerPer === "candidate") {
        return answer(make(attack, new Random(seed(record.arch, level, top)), infected), style, target);
      }
      const trigger = triggers.get(name) ?? make(attack, new Random(seed()));
      triggers.set(name, trigger);
      const key = `${name} ${style} ${target}`;
      const known = answers.get(key) ?? answer(trigger, style, target);
      answers.set(key, known);
      return known;
    },
  };
}
