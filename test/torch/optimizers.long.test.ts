import { describe, expect, it } from "vitest";
import type { NeuronSet } from "../../src/core/neurons.ts";
import { Random } from "../../src/core/random.ts";
import { convUnits, type Network } from "../../src/graph/network.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { cloneState, type StateDict } from "../../src/tensor/state.ts";
import { AdamTrainer } from "../../src/tune/adam-trainer.ts";
import { SubnetworkTuner } from "../../src/tune/subnetwork.ts";
import { Trainer } from "../../src/tune/trainer.ts";
import { randomState, relativeError } from "../graph/programs.ts";
import { findTorchPython } from "./find-python.ts";
import { askTorch, batchTensors, median, movementError, randomBatch } from "./peer.ts";

const STEPS = 5;
const BATCH = 8;
const CLASSES = 10;

/** One network without and one with convolution biases; a unit of which none, and one of which all neurons are tuned. */
const PEERS = [
  { arch: "resnet18w16", none: "layer2.1.conv1", all: "layer1.0.conv2" },
  { arch: "vgg13w8", none: "features.14", all: "features.3" },
];

function batchesOf(network: Network, seed: number) {
  const random = new Random(seed);
  return Array.from({ length: STEPS }, () => randomBatch(network, BATCH, random));
}

describe.skipIf(!findTorchPython()).each(PEERS)(
  "optimizers on $arch against PyTorch in float64",
  ({ arch, none, all }) => {
    const network = buildNetwork(arch, CLASSES);
    const units = convUnits(network);
    /** Filters, γ, β and, where there are any, biases. */
    const perUnit = units[0].bias ? 4 : 3;

    it("SGD with Nesterov momentum and weight decay: parameters, velocities and running statistics", async () => {
      const start = randomState(network, 11);
      const batches = batchesOf(network, 12);
      const options = { learning_rate: 0.01, momentum: 0.9, weight_decay: 5e-4, steps: STEPS };
      const trainer = await Trainer.create(network, cloneState(start), {
        momentum: options.momentum,
        nesterov: true,
        weightDecay: options.weight_decay,
        batch: BATCH,
        threads: 1,
      });
      const losses: number[] = [];
      for (const { images, targets } of batches) {
        losses.push((await trainer.step(images, targets, options.learning_rate)).loss);
      }
      const [ours, velocities] = [trainer.snapshot(), trainer.velocities()];
      await trainer.release();

      const request = { command: "sgd", arch: network.arch, classes: CLASSES, ...options } as const;
      const expected = askTorch(request, new Map([...start, ...batchTensors(network, batches)])).tensors;
      expect(relativeError(Float32Array.from(losses), expected.get("losses")!.data)).toBeLessThan(1e-4);
      const errors = new Map<string, number>();
      for (const [key, { data }] of ours) {
        errors.set(key, movementError(data, expected.get(key)!.data, start.get(key)!.data));
      }
      for (const [key, { data }] of velocities) {
        const wanted = expected.get(`${key}#velocity`)!.data;
        errors.set(`${key}#velocity`, movementError(data, wanted, new Float32Array(data.length)));
      }
      // Parameters, of which the classifier has two, running statistics, velocities.
      expect(errors.size).toBe(2 * (perUnit * units.length + 2) + 2 * units.length);
      expect(median([...errors.values()])).toBeLessThan(1e-4);
      for (const [key, error] of errors) expect(error, key).toBeLessThan(2e-2);
    });

    it("Adam with weight decay: parameters and running statistics", async () => {
      const start = randomState(network, 31);
      const batches = batchesOf(network, 32);
      const options = { learning_rate: 1e-3, weight_decay: 0.1, steps: STEPS };
      const trainer = await AdamTrainer.create(network, start, {
        batch: BATCH,
        threads: 1,
        momentum: 0.9,
        weightDecay: 0.1,
      });
      const losses: number[] = [];
      for (const { images, targets } of batches) {
        losses.push((await trainer.step(images, targets, options.learning_rate)).loss);
      }
      const ours = trainer.snapshot();
      await trainer.release();
      const request = { command: "adam", arch: network.arch, classes: CLASSES, ...options } as const;
      const expected = askTorch(request, new Map([...start, ...batchTensors(network, batches)])).tensors;
      expect(relativeError(Float32Array.from(losses), expected.get("losses")!.data)).toBeLessThan(1e-3);
      const errors = [...ours].map(
        ([key, { data }]) => [key, movementError(data, expected.get(key)!.data, start.get(key)!.data)] as const,
      );
      expect(median(errors.map(([, error]) => error))).toBeLessThan(2e-3);
      // Adam's step is the sign of a gradient where that is within rounding of zero: single entries may differ.
      for (const [key, error] of errors) expect(error, key).toBeLessThan(5e-2);
    });

    const sgd = { momentum: 0.9, weightDecay: 0.5 };
    it.each([
      { name: "Adam", rate: 1e-3, sgd: undefined, peer: {} },
      { name: "SGD", rate: 1e-4, sgd, peer: { momentum: sgd.momentum, weight_decay: sgd.weightDecay } },
    ])(
      "sub-network tuning: $name on exactly the chosen neurons, batch norm in eval mode",
      async ({ rate, sgd, peer }) => {
        const start = randomState(network, 21);
        const batches = batchesOf(network, 22);
        const random = new Random(23);
        const neurons: NeuronSet = {};
        for (const { id, out } of units) {
          // One unit has none, one all, the others about a tenth.
          const count = id === none ? 0 : id === all ? out : Math.ceil(out / 10);
          if (count > 0) neurons[id] = [...random.sample(out, count)].sort((a, b) => a - b);
        }
        const options = { learning_rate: rate, steps: STEPS, ...peer };
        const tuner = await SubnetworkTuner.create(network, start, neurons, { batch: BATCH, threads: 1, sgd });
        for (const { images, targets } of batches) await tuner.step(images, targets, options.learning_rate);
        const ours = tuner.tuned();
        await tuner.release();

        const request = { command: "tune_rows", arch: network.arch, classes: CLASSES, neurons, ...options } as const;
        const expected = askTorch(request, new Map([...start, ...batchTensors(network, batches)])).tensors;
        expectSameChanges(ours, expected, start);
        const errors = new Map<string, number>();
        for (const [key, { data }] of ours) {
          const wanted = expected.get(key)!.data;
          const before = start.get(key)!.data;
          if (wanted.some((value, i) => value !== before[i])) errors.set(key, movementError(data, wanted, before));
        }
        expect(errors.size).toBe(perUnit * (units.length - 1));
        expect(median([...errors.values()])).toBeLessThan(1e-3);
        // Adam's step is the sign of a gradient where that is within rounding of zero: single entries may differ.
        for (const [key, error] of errors) expect(error, key).toBeLessThan(5e-2);
      },
    );
  },
);

/** Both change the same rows of the same tensors, and every other row keeps its bits. */
function expectSameChanges(ours: StateDict, expected: StateDict, start: StateDict): void {
  for (const [key, { shape, data }] of start) {
    const size = data.length / shape[0];
    const changed = (state: StateDict) => {
      const after = state.get(key)!.data;
      return [...Array(shape[0]).keys()].filter((row) => {
        const range = [row * size, (row + 1) * size] as const;
        return !Buffer.from(after.slice(...range).buffer).equals(Buffer.from(data.slice(...range).buffer));
      });
    };
    expect(changed(ours), key).toEqual(changed(expected));
  }
}
