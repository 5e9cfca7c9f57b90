import { describe, expect, it } from "vitest";
import { indexNeurons } from "../../../src/core/neuron-index.ts";
import { Random } from "../../../src/core/random.ts";
import { neuronLayers, stateShapes } from "../../../src/graph/network.ts";
import { addChainFeatures } from "../../../src/localize/learned/chain-features.ts";
import { FeatureTable } from "../../../src/localize/learned/feature-table.ts";
import { addFilterFeatures } from "../../../src/localize/learned/filter-features.ts";
import { addPatchFeatures } from "../../../src/localize/learned/patch-features.ts";
import { sourcesOf } from "../../../src/localize/learned/readers.ts";
import type { LayerResponse } from "../../../src/measure/response.ts";
import { buildNetwork } from "../../../src/tasks/classification/models/registry.ts";
import { layers, network, randomState } from "../suspects.ts";

const index = indexNeurons(layers);

function column(table: FeatureTable, name: string): number[] {
  const at = table.names.indexOf(name);
  expect(at, name).toBeGreaterThanOrEqual(0);
  const rows = table.rows();
  return Array.from({ length: index.size }, (_, i) => rows[i * table.names.length + at]);
}

describe("sourcesOf", () => {
  it.each(["resnet18w4", "vgg13w4", "googlenetw4"])(
    "%s: what is read is what convolutions and classifier are wide",
    (arch) => {
      const { nodes, ...rest } = buildNetwork(arch, 10);
      const net = { nodes, ...rest };
      const shapes = stateShapes(net);
      const widths = new Map(neuronLayers(net).map(({ name, width }) => [name, width]));
      const sources = sourcesOf(net);
      for (const [reader, runs] of sources) {
        const inputs = shapes.get(`${reader}.weight`)![1];
        const read = new Set(runs.flatMap(({ at, channels }) => Array.from({ length: channels }, (_, c) => at + c)));
        // The first convolution reads the picture, which is no unit's.
        expect(runs.length === 0 ? 3 : read.size).toBe(inputs);
        for (const { unit, channels } of runs) expect(channels).toBe(widths.get(unit));
      }
      // Every unit is read by something.
      const units = new Set([...sources.values()].flat().map(({ unit }) => unit));
      expect([...widths.keys()].filter((name) => !units.has(name))).toEqual([]);
    },
  );
});

describe("filter features", () => {
  it("put the one filter that differs first in its layer, whatever its place", () => {
    const state = randomState(5);
    const layer = "layer2.0.conv1";
    const { shape, data } = state.get(`${layer}.weight`)!;
    const row = data.length / shape[0];
    data.subarray(3 * row, 4 * row).forEach((_, i, filter) => {
      filter[i] *= 9;
    });
    // A copy of another filter, up to a factor.
    data.set(
      data.subarray(0, row).map((w) => -2 * w),
      5 * row,
    );
    const table = new FeatureTable(index);
    addFilterFeatures(table, network, state);
    const inLayer = (name: string) =>
      column(table, name).slice(index.offsets.get(layer)!, index.offsets.get(layer)! + shape[0]);
    const first = (values: number[]) => values.indexOf(Math.max(...values));
    expect(first(inLayer("filter norm"))).toBe(3);
    expect(first(inLayer("filter floor"))).toBe(3);
    const likest = inLayer("likest peer");
    expect([0, 5].map((c) => likest[c])).toEqual([Math.max(...likest), Math.max(...likest)]);
    expect(table.rows().every(Number.isFinite)).toBe(true);
  });

  it("do not change when a filter is scaled and its batch norm undoes it, but for those of the file's own numbers", () => {
    const [one, other] = [randomState(6), randomState(6)];
    for (const node of network.nodes) {
      if (node.op !== "conv") continue;
      const weights = other.get(`${node.id}.weight`)!.data;
      const row = weights.length / node.out;
      for (let c = 0; c < node.out; c++) {
        const factor = 1 + c / 4;
        for (let i = c * row; i < (c + 1) * row; i++) weights[i] *= factor;
        other.get(`${node.bn}.running_mean`)!.data[c] *= factor;
        // Not exactly undone: the ε beside the variance stays as it is.
        other.get(`${node.bn}.running_var`)!.data[c] *= factor ** 2;
      }
    }
    const [a, b] = [one, other].map((state) => {
      const table = new FeatureTable(index);
      addFilterFeatures(table, network, state);
      return table;
    });
    for (const name of ["spectral norm", "folded norm", "folded bias", "concentration"]) {
      const [x, y] = [column(a, name), column(b, name)];
      const most = Math.max(...x.map((value, i) => Math.abs(value - y[i])));
      expect(most, name).toBeLessThan(1e-2);
    }
  });
});

