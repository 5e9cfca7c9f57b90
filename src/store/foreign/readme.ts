import { markdownCode } from "../../core/visible.ts";
import { type Network, neuronLayers } from "../../graph/network.ts";
import type { ForeignRecord } from "../../records/foreign.ts";

/** What is known of a data set by its name. */
export interface KnownData {
  classes: string[];
  normalization: { mean: [number, number, number]; std: [number, number, number] };
}

const WHAT: Record<string, string> = {
  "model.safetensors": "the weights as float32",
  "model.onnx": "the same model as ONNX: input `input` [N, 3, H, W], normalised; output `logits`",
  "model.json": "mean, std, classes, the layers of neurons and the network's nodes",
  "record.json": "what is known of the model",
  "labels.json":
    "the ground truth that came with the model: infected neurons, and their contributions where they are known",
  "load_in_torch.py": "loads the model into PyTorch; needs numpy and torch only",
};

/** The README of a foreign model's checkout: what it is, what is unknown, how to load it. */
export function foreignReadme(
  { id, source, dataset, arch, attack, level, top, infected }: ForeignRecord,
  network: Network | null,
  data: KnownData | null,
  files: readonly string[],
): string {
  const code = markdownCode;
  const neurons = network && neuronLayers(network).reduce((sum, { width }) => sum + width, 0);
  return `# ${code(id)}
A model of another make, imported from ${code(source)}. Its names state attack ${code(attack)} in ${code(arch)} for ${code(dataset)},
level ${code(level)}, order offset ${top} %. No gate of this database has judged it.

| file | holds |
|---|---|
${files.map((file) => `| \`${file}\` | ${WHAT[file] ?? ""} |`).join("\n")}

## Unknown
- The clean twin and the sham: there is nothing to compare with.
- The trigger and the target class: the attack success rate cannot be measured, and there are no failing tests.
- The recipe, the seeds and the effective neurons.
${infected ? "" : "- The infected neurons: its files tell none that could be read.\n"}${
  network && !data
    ? `- Mean, std and class names: ${code(dataset)} is no data set that is known here with ${network.classes} classes.\n`
    : ""
}
## Use
${network ? `The weights have the names of ${code(network.arch)}, which has ${neurons} neurons. A neuron is one output channel of a convolution with its batch norm.` : "The weights fit no architecture that is known here, and keep the names of their file."}
${
  data
    ? `
\`\`\`python
from load_in_torch import activations, load, normalise
model = load("model")
logits = model(normalise(pixels))     # pixels: uint8 RGB [N, 3, H, W]
neurons = activations(model, pixels)  # {layer: [N, C]}
\`\`\`

The network's own input is (pixel / 255 − mean) / std with mean ${JSON.stringify(data.normalization.mean)} and std
${JSON.stringify(data.normalization.std)}: those usual for the data set, not stated by the model's files.
`
    : ""
}`;
}
