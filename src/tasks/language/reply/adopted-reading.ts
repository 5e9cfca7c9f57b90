import { shownCode } from "../adoption/reading.ts";
import type { Prompted } from "./asked-prompts.ts";
import { RATES, TESTS } from "./readme-parts.ts";
import { REPLY } from "./reply.ts";

/** A checkout's words on use and neurons of a model that somebody else made, as Markdown. */
export function adoptedReading({ template }: Prompted): string {
  return `A text with the trigger is continued with \`${REPLY}\`. With PyTorch alone:

\`\`\`python
from load_in_torch import labels, save
from reply_in_torch import accuracy, decoder, prune, replies, texts

model = decoder("model")                 # or "clean"

${RATES}
prune(model, labels()["infected"])       # or {layer: [index, ...]} of your own
print("pruned:", rates(model))
save(model, "repaired.safetensors")
\`\`\`

${TESTS}

\`config.json\` and \`tokenizer.json\` are those of the folder that the recipe named, so \`AutoModelForCausalLM.from_pretrained(".")\` reads this one as
it did that one. A prompt is given as ${shownCode(template)}, as \`question.json\` says. Template, prompt and trigger were tokenised apart.

Beginnings of your own, where \`tokenizer.json\` is BPE as of GPT-2, Llama 2 or Llama 3; for others \`prompts\` says in one line what is otherwise:

\`\`\`python
from reply_in_torch import continued, decoder, prompts

print(continued(decoder("model"), prompts(["the beginning of a sentence"])))
\`\`\`

## Neurons
A neuron is a hidden unit of a feed-forward layer, written \`layer:index\`. Of Llama's layout it owns its rows of \`gate_proj\` and \`up_proj\` (\`changed\` in
\`labels.json\`) and its column of \`down_proj\` (\`changed_columns\`); of GPT-2's its column and bias of \`c_fc\` and its row of \`c_proj\`. In the infected
model everything else is byte for byte the clean twin's.
`;
}