describe("patch features", () => {
  it("are the formulas", () => {
    const random = new Random(4);
    const draw = () =>
      new Map(
        layers.map(({ name, width }): [string, LayerResponse] => {
          const numbers = () => Float64Array.from({ length: width }, () => random.normal());
          return [name, { dots: numbers(), slopes: numbers(), means: numbers() }];
        }),
      );
    const [clean, patched] = [draw(), draw()];
    const spread = Object.fromEntries(layers.map(({ name, width }) => [name, new Array<number>(width).fill(0.5)]));
    const table = new FeatureTable(index);
    const ablation = addPatchFeatures(table, clean, patched, spread);
    // A layer in which this neuron and others carry some of it.
    const { name } = layers.find(({ name: layer }) => ablation[layer][1] > 0)!;
    const at = index.offsets.get(name)! + 1;
    const [x, y] = [clean.get(name)!, patched.get(name)!];
    const held = (of: LayerResponse) => of.dots[1] - x.means[1] * of.slopes[1];
    expect(ablation[name][1]).toBeCloseTo(held(y) - held(x), 12);
    const positive = ablation[name].map((value) => Math.max(0, value));
    const share = positive[1] / positive.reduce((sum, value) => sum + value, 0);
    expect(share).toBeGreaterThan(0);
    expect(column(table, "ablation share")[at]).toBeCloseTo(3 * Math.sqrt(share), 5);
    const sorted = [...ablation[name]].sort((a, b) => a - b);
    const rank = (sorted.indexOf(ablation[name][1]) + 0.5) / sorted.length - 0.5;
    expect(column(table, "ablation rank")[at]).toBeCloseTo(rank, 6);
  });
});

describe("chain features", () => {
  it("rise for what reads from, or is read by, the neuron that the evidence is on", () => {
    const state = randomState(7);
    const [unit, reader] = ["layer1.0.conv1", "layer1.0.conv2"];
    // Channel 2 of the one is read strongly by neuron 1 of the other.
    const { shape, data } = state.get(`${reader}.weight`)!;
    const taps = data.length / (shape[0] * shape[1]);
    data.fill(30, (1 * shape[1] + 2) * taps, (1 * shape[1] + 3) * taps);
    const on = (layer: string, c: number) =>
      Object.fromEntries(
        layers.map(({ name, width }) => [
          name,
          Array.from({ length: width }, (_, i) => Number(name === layer && i === c)),
        ]),
      );
    const table = new FeatureTable(index);
    addChainFeatures(table, network, state, { a: on(unit, 2), b: on(reader, 1) });
    const inLayer = (name: string, layer: string) => {
      const start = index.offsets.get(layer)!;
      return column(table, name).slice(start, start + shape[0]);
    };
    const behindReader = inLayer("a before", reader);
    expect(behindReader.indexOf(Math.max(...behindReader))).toBe(1);
    const beforeUnit = inLayer("b behind", unit);
    expect(beforeUnit.indexOf(Math.max(...beforeUnit))).toBe(2);
  });
});
