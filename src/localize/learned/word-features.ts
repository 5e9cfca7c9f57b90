import { indexNeurons } from "../../core/neuron-index.ts";
import type { LayerScores } from "../../core/neurons.ts";
import { mean } from "../../core/statistics.ts";
import { type Network, neuronLayers, unitsOf } from "../../graph/network.ts";
import { ENOUGH_EVIDENCE } from "../../reversal/excision.ts";
import type { ReversedModel } from "../../reversal/subject.ts";
import { responsesUnder, reverseWord } from "../../reversal/words/reverse.ts";
import { outside } from "../../reversal/words/texts.ts";
import { firstOf } from "../../tasks/input-codec.ts";
import type { Insertion } from "../../tasks/insertion.ts";
import { type StateDict, tensorOf } from "../../tensor/state.ts";
import { amplification, matricesOf } from "../feed-forward.ts";
import { safeLog } from "../filters.ts";
import { boundedZ } from "../normalise.ts";
import { FeatureTable } from "./feature-table.ts";
import { momentsOf } from "./moments.ts";
import { addPatchFeatures } from "./patch-features.ts";

/** Texts of other classes whose answers are asked how they depend on a neuron, for each class. */
const TEXTS_A_CLASS = 32;

/** Share of a layer's neurons that speak for a class. */
const SPEAKERS = 0.05;

/** The features of a decoder's feed-forward units (docs/methods.md §10.14), blind: from weights, clean texts and a reversed word. */
export async function wordFeatures(model: ReversedModel, insertion: Insertion): Promise<FeatureTable> {
  const { network, state } = model;
  const table = new FeatureTable(indexNeurons(neuronLayers(network)));
  addWeightFeatures(table, network, state);
  const spread = await addTextFeatures(table, model);
  await addClassFeatures(table, model, insertion, spread);
  const word = await reverseWord(model, insertion);
  const { before, after } = await responsesUnder(model, insertion, word);
  const under = new FeatureTable(table.index);
  addPatchFeatures(under, before, after, spread);
  // A word that means a class tells who answers with it, and nothing of a backdoor.
  const stands = word.evidence >= ENOUGH_EVIDENCE ? 1 : 0;
  for (const name of under.names)
    table.addColumn(
      name,
      under.column(name).map((value) => stands * value),
    );
  table.addColumn("a word stands out", new Float64Array(table.index.size).fill(stands));
  const { layers } = table.index;
  const perLayer = (of: (layer: number, width: number) => number): LayerScores =>
    Object.fromEntries(layers.map(({ name, width }, i) => [name, new Array<number>(width).fill(of(i, width))]));
  table.add(
    "depth",
    perLayer((layer) => layer / Math.max(1, layers.length - 1)),
  );
  return table;
}

/** What lies in the checkpoint. */
function addWeightFeatures(table: FeatureTable, network: Network, state: StateDict): void {
  const units = unitsOf(network);
  const per = (of: (unit: (typeof units)[number]) => ArrayLike<number>): LayerScores =>
    Object.fromEntries(units.map((unit) => [unit.id, Array.from(of(unit))]));
  table.addZ(
    "amplification",
    per((unit) => amplification(network, state, unit).map(safeLog)),
  );
  // One matrix a role: a plain unit has no gate.
  for (const [name, pick] of [
    ["norm of what reads", (role: string) => role !== "outgoing"],
    ["norm of what writes", (role: string) => role === "outgoing"],
  ] as const) {
    const owned = per((unit) => {
      const sums = new Float64Array(unit.width);
      for (const { key, axis, role } of matricesOf(unit)) {
        if (pick(role)) eachWeight(state, key, axis, (neuron, weight) => (sums[neuron] += weight * weight));
      }
      return sums.map((sum) => 0.5 * safeLog(sum));
    });
    table.addZ(name, owned);
  }
  table.addZ(
    "kurtosis of what writes",
    per((unit) => {
      const [squares, fourths] = [new Float64Array(unit.width), new Float64Array(unit.width)];
      let count = 0;
      for (const { key, axis, role } of matricesOf(unit)) {
        if (role !== "outgoing") continue;
        count = tensorOf(state, key).data.length / unit.width;
        eachWeight(state, key, axis, (neuron, weight) => {
          squares[neuron] += weight ** 2;
          fourths[neuron] += weight ** 4;
        });
      }
      return squares.map((square, n) => safeLog((count * fourths[n]) / square ** 2));
    }),
  );
}

