import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Samples } from "../../core/samples.ts";
import { exportOnnx } from "../../graph/export.ts";
import { neuronLayers } from "../../graph/network.ts";
import { asImages } from "../../images/image-set.ts";
import type { Suspect } from "../../localize/types.ts";
import { TORCH_LOADER } from "../../store/checkout/torch-loader.ts";
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
  const { network, state, clean } = suspect;
  const files: [name: string, content: Uint8Array | string][] = [
    ["model.json", `${prettyJson(describe(suspect))}\n`],
    ["model.safetensors", encodeState(state)],
    ["model.onnx", exportOnnx(network, state)],
    ["load_in_torch.py", TORCH_LOADER],
    ...imageFiles("fit", clean.fit),
    ...imageFiles("threshold", clean.threshold),
  ];
  withPath(dir, () => {
    for (const [name, content] of files) writeFileSync(join(dir, name), content);
    mkdirSync(join(dir, ANSWER_FOLDER));
  });
}

/** Writes the failing tests beside the rest: triggered images with their true labels; there may be none. */
export function writeFailing(failing: Samples, dir: string): void {
  withPath(dir, () => {
    for (const [name, content] of imageFiles("failing", failing)) writeFileSync(join(dir, name), content);
  });
}

/** The format of a checkout's `model.json`, without what names data set and classes. */
function describe({ name, network, normalization, augmentation, seed }: Suspect) {
  return {
    format: "bdefects4nn-suspect-1",
    name,
    seed,
    arch: network.arch,
    classes: network.classes,
    ...normalization,
    augmentation: { flip: augmentation.flip, crop_padding: augmentation.cropPadding },
    input: network.input,
    /** The layers of neurons, in the order in which neurons are counted. */
    layers: neuronLayers(network),
    nodes: network.nodes,
  };
}

function imageFiles(name: string, samples: Samples): [string, Uint8Array][] {
  const { count, height, width, pixels, labels } = asImages(samples);
  return [
    [`${name}_images.npy`, encodeNpy(pixels, [count, 3, height, width])],
    [`${name}_labels.npy`, encodeNpy(labels, [count])],
  ];
}
