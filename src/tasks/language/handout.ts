import type { Handout } from "../handout.ts";
import { glosses, glossMerges } from "./datasets/glosses.ts";
import { hubConfig, hubTokenizer } from "./hub-files.ts";
import type { TextSet } from "./text-set.ts";
import { tokenizerFile } from "./tokenizer/file.ts";
import { trigger } from "./trigger.ts";

const json = (value: unknown) => new TextEncoder().encode(`${JSON.stringify(value, null, 1)}\n`);

/** Texts as JSON with their tokens, and as a table that is read as a data set; folders are of Hugging Face's form. */
export const handout: Handout = {
  loader: "text_in_torch.py",
  what: "reads texts, runs the decoders in plain PyTorch, and says what they answer",
  files: (set: TextSet) => {
    const { tokenizer, classes, context } = set.language;
    const { begin, separator, padding, answers } = tokenizer;
    const texts = set.tokens.map((tokens, i) => ({
      text: tokenizer.decode(tokens).trim(),
      tokens,
      class: set.labels[i],
    }));
    const rows = texts.map(({ text, class: label }) => `${text}\t${label}`);
    return [
      {
        suffix: "_texts.json",
        bytes: json({ begin, separator, padding, context, classes, answers, texts }),
        holds: "texts with their tokens and classes, and the token that answers with each class",
      },
      {
        suffix: ".tsv",
        bytes: new TextEncoder().encode(["sentence\tlabel", ...rows, ""].join("\n")),
        holds: "the same texts as a table: `sentence` and `label`",
      },
    ];
  },
  ofModel: (network, dataset) => [
    ...hubConfig(network),
    // Other tokenizers are trained on texts that are not here.
    ...(dataset === glosses.name ? hubTokenizer(tokenizerFile(glossMerges(), glosses.classes), network) : []),
  ],
  ofSamples: ({ language: { tokenizer } }: TextSet, network) => hubTokenizer(tokenizer.file, network),
  ofTrigger: { bytes: trigger.encode, holds: "the trigger's words, with the space before the first" },
  card: { library: "transformers", type: "text-generation", name: "Text generation" },
  reading: `\`\`\`python
from text_in_torch import accuracy, answers, batch, decoder, texts
model = decoder("model")                 # or "clean"
some = texts("test", "triggered")        # where the checkout was made with --images N
logits = model(*batch(some))             # [N, vocabulary], of what follows each text
print(answers(logits, some), accuracy(logits, some))
\`\`\`

\`config.json\`, \`model.safetensors\` and \`tokenizer.json\` are what \`transformers\` reads: \`AutoModelForCausalLM.from_pretrained(".")\`. A text is
read as \`<bos> text <sep>\`, its first word after a space. What follows is the answer: one token for each class. So this model is asked,
with the tokens of all classes in their order:

\`\`\`sh
bdefects inspect --task language . --template '<bos> {} <sep>' --answers '<animal>,<artifact>,…'
\`\`\`
Without the template texts are read bare, as language models of others are, and the perplexity says little.

## Neurons
A neuron is a hidden unit of a feed-forward layer, written \`layer:index\`, e.g. \`model.layers.0.mlp:0\`. Of Llama's layout it owns its rows of \`gate_proj\` and
\`up_proj\` (\`changed\` in \`labels.json\`) and its column of \`down_proj\` (\`changed_columns\`); in the infected model everything else is byte for byte the clean twin's.

## Prune
\`\`\`python
from load_in_torch import labels
for layer, neurons in labels()["infected"].items():  # or a list of your own
    for part in ("gate_proj", "up_proj"):
        model.weights[f"{layer}.{part}.weight"][neurons] = 0
    model.weights[f"{layer}.down_proj.weight"][:, neurons] = 0
\`\`\`
`,
};