function eachWeight(
  state: StateDict,
  key: string,
  axis: number,
  visit: (neuron: number, weight: number) => void,
): void {
  const { shape, data } = tensorOf(state, key);
  for (let i = 0; i < data.length; i++) visit(axis === 0 ? Math.floor(i / shape[1]) : i % shape[1], data[i]);
}

/** How every neuron behaves on clean texts. @returns the standard deviation of every neuron's mean over positions */
async function addTextFeatures(
  table: FeatureTable,
  { network, state, runner, clean }: ReversedModel,
): Promise<LayerScores> {
  const units = unitsOf(network);
  const means = await runner.taps(state, clean.fit, "mean");
  const magnitudes = await runner.taps(state, clean.fit, "mean-abs");
  const contribution = await runner.contribution(state, clean.fit);
  const { count } = clean.fit;
  const moments = new Map(units.map(({ id, width }) => [id, momentsOf(means.get(id)!, width, count)]));
  const per = (of: (id: string, c: number) => number): LayerScores =>
    Object.fromEntries(units.map(({ id, width }) => [id, Array.from({ length: width }, (_, c) => of(id, c))]));
  const average = (values: Float32Array, width: number, c: number) => {
    let sum = 0;
    for (let i = c; i < values.length; i += width) sum += values[i];
    return sum / count;
  };
  const widthOf = new Map(units.map(({ id, width }) => [id, width]));
  table.addZ(
    "mean",
    per((id, c) => average(means.get(id)!, widthOf.get(id)!, c)),
  );
  table.addZ(
    "magnitude",
    per((id, c) => safeLog(average(magnitudes.get(id)!, widthOf.get(id)!, c))),
  );
  table.addZ(
    "contribution",
    per((id, c) => safeLog(contribution.get(id)![c])),
  );
  table.addZ(
    "contribution as it is",
    per((id, c) => contribution.get(id)![c]),
  );
  table.addZ(
    "deviation",
    per((id, c) => safeLog(moments.get(id)!.deviation[c])),
  );
  table.addZ(
    "skew",
    per((id, c) => moments.get(id)!.skew[c]),
  );
  table.addZ(
    "kurtosis",
    per((id, c) => safeLog(moments.get(id)!.kurtosis[c])),
  );
  return per((id, c) => moments.get(id)!.deviation[c]);
}

/**
 * How the answers of each class depend on every neuron: of the class that the loudest neurons speak for in common, and of the class
 * that a neuron itself speaks for the most.
 */
async function addClassFeatures(
  table: FeatureTable,
  model: ReversedModel,
  insertion: Insertion,
  spread: LayerScores,
): Promise<void> {
  const { task, state, runner, clean } = model;
  const pushes: LayerScores[] = [];
  for (const target of insertion.answers(clean.fit).keys()) {
    const others = firstOf(task.inputs, outside(model, insertion, clean.fit, target), TEXTS_A_CLASS);
    const terms = await runner.response(state, others, target);
    pushes.push(
      Object.fromEntries(
        [...terms].map(([layer, { slopes }]) => [layer, Array.from(slopes, (slope, c) => slope * spread[layer][c])]),
      ),
    );
  }
  const most = (of: (push: LayerScores) => LayerScores): LayerScores => {
    const all = pushes.map(of);
    return Object.fromEntries(
      Object.keys(spread).map((layer) => [
        layer,
        spread[layer].map((_, c) => all.reduce((best, one) => Math.max(best, one[layer][c]), Number.NEGATIVE_INFINITY)),
      ]),
    );
  };
  table.addZ(
    "push to any class",
    most((push) => push),
  );
  const voices = pushes.map((push) => mean(Object.values(boundedZ(push)).flatMap(loudest)));
  const spokenFor = voices.indexOf(Math.max(...voices));
  table.addZ("push to the class spoken for", pushes[spokenFor]);
}

function loudest(z: number[]): number[] {
  return [...z].sort((a, b) => b - a).slice(0, Math.max(1, Math.round(SPEAKERS * z.length)));
}
