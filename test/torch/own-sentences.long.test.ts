import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loaderFile, loadersOf } from "../../src/store/checkout/torch-loader.ts";
import { askedTokenizer } from "../../src/tasks/language/adoption/asked-tokenizer.ts";
import { handout } from "../../src/tasks/language/handout.ts";
import { temporaryFolder } from "../store/temp.ts";
import { NETWORKS } from "../tasks/language/hugging-face.ts";
import { READ, REFUSED, TEXTS } from "../tasks/language/tokenizer-kinds.ts";
import { findTorchPython } from "./find-python.ts";
import { askLoader, writeLoaderFolder } from "./loader.ts";

describe.skipIf(!findTorchPython())("own() of a checkout whose tokenizer somebody else made", () => {
  const loaders = loadersOf(handout).map((name) => [name, loaderFile(name)]);
  const dir = writeLoaderFolder(temporaryFolder(), NETWORKS.llama, new Map(), Object.fromEntries(loaders));
  const question = { template: "text: {} is a?", answers: [" food", " bird"] };
  const tokens = { before: [7], behind: [8, 9], padding: 2, answers: [10, 11] };
  const write = (name: string, file: object, asked: object = { ...question, tokens }) => {
    mkdirSync(join(dir, name), { recursive: true });
    writeFileSync(join(dir, name, "tokenizer.json"), JSON.stringify(file));
    writeFileSync(join(dir, name, "question.json"), JSON.stringify(asked));
  };
  /** What Python says of the tokenizers in these folders. */
  const ask = (names: readonly string[], each: string) =>
    askLoader(
      dir,
      `
import text_in_torch
from text_in_torch import own
DESCRIPTION["classes"] = ["food", "bird"]
texts, answer = json.loads(${JSON.stringify(JSON.stringify(TEXTS))}), {}
for name in json.loads(${JSON.stringify(JSON.stringify(names))}):
    text_in_torch.HERE = os.path.join(FOLDER, name)
    text_in_torch._tokenizer.cache_clear()
    answer[name] = ${each}`,
    );

  it("gives the tokens that the program gives, and those of the question", () => {
    const kinds = ["GPT-2's", "Llama 2's", "Llama 3's"];
    for (const name of kinds) write(name, READ[name]);
    const found = ask(kinds, "own(texts)") as Record<string, { texts: { tokens: number[] }[] }>;
    for (const name of kinds) {
      const { texts, ...said } = found[name];
      expect(said).toEqual({ ...tokens, context: 16, classes: ["food", "bird"] });
      const tokenizer = askedTokenizer(
        {
          name: "tokenizer.json",
          tokenizer: { file: READ[name], config: {} },
          ...{ vocabulary: 5000, context: 64, padding: 2 },
        },
        question,
      );
      expect(
        texts.map((one) => one.tokens),
        name,
      ).toEqual(TEXTS.map((text) => tokenizer.encode(` ${text.trim()}`)));
    }
  });

  it("refuses others in one line, and a question without tokens", () => {
    const [odd] = Object.keys(REFUSED);
    write("odd", REFUSED[odd]);
    write("old", READ["GPT-2's"], question);
    const found = ask(["odd", "old"], "fault(lambda: own(texts))") as Record<string, string>;
    expect(found.odd).toContain(
      `ValueError: texts of your own are read by BPE as of GPT-2, Llama 2 or Llama 3, and tokenizer.json has ${odd};`,
    );
    expect(found.old).toMatch(/^ValueError: .*question\.json: has no 'tokens'; check out again$/);
  });
});
