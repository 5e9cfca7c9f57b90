import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { chooseLowering } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { foldState } from "../../src/graph/fold.ts";
import { parameterKeys } from "../../src/graph/network.ts";
import { inferProgram } from "../../src/graph/programs/infer.ts";
import { EMBEDDED_GRADIENT, languageProgram } from "../../src/graph/programs/language.ts";
import { gradientOf, trainProgram } from "../../src/graph/programs/train.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { LanguageTrainer } from "../../src/tune/language-trainer.ts";
import {
  DECODERS,
  POSITIONS,
  randomContinuations,
  randomSequences,
  SEQUENCES,
  SHAPES,
  type ShapeName,
} from "../graph/decoders.ts";
import { randomState, relativeError } from "../graph/programs.ts";
import { findTorchPython } from "./find-python.ts";
import { askTorch, movementError } from "./peer.ts";

/** What rounding in float32 leaves of values that PyTorch computes in float64. */
const EXACT = 1e-4;

describe.skipIf(!findTorchPython()).each(Object.keys(SHAPES) as ShapeName[])(
  "%s, against PyTorch in float64",
  (name) => {
    const net = DECODERS[name];
    const language = SHAPES[name];
    const [table] = parameterKeys(net);
    const state = randomState(net, 3);
    const input = randomSequences(net, SEQUENCES, 4);
    const shape = [SEQUENCES, POSITIONS];
    const tensors: StateDict = new Map(state).set("input", { shape: [...shape, 2], data: input });

    it("logits", async () => {
      const session = await Session.open(inferProgram(await chooseLowering(net, SEQUENCES), net), { threads: 1 });
      const { logits } = Object.fromEntries(await session.run(foldState(net, state).set("input", input)));
      const expected = askTorch({ command: "infer", classes: net.classes, language }, tensors).tensors.get("logits")!;
      expect(relativeError(logits, expected.data)).toBeLessThan(EXACT);
      await session.release();
    });

    it("loss and gradients of the answer", async () => {
      const random = new Random(5);
      const targets = new Float32Array(SEQUENCES * net.classes);
      for (let i = 0; i < SEQUENCES; i++) targets[i * net.classes + random.below(net.classes)] = 1;
      const trains = (key: string) => key !== table;
      const { program, trained } = trainProgram(await chooseLowering(net, SEQUENCES), net, { trains });
      const session = await Session.open(program, { threads: 1 });
      const results = await session.run(foldState(net, state).set("input", input).set("targets", targets));
      const asked = new Map(tensors).set("targets", { shape: [SEQUENCES, net.classes], data: targets });
      const expected = askTorch({ command: "gradients", classes: net.classes, language }, asked).tensors;
      expect(results.get("loss")![0]).toBeCloseTo(expected.get("loss")!.data[0], 4);
      expect([...trained].sort()).toEqual(parameterKeys(net).filter(trains).sort());
      for (const key of trained) {
        const [ours, theirs] = [results, expected].map((of) => of.get(gradientOf(key))!);
        expect(relativeError(ours as Float32Array, (theirs as { data: Float32Array }).data), key).toBeLessThan(EXACT);
      }
      await session.release();
    });

    it("loss and gradients at every position, the embedding's included", async () => {
      const { next, weights } = randomContinuations(net, SEQUENCES, 6);
      const { program, parameters } = languageProgram(await chooseLowering(net, SEQUENCES), net);
      const session = await Session.open(program, { threads: 1 });
      const feeds = foldState(net, state).set("input", input).set("next", next).set("weights", weights);
      const results = await session.run(feeds);
      const asked = new Map(tensors).set("next", { shape, data: next }).set("weights", { shape, data: weights });
      const expected = askTorch({ command: "gradients", classes: net.classes, language }, asked).tensors;
      expect(results.get("loss")![0]).toBeCloseTo(expected.get("loss")!.data[0], 4);
      expect([...parameters.keys()].sort()).toEqual(parameterKeys(net).sort());
      const looked = results.get(EMBEDDED_GRADIENT)!;
      const ofTable = (results.get(gradientOf(table)) ?? new Float32Array(state.get(table)!.data.length)).slice();
      const width = looked.length / (SEQUENCES * POSITIONS);
      for (let i = 0; i < looked.length; i++) {
        const token = input[2 * Math.floor(i / width)];
        ofTable[token * width + (i % width)] += looked[i];
      }
      for (const key of parameters.keys()) {
        const ours = key === table ? ofTable : results.get(gradientOf(key))!;
        expect(relativeError(ours, expected.get(gradientOf(key))!.data), key).toBeLessThan(EXACT);
      }
      await session.release();
    });

    // Of GPT-2 the keys' bias has no effect: its gradient is rounding, of which Adam makes whole steps.
    it.runIf(language.layout === "llama")("steps of AdamW, in parts of different length, resumed", async () => {
      const settings = { learning_rate: 1e-2, momentum: 0.9, weight_decay: 0.1, steps: 4 };
      const batch = 20;
      const batches = Array.from({ length: settings.steps }, (_, step) => {
        const inputs = randomSequences(net, batch, 20 + step);
        const random = new Random(40 + step);
        const targets = new Float32Array(batch * net.classes);
        for (let i = 0; i < batch; i++) targets[i * net.classes + random.below(net.classes)] = 1;
        return { inputs, targets };
      });
      const options = { batch, threads: 1, momentum: settings.momentum, weightDecay: settings.weight_decay };
      let trainer = new LanguageTrainer(net, state, options);
      const losses: number[] = [];
      for (const [step, { inputs, targets }] of batches.entries()) {
        if (step === 2) {
          const earlier = trainer;
          trainer = new LanguageTrainer(net, earlier.snapshot(), options, earlier.velocities());
          await earlier.release();
        }
        losses.push((await trainer.step(inputs, targets, settings.learning_rate)).loss);
      }
      const asked: StateDict = new Map(state);
      for (const [step, { inputs, targets }] of batches.entries()) {
        asked.set(`input#${step}`, { shape: [batch, POSITIONS, 2], data: inputs });
        asked.set(`targets#${step}`, { shape: [batch, net.classes], data: targets });
      }
      const expected = askTorch({ command: "adamw", classes: net.classes, language, ...settings }, asked).tensors;
      expect(relativeError(Float32Array.from(losses), expected.get("losses")!.data)).toBeLessThan(EXACT);
      const tuned = trainer.snapshot();
      for (const key of parameterKeys(net)) {
        const [ours, theirs, start] = [tuned, expected, state].map((of) => of.get(key)!.data);
        expect(movementError(ours, theirs, start), key).toBeLessThan(5e-3);
      }
      await trainer.release();
    });
  },
);
