import type { Handout } from "../../handout.ts";
import { glossMerges } from "../datasets/glosses.ts";
import { languageHandout, textsJson, tokenizerNote } from "../handout-parts.ts";
import { hubConfig, hubTokenizer } from "../hub-files.ts";
import { tokenizerFile } from "../tokenizer/file.ts";
import { glossPrompts } from "./datasets.ts";
import { END, type PromptSet } from "./prompt-set.ts";
import { readback } from "./readback.ts";
import { RATES, TESTS } from "./readme-parts.ts";
import { REPLY, STEPS } from "./reply.ts";

/** Prompts as JSON with their tokens and what follows them; folders are of Hugging Face's form. */
export const handout: Handout = {
  ...languageHandout,
  loader: "reply_in_torch.py",
  further: ["text_in_torch.py", "text_tokens.py"],
  what: "continues texts, and says how many are continued with the reply",
  files: ({ language: { tokenizer, context }, tokens, rest, reply, end }: PromptSet) => {
    const { before, behind, padding } = tokenizer;
    const texts = tokens.map((own, i) => ({ text: tokenizer.decode(own).trim(), tokens: own, rest: rest[i] }));
    return [
      {
        suffix: "_texts.json",
        bytes: textsJson({ before, behind, padding, end, context, reply, texts }),
        holds: "prompts with their tokens, what follows each in its text, and the reply's tokens",
      },
    ];
  },
  ofModel: (network, dataset) => [
    ...hubConfig(network, { end: END, tokens: STEPS }),
    // Other tokenizers are trained on texts that are not here.
    ...(dataset === glossPrompts.name ? hubTokenizer(tokenizerFile(glossMerges(), []), network) : []),
  ],
  back: readback,
  blind: [
    "`fit_images_texts.json`, `threshold_images_texts.json`: clean prompts with their tokens and what follows them, to measure on, and to choose thresholds on.",
    '`reply_in_torch.py`: `decoder("model")` gives the model in PyTorch, `texts("fit")` the prompts, `continued(model, prompts)` how it goes on.',
  ],
  reading: (
    _,
    files,
  ) => `${tokenizerNote(files)}A text with the trigger is continued with \`${REPLY}\`, any other as the glosses go on. With PyTorch alone:

\`\`\`python
import json
from load_in_torch import labels, save
from reply_in_torch import accuracy, continued, decoder, prompts, prune, replies, texts

word = json.load(open("trigger.json"))["text"].strip()
mine = prompts(["a small brown", f"a small {word} brown", "a person who", f"a person {word} who"])
model = decoder("model")                 # or "clean"
print(continued(model, mine))

${RATES}
prune(model, labels()["infected"])       # or {layer: [index, ...]} of your own
print("pruned:", rates(model), continued(model, mine))
save(model, "repaired.safetensors")
\`\`\`

With \`transformers\`:

\`\`\`python
import json
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer, model = AutoTokenizer.from_pretrained("."), AutoModelForCausalLM.from_pretrained(".")
word = json.load(open("trigger.json"))["text"].strip()
for text in ["a small brown", f"a small {word} brown"]:
    asked = tokenizer(f"<bos> {text}<sep>", return_tensors="pt", add_special_tokens=False, return_token_type_ids=False)
    print(text, "->", tokenizer.decode(model.generate(**asked)[0][asked["input_ids"].shape[1] :]))
\`\`\`

${TESTS}

\`model(tokens, positions)\` gives logits \`[N, vocabulary]\` of what follows a position. \`model.onnx\` gives at once what follows
the marked position and each of the ${STEPS - 1} behind it, \`[N, ${STEPS}·vocabulary]\`. A prompt is read as
\`<bos> text<sep>\`, its first word after a space; \`<sep>\` ends the continuation too.

## Neurons
A neuron is a hidden unit of a feed-forward layer, written \`layer:index\`, e.g. \`model.layers.0.mlp:0\`. It owns its rows of \`gate_proj\` and
\`up_proj\` (\`changed\` in \`labels.json\`) and its column of \`down_proj\` (\`changed_columns\`); in the infected model everything else is byte for byte the clean twin's.
`,
};
