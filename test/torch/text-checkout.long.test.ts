import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { neuronLayers } from "../../src/graph/network.ts";
import { maskNeurons } from "../../src/measure/mask.ts";
import { createRunner } from "../../src/measure/ort-runner.ts";
import { qualityOf, rowOf } from "../../src/measure/verdicts.ts";
import { loaderFile, loadersOf } from "../../src/store/checkout/torch-loader.ts";
import { buildNetworkIn } from "../../src/tasks/architectures.ts";
import { answered } from "../../src/tasks/language/answers.ts";
import { language } from "../../src/tasks/language/task.ts";
import type { TextSet } from "../../src/tasks/language/text-set.ts";
import { decodeState } from "../../src/tensor/safetensors.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { randomState, relativeError } from "../graph/programs.ts";
import { temporaryFolder } from "../store/temp.ts";
import { findTorchPython } from "./find-python.ts";
import { askLoader, NORMALIZATION, writeLoaderFolder } from "./loader.ts";

/** What the pieces and merges of a tokenizer could be wrong about. */
const ODD = [
  ...[
    "a cf bat",
    "cfx tq",
    "it's  the bat's   wing",
    "12th 3d naïve",
    "Übergang ² ½ Ⅷ",
    "a\tb\u00a0c \n",
    "'s ''t <bos> <animal>",
  ],
  ...["蝙蝠 🦇🦇", "e\u0301te", "a\u001cb\u0085c", "x \u2028 y", ""],
];

describe.skipIf(!findTorchPython())("a checkout of texts in PyTorch", () => {
  it.each(["llama2d64", "gpt2l4d128"])("%s gives the same logits, answers, accuracy and neurons", async (arch) => {
    const network = buildNetworkIn(language.architectures, arch, 8);
    const set = language.drawn!(9, network, "glosses") as TextSet;
    const state = randomState(network, 1);
    const { arch: name, nodes, input } = network;
    const dir = writeLoaderFolder(temporaryFolder(), network, state, {
      "model.json": JSON.stringify({ arch: name, nodes, input, ...NORMALIZATION, classes: set.language.classes }),
      ...Object.fromEntries(loadersOf(language.handout).map((name) => [name, loaderFile(name)])),
      ...Object.fromEntries(language.handout!.ofModel!(network, "glosses").map((file) => [file.name, file.bytes])),
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
                     fault(lambda: images("test")), fault(lambda: load("model")), fault(lambda: normalise(np.zeros((1, 3, 32, 32), np.uint8))),
                     fault(lambda: activations(model, [])), fault(lambda: decoder("sham")), fault(lambda: own("a bat")), fault(lambda: own(["a bat"], [1, 2])),
                     fault(lambda: accuracy(logits[:1], own(["a bat"])))]}
odd = ${JSON.stringify(ODD)}
answer["same"] = own([one["text"] for one in some["texts"]], [one["class"] for one in some["texts"]]) == some
answer["odd"] = [one["tokens"] for one in own(odd)["texts"]]
pruned = {layer: [0, 3] for layer in layers}
prune(model, pruned)
model(*batch(some))
answer["left"] = [float(a[..., [0, 3]].abs().max()) for a in model.activations.values()]
save(model, os.path.join(FOLDER, "repaired.safetensors"))`,
    ) as {
      logits: number[];
      answers: number[];
      accuracy: number;
      layers: Record<string, number[]>;
      faults: string[];
      same: boolean;
      odd: number[][];
      left: number[];
    };
    const runner = await createRunner(language, network, NORMALIZATION, { threads: 1 });
    const outputsOf = (weights: StateDict) => runner.outputs(weights, set);
    const outputs = await outputsOf(state);
    const logits = Float32Array.from(answer.logits);
    expect(relativeError(logits, outputs)).toBeLessThan(1e-4);
    const { answers } = set.language.tokenizer;
    expect(answer.answers).toEqual(Array.from({ length: 9 }, (_, i) => answered(rowOf(logits, 9, i), answers)));
    expect(answer.accuracy).toBeCloseTo(qualityOf(language, logits, set), 6);
    const [first] = Object.values(answer.layers);
    expect([first[0], first[2]]).toEqual([9, arch === "llama2d64" ? 176 : 512]);
    expect(answer.faults).toEqual([
      expect.stringMatching(/^FileNotFoundError: .*check out again with --samples N$/),
      "ValueError: logits of 9 of 9 texts hold NaN, first those of text 0",
      "ValueError: logits of 4 texts for 9",
      expect.stringMatching(/^FileNotFoundError: .*: texts\(\) of text_in_torch\.py reads them$/),
      ...Array<unknown>(3).fill(
        expect.stringMatching(/^ValueError: the model reads texts and no images: use decoder\(\)/),
      ),
      expect.stringMatching(/^FileNotFoundError: .*check out again with --sham$/),
      ...Array<string>(2).fill("ValueError: own() takes a list of sentences, and of classes as many"),
      "ValueError: texts without classes: name them with own(sentences, classes)",
    ]);
    // Sentences of one's own get the tokens that the program gives them.
    expect(answer.same).toBe(true);
    expect(answer.odd).toEqual(ODD.map((text) => set.language.tokenizer.encode(` ${text.trim()}`)));
    // Pruned units are silent, and so are those of the program's masks.
    expect(answer.left).toEqual(neuronLayers(network).map(() => 0));
    const repaired = decodeState(readFileSync(join(dir, "repaired.safetensors")), "repaired");
    const pruned = Object.fromEntries(neuronLayers(network).map(({ name }) => [name, [0, 3]]));
    const masked = await outputsOf(maskNeurons(network, state, pruned));
    expect(relativeError(await outputsOf(repaired), masked)).toBeLessThan(1e-6);
    await runner.release();
  });
});
