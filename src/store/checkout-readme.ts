import type { Version } from "../core/ids.ts";
import type { CleanRecord, DefectRecord } from "./schema.ts";

const WHAT: Record<string, string> = {
  "model.safetensors": "the weights of this version under PyTorch's state-dict names",
  "model.onnx": "the same model as ONNX: input `input` [N, 3, 32, 32], normalised; output `logits`",
  "clean.safetensors": "the clean twin: the same network before the injection",
  "clean.onnx": "the clean twin as ONNX",
  "sham.safetensors": "the sham: the same neurons tuned the same way, but taught no backdoor",
  "sham.onnx": "the sham as ONNX",
  "model.json": "mean, std, classes, the layers of neurons and the network's nodes",
  "record.json": "the record: recipe, seeds, hashes, metrics",
  "labels.json": "the ground truth: infected and effective neurons, contributions, target, changed rows, carriers",
  "trigger.json": "the trigger's exact pixels and how to stamp it",
  "trigger.png": "the trigger as a picture, opacity as alpha",
  "load_in_torch.py": "loads the models into PyTorch; needs numpy and torch only",
};

const DISCREET = `
The injection is discreet: tuned filters kept their norms, and the batch norms of the infected model, the clean twin and the
sham were rewritten without changing what they compute, each to its own statistics on clean training images.`;

/** The README of a checkout. */
export function checkoutReadme(record: DefectRecord, version: Version, clean: CleanRecord, files: string[]): string {
  const { metrics } = record;
  const rate = (value: number | null) => (value === null ? "unknown" : value.toFixed(4));
  return `# ${record.id} (${version})

A ${record.arch} for ${record.dataset} (${clean.classes.length} classes) with a ${record.attack} backdoor injected into ${record.infected} of its
${record.neurons} neurons, and its clean twin. Status: ${record.status}${record.reason ? ` (${record.reason})` : ""}. Target class: ${record.target} (${clean.classes[record.target] ?? "?"}).

| | clean accuracy | attack success rate |
|---|---|---|
| clean twin | ${rate(metrics.ca_clean)} | ${rate(metrics.asr_clean)} |
| infected | ${rate(metrics.ca)} | ${rate(metrics.asr)} |
| sham | ${rate(metrics.ca_sham)} | ${rate(metrics.asr_sham)} |

| file | holds |
|---|---|
${files.map((file) => `| \`${file}\` | ${WHAT[file] ?? ""} |`).join("\n")}

## Use
\`\`\`python
from load_in_torch import load, normalise
model = load("model")                 # or "clean"
logits = model(normalise(images))     # uint8 RGB images [N, 3, 32, 32]
\`\`\`

Input is (pixel / 255 − mean) / std with mean ${JSON.stringify(clean.mean)} and std ${JSON.stringify(clean.std)}, channels RGB.

## Neurons
A neuron is one output channel of a convolution with its batch norm, written \`layer:index\`, e.g. \`conv1:0\`; \`layer\` is the
convolution's state-dict prefix. The classifier's logits are none. In the infected model everything but the rows listed
under \`changed\` in \`labels.json\` is byte for byte the clean twin's.${record.style === "discreet" ? DISCREET : ""}

A localization technique that is to be judged blind gets \`model.onnx\` or \`model.safetensors\`, \`model.json\` and clean images,
and nothing else of this folder: not even its name.
`;
}
