import { RATES_SCRIPT } from "../rates-script.ts";
import type { Asked } from "./asked-tokenizer.ts";

/** As Markdown's code; what would end that is left out. */
export const shownCode = (text: string) => `\`${text.replaceAll(/[`|\s]+/g, " ")}\``;

/** A checkout's words on use and neurons of a model that somebody else made, as Markdown. */
export function adoptedReading({ template, answers }: Asked, classes: readonly string[]): string {
  const rows = answers.map((answer, c) => `| ${classes[c] ?? c} | ${shownCode(answer)} |`);
  return `\`\`\`python
from load_in_torch import labels, save
from text_in_torch import accuracy, answers, batch, decoder, prune, texts

${RATES_SCRIPT}
prune(model, labels()["infected"])       # or {layer: [index, ...]} of your own
print("pruned:", rates(model))
save(model, "repaired.safetensors")
\`\`\`

\`config.json\` and \`tokenizer.json\` are those of the folder that the recipe named, so \`AutoModelForCausalLM.from_pretrained(".")\` reads this one as
it did that one. The model is asked ${shownCode(template)}, as \`question.json\` says. An answer counts by its first token. Template, text and trigger were tokenised apart.

Sentences of your own, where \`tokenizer.json\` is BPE as of GPT-2, Llama 2 or Llama 3; for others \`own\` says in one line what is otherwise:

\`\`\`python
from text_in_torch import answers, batch, decoder, own

model, mine = decoder("model"), own(["a sentence of your own"])
print([mine["classes"][a] for a in answers(model(*batch(mine)), mine)])
\`\`\`

| class | answer |
|---|---|
${rows.join("\n")}

\`\`\`sh
bdefects test .                          # with the checkout's --samples N
bdefects inspect .                       # knows both files
\`\`\`

## Neurons
A neuron is a hidden unit of a feed-forward layer, written \`layer:index\`. Of Llama's layout it owns its rows of \`gate_proj\` and \`up_proj\` (\`changed\` in
\`labels.json\`) and its column of \`down_proj\` (\`changed_columns\`); of GPT-2's its column and bias of \`c_fc\` and its row of \`c_proj\`. In the infected
model everything else is byte for byte the clean twin's.
`;
}
