import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createRunner } from "../../src/measure/ort-runner.ts";
import { qualityOf, rowOf } from "../../src/measure/verdicts.ts";
import { loaderFile } from "../../src/store/checkout/torch-loader.ts";
import { buildNetworkIn } from "../../src/tasks/architectures.ts";
import { answered } from "../../src/tasks/language/answers.ts";
import { language } from "../../src/tasks/language/task.ts";
import type { TextSet } from "../../src/tasks/language/text-set.ts";
import { randomState, relativeError } from "../graph/programs.ts";
import { temporaryFolder } from "../store/temp.ts";
import { findTorchPython } from "./find-python.ts";
import { askLoader, NORMALIZATION, writeLoaderFolder } from "./loader.ts";

describe.skipIf(!findTorchPython())("a checkout of texts in PyTorch", () => {
  it.each(["llama2d64", "gpt2l4d128"])("%s gives the same logits, answers, accuracy and neurons", async (arch) => {
    const network = buildNetworkIn(language.architectures, arch, 8);
    const set = language.drawn!(9, network, "glosses") as TextSet;
    const state = randomState(network, 1);
    const dir = writeLoaderFolder(temporaryFolder(), network, state, {
      "text_in_torch.py": loaderFile("text_in_torch.py"),
    });
    mkdirSync(join(dir, "images"));
    for (const { suffix, bytes } of language.handout!.files(set))
      writeFileSync(join(dir, "images", `test_clean${suffix}`), bytes);
    const answer = askLoader(
      dir,
      `
from text_in_torch import *
some, model = texts("test"), decoder("model")
logits = model(*batch(some))
layers = {layer: list(a.shape) for layer, a in model.activations.items()}
answer = {"logits": logits.flatten().tolist(), "answers": answers(logits, some), "accuracy": accuracy(logits, some),
          "layers": layers, "faults": [fault(lambda: texts("defender")), fault(lambda: answers(logits * torch.nan, some)), fault(lambda: accuracy(logits[:4], some)),
                     fault(lambda: images("test"))]}`,
    ) as {
      logits: number[];
      answers: number[];
      accuracy: number;
      layers: Record<string, number[]>;
      faults: string[];
    };
    const runner = await createRunner(language, network, NORMALIZATION, { threads: 1 });
    const outputs = await runner.outputs(state, set);
    await runner.release();
    const logits = Float32Array.from(answer.logits);
    expect(relativeError(logits, outputs)).toBeLessThan(1e-4);
    const { answers } = set.language.tokenizer;
    expect(answer.answers).toEqual(Array.from({ length: 9 }, (_, i) => answered(rowOf(logits, 9, i), answers)));
    expect(answer.accuracy).toBeCloseTo(qualityOf(language, logits, set), 6);
    const [first] = Object.values(answer.layers);
    expect([first[0], first[2]]).toEqual([9, arch === "llama2d64" ? 176 : 512]);
    expect(answer.faults).toEqual([
      expect.stringMatching(/^FileNotFoundError: .*check out again with --images N$/),
      "ValueError: logits of 9 of 9 texts hold NaN, first those of text 0",
      "ValueError: logits of 4 texts for 9",
      expect.stringMatching(/^FileNotFoundError: .*: texts\(\) of text_in_torch\.py reads them$/),
    ]);
  });
});
