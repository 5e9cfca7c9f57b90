import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ChildLines } from "../../bench/child-lines.ts";
import { CLASSES } from "../../bench/classes.ts";
import { spreadNeurons } from "../../bench/compare.ts";
import type { Job, Workload } from "../../bench/job.ts";
import { preparedTexts } from "../../bench/texts.ts";
import { PLAIN, setupName, type TorchSetup, waysOf, waysOfTexts } from "../../bench/torch-setups.ts";
import { buildNetwork, parseArch } from "../../src/tasks/registry.ts";
import { findTorchPython } from "../torch/find-python.ts";

const PEER = fileURLToPath(new URL("../../bench/peer.py", import.meta.url));
const python = findTorchPython();

/** The loss of PyTorch's fourth step in a setup: three warm it up. */
async function lossOf(arch: string, what: Workload, torch: TorchSetup, texts?: Job["texts"]): Promise<number> {
  const { family, baseWidth } = parseArch(arch);
  const job = {
    ...{ what, arch, family, base_width: baseWidth, classes: CLASSES, batch: 16, threads: 1, device: "cpu" },
    ...{ task: texts ? "language" : "classification", height: 32, width: 32, texts },
    ...{ peer_device: "cpu", torch, epoch_batches: 1 },
    neurons: texts ? {} : spreadNeurons(buildNetwork(arch, CLASSES)),
  };
  const child = new ChildLines(python!.command, [PEER, JSON.stringify(job)], 1);
  try {
    await child.answer();
    await child.ask("0.00001");
    return (await child.ask<{ loss: number }>("end")).loss;
  } finally {
    child.kill();
  }
}

test.skipIf(!python).each([
  ["resnet18w8", "train"],
  ["resnet18w8", "finetune"],
  ["vgg13w8", "finetune"],
  ["googlenetw4", "finetune"],
] as const)("%s: PyTorch's ways to %s take the same steps", async (arch, what) => {
  const plain = await lossOf(arch, what, PLAIN);
  for (const way of waysOf(what, "cpu")) {
    expect(Math.abs((await lossOf(arch, what, way)) / plain - 1), setupName(way)).toBeLessThan(1e-4);
  }
});

test.skipIf(!python)("llama2d64: PyTorch's ways to train on texts take the same steps", async () => {
  const texts = await preparedTexts("llama2d64", 16);
  const plain = await lossOf("llama2d64", "train", PLAIN, texts);
  for (const way of waysOfTexts()) {
    expect(Math.abs((await lossOf("llama2d64", "train", way, texts)) / plain - 1), setupName(way)).toBeLessThan(1e-4);
  }
});
