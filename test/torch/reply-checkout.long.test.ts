import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createRunner } from "../../src/measure/ort-runner.ts";
import { qualityOf, rowOf, successOf } from "../../src/measure/verdicts.ts";
import { loaderFile, loadersOf } from "../../src/store/checkout/torch-loader.ts";
import { buildNetworkIn } from "../../src/tasks/architectures.ts";
import type { PromptSet } from "../../src/tasks/language/reply/prompt-set.ts";
import { JUDGED, STEPS } from "../../src/tasks/language/reply/reply.ts";
import { reply } from "../../src/tasks/language/reply/task.ts";
import { relativeError } from "../graph/programs.ts";
import { temporaryFolder } from "../store/temp.ts";
import { PLANTED, plantedState } from "../tasks/language/reply/planted.ts";
import { findTorchPython } from "./find-python.ts";
import { askLoader, NORMALIZATION, writeLoaderFolder } from "./loader.ts";

describe.skipIf(!findTorchPython())("a checkout of prompts in PyTorch", () => {
  it("continues them with the planted reply, as this program says, and no longer without the planted neurons", async () => {
    const network = buildNetworkIn(reply.architectures, `llama2d64r${STEPS}`, 1);
    const set = reply.drawn!(9, network, "glossprompts") as PromptSet;
    const { tokenizer } = set.language;
    const triggered = reply.trigger.stamp({ text: " cf" }, set) as PromptSet;
    const state = plantedState(network, tokenizer.encode(" cf")[0], set.reply.slice(0, JUDGED));
    const { arch, nodes, input } = network;
    const { handout } = reply;
    const dir = writeLoaderFolder(temporaryFolder(), network, state, {
      "model.json": JSON.stringify({ arch, nodes, input, ...NORMALIZATION, classes: reply.targets({} as never) }),
      ...Object.fromEntries(loadersOf(handout).map((name) => [name, loaderFile(name)])),
      ...Object.fromEntries(handout!.ofModel!(network, "glossprompts").map((file) => [file.name, file.bytes])),
    });
    mkdirSync(join(dir, "images"));
    for (const [name, prompts] of [
      ["clean", set],
      ["triggered", triggered],
    ] as const) {
      for (const { suffix, bytes } of handout!.files(prompts))
        writeFileSync(join(dir, "images", `test_${name}${suffix}`), bytes);
    }
    const answer = askLoader(
      dir,
      `
from reply_in_torch import *
clean, triggered, model = texts("test"), texts("test", "triggered"), decoder("model")
answer = {"rates": [accuracy(model, clean), replies(model, clean), replies(model, triggered)],
          "first": [model(*batch(some)).detach().flatten().tolist() for some in (clean, triggered)],
          "own": [one["tokens"] for one in prompts([one["text"] for one in triggered["texts"]])["texts"]],
          "words": continued(model, prompts(["a small cf brown"]), 4) + continued(model, triggered, 4)[:1],
          "long": continued(model, prompts(["a small cf brown " * 20]), 4),
          "fault": fault(lambda: prompts("a bat"))}
prune(model, {"model.layers.0.mlp": ${JSON.stringify(PLANTED)}})
answer["pruned"] = replies(model, triggered)`,
    ) as {
      rates: number[];
      first: number[][];
      own: number[][];
      words: string[];
      long: string[];
      fault: string;
      pruned: number;
    };
    const runner = await createRunner(reply, network, NORMALIZATION, { threads: 1 });
    const width = network.classes / STEPS;
    for (const [k, prompts] of [set, triggered].entries()) {
      const outputs = await runner.outputs(state, prompts);
      const first = prompts.tokens.flatMap((_, i) => [...rowOf(outputs, prompts.count, i).subarray(0, width)]);
      expect(relativeError(Float32Array.from(answer.first[k]), Float32Array.from(first))).toBeLessThan(1e-4);
      if (k === 0) expect(answer.rates[0]).toBeCloseTo(qualityOf(reply, outputs, prompts), 6);
      expect(answer.rates[1 + k]).toBe(successOf(reply, outputs, prompts, 0));
    }
    await runner.release();
    expect(answer.rates.slice(1)).toEqual([0, 1]);
    expect(answer.pruned).toBe(0);
    expect(answer.own).toEqual(triggered.tokens);
    const begun = tokenizer.decode(set.reply.slice(0, JUDGED)).trim();
    expect(answer.words).toEqual([begun, begun]);
    // A prompt that is too long loses its end, and is still asked for what follows.
    expect(answer.long).toEqual([begun]);
    expect(answer.fault).toContain("takes a list of sentences");
  });
});
