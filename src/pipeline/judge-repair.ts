import { InputError } from "../core/errors.ts";
import { indexNeurons, neuronsAt } from "../core/neuron-index.ts";
import {
  countNeurons,
  type LayerScores,
  type LayerWidth,
  listNeurons,
  type NeuronSet,
  parseNeurons,
} from "../core/neurons.ts";
import { Random, stageSeed } from "../core/random.ts";
import { CRITERIA } from "../localize/registry.ts";
import { type Rates, rates } from "../measure/rates.ts";
import type { Repair } from "../repair/types.ts";
import { controlledSet } from "../score/topk.ts";
import type { RepairFile, Results } from "../store/results.ts";
import type { DefectLabels, DefectRecord } from "../store/schema.ts";
import { layersOf, type Model, type Progress, storedHash, type Workbench } from "./workbench.ts";

/** Who names the neurons to repair. */
export type Using =
  /** The true set G: the best that localization could offer. */
  | { kind: "oracle" }
  /** As many neurons as G has, drawn at random: the floor. */
  | { kind: "random" }
  /** A criterion's own set, or its top |G|. */
  | { kind: "criterion"; criterion: string; protocol: "native" | "topk" };

/** Parses `oracle`, `random`, `CRITERION` or `CRITERION:topk`. @throws InputError */
export function parseUsing(text: string): Using {
  if (text === "oracle" || text === "random") return { kind: text };
  const [name, protocol = "native", ...rest] = text.split(":");
  if (rest.length > 0 || (protocol !== "native" && protocol !== "topk")) {
    throw new InputError(`bad --using '${text}': write CRITERION, CRITERION:topk, oracle or random`);
  }
  if (!CRITERIA.has(name)) {
    throw new InputError(`unknown --using '${name}'; valid: oracle, random, ${[...CRITERIA.keys()].join(", ")}`);
  }
  return { kind: "criterion", criterion: name, protocol };
}

export function formatUsing(using: Using): string {
  if (using.kind !== "criterion") return using.kind;
  return using.protocol === "native" ? using.criterion : `${using.criterion}:${using.protocol}`;
}

/** A repair's figures as a flat row (SPEC §5). */
export function repairRow(repair: RepairFile) {
  const { id, method, using, ca_before, ca_after, asr_before, asr_after, seconds } = repair;
  const [asrd, cad] = [asr_before - asr_after, ca_before - ca_after];
  return { id, method, using, ca_before, ca_after, asr_before, asr_after, asrd, cad, seconds };
}

/**
 * Repairs the infected versions of defects and measures them on the test set with the stored trigger. Finished cells
 * (same model, neurons and seed) are read back.
 *
 * @returns the repairs, defects in order, methods inside each, selections inside each.
 */
export async function repairAll(
  bench: Workbench,
  results: Results,
  ids: readonly string[],
  methods: readonly Repair[],
  usings: readonly Using[],
  progress: Progress = () => undefined,
): Promise<RepairFile[]> {
  const repairs: RepairFile[] = [];
  for (const id of ids) {
    const record = bench.source.readDefect(id);
    const labels = bench.source.readLabels(id);
    const layers = layersOf(bench.source, record);
    const modelSha256 = storedHash(record, "infected")!;
    let opened: OpenDefect | undefined;
    for (const method of methods) {
      for (const using of usings) {
        const name = formatUsing(using);
        progress(repairs.length, ids.length * methods.length * usings.length, `${id} ${method.name} ${name}`);
        const { neurons, scores } = chooseNeurons(using, layers, results, labels, modelSha256, bench.seed);
        const listed = listNeurons(neurons);
        const done = results.repair(method.name, name, id);
        if (done?.seed === bench.seed && done.model_sha256 === modelSha256 && same(done.neurons, listed)) {
          repairs.push(done);
          continue;
        }
        opened ??= await openDefect(bench, record);
        const { before, model } = opened;
        const suspect = await bench.suspect(model, await bench.dataset(record));
        const began = performance.now();
        const state = await method.repair(suspect, neurons, scores);
        const seconds = (performance.now() - began) / 1000;
        const after = await opened.measure(state);
        const repair: RepairFile = {
          kind: "repair",
          id,
          method: method.name,
          using: name,
          seed: bench.seed,
          model_sha256: modelSha256,
          neurons: listed,
          ca_before: before.ca,
          ca_after: after.ca,
          asr_before: before.asr,
          asr_after: after.asr,
          seconds,
        };
        results.saveRepair(repair);
        repairs.push(repair);
      }
    }
  }
  return repairs;
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i]);
}

interface OpenDefect {
  model: Model;
  before: Rates;
  measure(state: Model["state"]): Promise<Rates>;
}

async function openDefect(bench: Workbench, record: DefectRecord): Promise<OpenDefect> {
  const model = await bench.model(record, "infected");
  const { test } = await bench.dataset(record);
  const runner = await bench.runner(model);
  const trigger = await bench.source.readTrigger(record);
  const measure = (state: Model["state"]) => rates(runner, state, test, trigger, record.target);
  return { model, before: await measure(model.state), measure };
}

/** The neurons to repair, and their suspiciousness where a criterion chose them. */
function chooseNeurons(
  using: Using,
  layers: LayerWidth[],
  results: Results,
  labels: DefectLabels,
  modelSha256: string,
  seed: number,
): { neurons: NeuronSet; scores?: LayerScores } {
  const index = indexNeurons(layers);
  if (using.kind === "oracle") return { neurons: labels.infected };
  if (using.kind === "random") {
    const random = new Random(stageSeed(seed, "repair", "random", modelSha256));
    const flags = new Uint8Array(index.size);
    for (const at of random.sample(index.size, countNeurons(labels.infected))) flags[at] = 1;
    return { neurons: neuronsAt(index, flags) };
  }
  const { criterion, protocol } = using;
  const prediction = results.prediction(criterion, labels.id, "infected");
  if (prediction?.model_sha256 !== modelSha256) {
    throw new InputError(
      `no prediction of '${criterion}' for '${labels.id}': run 'bdefects localize ${labels.id} --criterion ${criterion}' first`,
    );
  }
  const { scores } = prediction;
  const neurons =
    protocol === "native" ? parseNeurons(prediction.native) : controlledSet(index, scores, labels.infected, "global");
  return { neurons, scores };
}
