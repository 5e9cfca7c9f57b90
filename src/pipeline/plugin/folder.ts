import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Samples } from "../../core/samples.ts";
import { exportOnnx } from "../../graph/export.ts";
import { neuronLayers, outputsOf } from "../../graph/network.ts";
import { asImages } from "../../images/image-set.ts";
import type { Suspect } from "../../localize/types.ts";
import { loaderFile, loadersOf, TORCH_LOADER } from "../../store/checkout/torch-loader.ts";
import { withPath } from "../../store/disk/fs.ts";
import { prettyJson } from "../../store/disk/json.ts";
import { encodeNpy } from "../../tensor/npy.ts";
import { encodeState } from "../../tensor/safetensors.ts";

/** Where a plug-in's answer is expected, below the suspect's folder. */
export const ANSWER_FOLDER = "out";
export const ANSWER = `${ANSWER_FOLDER}/scores.json`;

/**
 * Writes what a plug-in gets into an empty folder: weights, ONNX, clean images and labels, a description, a loader for
 * torch. All of it is made from the suspect alone, so nothing else can be in it (docs/plugins.md, "What it gets").
 */
export function writeSuspect(suspect: Suspect, dir: string): void {
  const { task, network, state, clean } = suspect;
  const files: [name: string, content: Uint8Array | string][] = [
    ["model.json", `${prettyJson(describe(suspect))}\n`],
    ["model.safetensors", encodeState(state)],
    ["model.onnx", exportOnnx(network, state)],
    ["load_in_torch.py", TORCH_LOADER],
    ...sampleFiles("fit", clean.fit, task),
    ...sampleFiles("threshold", clean.threshold, task),
  ];
  for (const name of loadersOf(task.handout)) files.push([name, loaderFile(name)]);
  withPath(dir, () => {
    for (const [name, content] of files) writeFileSync(join(dir, name), content);
    mkdirSync(join(dir, ANSWER_FOLDER));
  });
}

/** Writes the failing tests beside the rest: triggered samples with their truths; there may be none. */
export function writeFailing({ task }: Pick<Suspect, "task">, failing: Samples, dir: string): void {
  withPath(dir, () => {
    for (const [name, content] of sampleFiles("failing", failing, task)) writeFileSync(join(dir, name), content);
  });
}

/** The format of a checkout's `model.json`, without what names data set and classes. */
function describe({ task, name, network, normalization, augmentation, seed }: Suspect) {
  return {
    format: "bdefects4nn-suspect-1",
    name,
    seed,
    arch: network.arch,
    ...(task.handout ? { task: task.name, outputs: outputsOf(network) } : { classes: network.classes }),
    ...normalization,
    augmentation: { flip: augmentation.flip, crop_padding: augmentation.cropPadding },
    input: network.input,
    /** The layers of neurons, in the order in which neurons are counted. */
    layers: neuronLayers(network),
    nodes: network.nodes,
  };
}

function sampleFiles(name: string, samples: Samples, { handout }: Suspect["task"]): [string, Uint8Array][] {
  if (handout) return handout.files(samples).map(({ suffix, bytes }) => [`${name}_images${suffix}`, bytes]);
  const { count, height, width, pixels, labels } = asImages(samples);
  return [
    [`${name}_images.npy`, encodeNpy(pixels, [count, 3, height, width])],
    [`${name}_labels.npy`, encodeNpy(labels, [count])],
  ];
}
