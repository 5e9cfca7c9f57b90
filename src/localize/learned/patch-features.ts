import type { LayerScores } from "../../core/neurons.ts";
import type { LayerResponse } from "../../measure/response.ts";
import type { FeatureTable } from "./feature-table.ts";

const TINY = 1e-9;

/**
 * What a reversed patch does to every neuron, and what the flip to its class owes to them (docs/methods.md §10.14).
 *
 * @param clean, patched the response's terms on the same images without and with the patch
 * @param spread standard deviation of every neuron's spatial mean over clean images
 */
export function addPatchFeatures(
  table: FeatureTable,
  clean: ReadonlyMap<string, LayerResponse>,
  patched: ReadonlyMap<string, LayerResponse>,
  spread: LayerScores,
): LayerScores {
  const per = (
    of: (before: LayerResponse, after: LayerResponse, c: number, deviation: number) => number,
  ): LayerScores =>
    Object.fromEntries(
      [...clean].map(([layer, before]) => [
        layer,
        Array.from(before.means, (_, c) => of(before, patched.get(layer)!, c, spread[layer][c])),
      ]),
    );
  const rise = (before: LayerResponse, after: LayerResponse, c: number) => after.means[c] - before.means[c];
  const ablation = per(
    (before, after, c) =>
      after.dots[c] - before.means[c] * after.slopes[c] - (before.dots[c] - before.means[c] * before.slopes[c]),
  );
  const pushed = per((before, after, c) => after.slopes[c] * rise(before, after, c));
  for (const [name, scores] of [
    ["ablation", ablation],
    ["pushed", pushed],
  ] as const) {
    table.addZ(name, scores);
    table.add(`${name} share`, sharesOf(scores));
    table.add(`${name} of most`, ofMost(scores));
    table.add(
      `${name} size`,
      mapped(scores, (value) => Math.sign(value) * Math.log1p(Math.abs(value))),
    );
    table.add(`${name} rank`, ranksOf(scores));
  }
  table.addZ(
    "would push",
    per((before, after, c) => before.slopes[c] * rise(before, after, c)),
  );
  table.addZ("rise", per(rise));
  table.addZ(
    "rise in deviations",
    per((before, after, c, deviation) => rise(before, after, c) / (deviation + TINY)),
  );
  table.addZ(
    "slope patched",
    per((_, after, c, deviation) => after.slopes[c] * deviation),
  );
  table.addZ(
    "slope clean",
    per((before, _, c, deviation) => before.slopes[c] * deviation),
  );
  table.addZ(
    "gain",
    per((before, after, c) => after.dots[c] - before.dots[c]),
  );
  return ablation;
}

function mapped(scores: LayerScores, of: (value: number) => number): LayerScores {
  return Object.fromEntries(Object.entries(scores).map(([layer, values]) => [layer, values.map(of)]));
}

const positive = (value: number) => Math.max(0, value);

/** `3·√` of a neuron's share of what is positive in its layer. */
function sharesOf(scores: LayerScores): LayerScores {
  return Object.fromEntries(
    Object.entries(scores).map(([layer, values]) => {
      const sum = values.reduce((total, value) => total + positive(value), 0) + TINY;
      return [layer, values.map((value) => 3 * Math.sqrt(positive(value) / sum))];
    }),
  );
}

/** `3·√` of a neuron's part of the network's largest. */
function ofMost(scores: LayerScores): LayerScores {
  const most = Math.max(...Object.values(scores).flat().map(positive)) + TINY;
  return mapped(scores, (value) => 3 * Math.sqrt(positive(value) / most));
}

/** Place in the layer from −½ (least) to ½, equal ones by channel. */
function ranksOf(scores: LayerScores): LayerScores {
  return Object.fromEntries(
    Object.entries(scores).map(([layer, values]) => {
      const order = values.map((_, c) => c).sort((a, b) => values[a] - values[b] || a - b);
      const ranks = new Array<number>(values.length);
      for (const [place, c] of order.entries()) ranks[c] = (place + 0.5) / values.length - 0.5;
      return [layer, ranks];
    }),
  );
}
