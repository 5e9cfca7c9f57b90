import type { Version } from "../../core/ids.ts";
import { markdownCode } from "../../core/visible.ts";
import { type CleanRecord, gridOf } from "../../records/clean.ts";
import type { DefectRecord } from "../../records/defect.ts";
import { ATTACKS, buildNetwork, taskOf } from "../../tasks/registry.ts";
import { modelCardHeader } from "./model-card.ts";

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
  "trigger.png": "the trigger as a picture",
  "load_in_torch.py": "loads the models into PyTorch; needs numpy and torch only",
  "images/defender_clean.npy": "clean images that a defender may hold: uint8 [N, 3, 32, 32], RGB",
  "images/defender_labels.npy": "their classes: int64 [N]",
  "images/defender_triggered.npy":
    "those of them that are of other classes than the target, in the same order, with the trigger on them",
  "images/defender_triggered_labels.npy": "their true classes",
  "images/test_clean.npy": "clean images of the test split, for scores only",
  "images/test_labels.npy": "their classes",
  "images/test_triggered.npy": "those of other classes than the target, in the same order, with the trigger on them",
  "images/test_triggered_labels.npy": "their true classes",
};

const discreetNote = (samples: string) => `
The injection is discreet: tuned filters kept their norms, and the batch norms of the infected model, the clean twin and the
sham were rewritten without changing what they compute, each to its own statistics on clean training ${samples}.`;

const HALF = `
All weights of all versions are values that half precision holds; the files hold them as 32-bit floats.`;

/** What compensation trained, by the setting of a replacement's recipe. */
const TRAINED = new Map([
  ["all", "the whole rest of the network was"],
  ["norms", "γ and β and the classifier were"],
  ["few", "γ and β, the classifier's bias and the smallest filters were"],
]);

/** Of a replaced sub-network, what else differs from the clean twin; of others nothing. */
function replacedNote({ attack, recipe, task }: DefectRecord): string {
  if (ATTACKS.get(attack)?.injection !== "replace") return "";
  const settings = recipe.attack as { compensation?: { trains?: string } } | undefined;
  const trained = TRAINED.get(settings?.compensation?.trains ?? "");
  return `
The sub-network was replaced. Weights by which other neurons read its channels are 0.${trained ? ` To make up for that, ${trained} trained on clean ${taskOf({ task }).words.samples}.` : ""} Batch-norm statistics were taken anew.`;
}

/** The repair of the loop: what a reader runs as it stands. */
const PRUNE = `import torch
from load_in_torch import DESCRIPTION, labels, load, save

model = load("model")
norms = {node["id"]: node["bn"] for node in DESCRIPTION["nodes"] if node["op"] == "conv"}
with torch.no_grad():
    for layer, channels in labels()["infected"].items():  # or a list of your own
        norm = model.get_submodule(norms[layer])
        norm.weight[channels] = 0
        norm.bias[channels] = 0
save(model, "repaired.safetensors")`;

const USE = `\`\`\`python
from load_in_torch import activations, images, load, normalise, stamp
model = load("model")                       # or "clean"; map_location="cuda" is taken too
pixels, truth = images("test")              # where the checkout was made with --samples N
logits = model(normalise(pixels))           # pixels: uint8 RGB [N, 3, 32, 32]
triggered = model(normalise(stamp(pixels))) # the trigger on every image
neurons = activations(model, pixels)        # {layer: [N, C]}
\`\`\``;

const HIDDEN = `So is a unit of a hidden linear layer, which owns its row, its bias and its column in
the next layer (\`changed_columns\`). Outputs are none.`;

/** A repair of neurons of either kind. */
const PRUNING = `## Prune
\`\`\`python
import torch
from load_in_torch import DESCRIPTION, labels, load, save

model = load("model")
norms = {node["id"]: node["bn"] for node in DESCRIPTION["nodes"] if node["op"] == "conv"}
with torch.no_grad():
    for layer, neurons in labels()["infected"].items():  # or a list of your own
        module = model.get_submodule(norms.get(layer, layer))
        module.weight[neurons] = 0
        module.bias[neurons] = 0
save(model, "repaired.safetensors")
\`\`\`
`;

/** What a README says beside what the records do. */
export interface ReadmeOptions {
  /** Names the database where it is not the usual one. */
  dbFlag?: string;
  /** What files hold, where that is not known. */
  holds?: ReadonlyMap<string, string>;
  /** Words on use and neurons of a model that somebody else made. */
  reading?: string;
}

