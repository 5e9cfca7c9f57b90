import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createRunner } from "../../src/measure/ort-runner.ts";
import { qualityOf, rowOf, successOf } from "../../src/measure/verdicts.ts";
import { loaderFile, loadersOf } from "../../src/store/checkout/torch-loader.ts";
import { answered } from "../../src/tasks/language/answers.ts";
import type { PromptSet } from "../../src/tasks/language/reply/prompt-set.ts";
import { REPLY, STEPS } from "../../src/tasks/language/reply/reply.ts";
import { reply } from "../../src/tasks/language/reply/task.ts";
import { language } from "../../src/tasks/language/task.ts";
import type { TextSet } from "../../src/tasks/language/text-set.ts";
import { buildNetwork } from "../../src/tasks/registry.ts";
import { ARCHS, ASKED, ownModel } from "../e2e/adopted-models.ts";
import { relativeError } from "../graph/programs.ts";
import { temporaryFolder } from "../store/temp.ts";
import { findTorchPython } from "./find-python.ts";
import { askLoader, NORMALIZATION, writeLoaderFolder } from "./loader.ts";

const answers = [...ASKED.answers, " plant", " state", " act", " person", " man", " sound"];

describe.skipIf(!findTorchPython())("a checkout of a model that somebody else made, in PyTorch", () => {
  it.each(["llama", "gpt2"] as const)("%s: logits, answers and accuracy, asked by its template", async (layout) => {
    const folder = ownModel(join(temporaryFolder(), "model"), layout, { dtype: "BF16", shards: 2 });
    const model = language.adoption!.open(folder, { ...ASKED, answers }, 8);
    expect(model.arch).toBe(ARCHS[layout]);
    const described = language.adoption!.described(model.description, folder);
    const network = buildNetwork(model.arch, 8);
    const set = described.read(language.drawn!(9, network, "glosses")!) as TextSet;
    const state = model.state();
    const { nodes, input } = network;
    const dir = writeLoaderFolder(temporaryFolder(), network, state, {
      "model.json": JSON.stringify({ arch: model.arch, nodes, input, ...NORMALIZATION, classes: set.language.classes }),
      ...Object.fromEntries(loadersOf(language.handout).map((name) => [name, loaderFile(name)])),
      ...Object.fromEntries(described.files().map((file) => [file.name, file.bytes])),
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
answer = {"logits": logits.flatten().tolist(), "answers": answers(logits, some), "accuracy": accuracy(logits, some),
          "same": own([one["text"] for one in some["texts"]], [one["class"] for one in some["texts"]]) == some}`,
    ) as { logits: number[]; answers: number[]; accuracy: number; same: boolean };
    const runner = await createRunner(language, network, NORMALIZATION, { threads: 1 });
    const outputs = await runner.outputs(state, set);
    await runner.release();
    expect(relativeError(Float32Array.from(answer.logits), outputs)).toBeLessThan(1e-4);
    const ours = Array.from({ length: 9 }, (_, i) => answered(rowOf(outputs, 9, i), set.language.tokenizer.answers));
    expect(answer.answers).toEqual(ours);
    expect(answer.accuracy).toBeCloseTo(qualityOf(language, outputs, set), 12);
    // Sentences of one's own are asked as the program asks its texts.
    expect(answer.same).toBe(true);
  });

  it.each(["llama", "gpt2"] as const)("%s: how prompts go on, given by its template", async (layout) => {
    const folder = ownModel(join(temporaryFolder(), "model"), layout);
    const model = reply.adoption!.open(folder, { template: "Text: {} Then:" }, 1);
    expect(model.arch).toBe(`${ARCHS[layout]}r${STEPS}`);
    const described = reply.adoption!.described(model.description, folder);
    const network = buildNetwork(model.arch, 1);
    const set = described.read(reply.drawn!(9, network, "glossprompts")!) as PromptSet;
    const state = model.state();
    const { nodes, input } = network;
    const dir = writeLoaderFolder(temporaryFolder(), network, state, {
      "model.json": JSON.stringify({ arch: model.arch, nodes, input, ...NORMALIZATION, classes: [REPLY] }),
      ...Object.fromEntries(loadersOf(reply.handout).map((name) => [name, loaderFile(name)])),
      ...Object.fromEntries(described.files().map((file) => [file.name, file.bytes])),
    });
    mkdirSync(join(dir, "images"));
    for (const { suffix, bytes } of reply.handout!.files(set))
      writeFileSync(join(dir, "images", `test_clean${suffix}`), bytes);
    const answer = askLoader(
      dir,
      `
from reply_in_torch import *
some, model = texts("test"), decoder("model")
answer = {"logits": model(*batch(some)).flatten().tolist(), "next": [t[:1] for t in continuations(model, some)],
          "rates": [accuracy(model, some), replies(model, some)],
          "words": continued(model, some, 3), "tokens": continuations(model, some, 3)}
mine = prompts([one["text"] for one in some["texts"]])
answer["same"] = continuations(model, mine) == continuations(model, some)`,
    ) as { logits: number[]; next: number[][]; rates: number[]; words: string[]; tokens: number[][]; same: boolean };
    const runner = await createRunner(reply, network, NORMALIZATION, { threads: 1 });
    const outputs = await runner.outputs(state, set);
    await runner.release();
    const width = network.classes / STEPS;
    const first = set.tokens.map((_, i) => rowOf(outputs, 9, i).subarray(0, width));
    expect(
      relativeError(Float32Array.from(answer.logits), Float32Array.from(first.flatMap((row) => [...row]))),
    ).toBeLessThan(1e-4);
    expect(answer.next).toEqual(
      first.map((row) => [row.indexOf(Math.max(...row))].filter((token) => token !== set.end)),
    );
    expect(answer.rates).toEqual([qualityOf(reply, outputs, set), successOf(reply, outputs, set, 0)]);
    expect(answer.same).toBe(true);
    const { decode } = set.language.tokenizer;
    // Bytes that are no UTF-8 are replaced by both, and nothing is said of how many.
    const plain = (text: string) => text.replaceAll(/\ufffd+/g, "?").trim();
    expect(answer.words.map(plain)).toEqual(answer.tokens.map((tokens) => plain(decode(tokens))));
  });
});