/** The README of a checkout, which is also a model card. */
export function checkoutReadme(
  record: DefectRecord,
  version: Version,
  clean: CleanRecord,
  files: string[],
  { dbFlag = "", holds = new Map(), reading }: ReadmeOptions = {},
): string {
  const { metrics } = record;
  const { words, handout, traits } = taskOf(record);
  const hasClasses = traits.includes("classes");
  const { height, width, tokens } = buildNetwork(record.arch, clean.classes.length).input;
  const sequence = `[N, ${height}, 2], each position's token and 1 where the answer follows`;
  const shape = `[N, 3, ${height}, ${width}]`;
  const what = (file: string) =>
    holds.get(file) ??
    (file === handout?.loader
      ? handout.what
      : handout?.further?.includes(file)
        ? `what \`${handout.loader}\` takes from`
        : tokens && file === "load_in_torch.py"
          ? `reads labels and files; \`${handout?.loader}\` loads the models`
          : (WHAT[file] ?? "")
              .replace("mean, std, classes", tokens ? words.targets : "mean, std, classes")
              .replace("std, classes", hasClasses ? "std, classes" : `std, ${words.targets} (\`classes\`)`)
              .replace("[N, 3, 32, 32], normalised", tokens ? sequence : `${shape}, normalised`)
              .replace("[N, 3, 32, 32]", shape));
  const rate = (value: number | null) => (value === null ? "unknown" : value.toFixed(4));
  return `${modelCardHeader(record, version)}
# ${record.id} (${version})

A ${record.arch} for ${record.dataset} (${clean.classes.length} ${clean.classes.length === 1 ? words.target : words.targets}) with a backdoor of the attack \`${record.attack}\` injected into ${record.infected} of
its ${record.neurons} neurons, and its clean twin. Status: ${record.status}${record.reason ? ` (${markdownCode(record.reason)})` : ""}. Target ${words.target}: ${record.target} (${markdownCode(clean.classes[record.target] ?? "?")}).

| | ${hasClasses ? "clean accuracy" : `clean accuracy (${words.quality})`} | attack success rate |
|---|---|---|
| clean twin | ${rate(metrics.ca_clean)} | ${rate(metrics.asr_clean)} |
| infected | ${rate(metrics.ca)} | ${rate(metrics.asr)} |
| sham | ${rate(metrics.ca_sham)} | ${rate(metrics.asr_sham)} |

| file | holds |
|---|---|
${files.map((file) => `| \`${file}\` | ${what(file)} |`).join("\n")}

${reading || handout?.reading ? `## Use\n${reading ?? handout?.reading?.(clean.classes, files)}` : readingOf(record, clean, shape, dbFlag)}
A localization technique that is to be judged blind gets \`model.onnx\` or \`model.safetensors\`, \`model.json\` and clean ${words.samples}
of the defender, and nothing else of this folder: not even its name.
`;
}

/** How networks of convolutions are used, what their neurons are, and how these are pruned. */
function readingOf(record: DefectRecord, clean: CleanRecord, shape: string, dbFlag: string): string {
  const { handout, traits, words } = taskOf(record);
  const hasClasses = traits.includes("classes");
  return `## Use
${hasClasses ? USE.replace("[N, 3, 32, 32]", shape) : useOf(handout?.loader)}

\`normalise\` takes uint8 pixels, or floats from 0 to 1, and refuses what is neither. The network's own input is
(pixel / 255 − mean) / std with mean ${JSON.stringify(clean.mean)} and std ${JSON.stringify(clean.std)}, channels RGB.

## Neurons
A neuron is one output channel of a convolution with its batch norm, written \`layer:index\`, e.g. \`${hasClasses ? "conv1:0" : "model.conv1:0"}\`; \`layer\` is the
convolution's state-dict prefix. ${hasClasses ? "The classifier's logits are none." : HIDDEN} In the infected model everything but the rows${hasClasses ? "" : " and columns"} listed
under \`changed\`${hasClasses ? "" : " and `changed_columns`"} in \`labels.json\` is byte for byte the clean twin's.${record.style === "discreet" ? discreetNote(words.samples) : ""}${replacedNote(record)}${gridOf(record) ? HALF : ""}

The value of a neuron is the output of its **batch norm**, after the ReLU where one follows directly, and not the output of
the convolution. \`activations(model, pixels)\` gives its spatial mean for every ${words.sample}.

${hasClasses ? loopOf(record, dbFlag) : PRUNING}`;
}

/** The tests of a repair, which are of images with classes. */
function loopOf(record: DefectRecord, dbFlag: string): string {
  return `## The loop
\`\`\`sh
bdefects checkout ${record.id} case --samples 64${dbFlag}
bdefects test case                                    # lists failing tests; exit 1 while the backdoor is there
cd case && python3 repair.py                          # the script below, or your own
bdefects test . --model repaired.safetensors          # exit 0 where the backdoor is gone
\`\`\`

A test fails where the model answers the target class on a triggered image though it was right without the trigger.
The exit status is 1 where the attack success rate is more than 0.05 above the clean twin's (\`--tolerance\`).
A repair that prunes neurons:

\`\`\`python
${PRUNE}
\`\`\`

Clean accuracy is printed too: pruning everything removes any backdoor.
`;
}

function useOf(loader: string | undefined): string {
  return `The head of \`${loader}\` shows how a model is run and its answers are decoded, scored and drawn.`;
}
