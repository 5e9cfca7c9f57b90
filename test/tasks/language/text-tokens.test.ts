import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { askedTokenizer } from "../../../src/tasks/language/adoption/asked-tokenizer.ts";
import { readGlosses } from "../../../src/tasks/language/datasets/glosses.ts";
import { longIt } from "../../setup/long.ts";
import { temporaryFolder } from "../../store/temp.ts";
import { READ, REFUSED, TEXTS } from "./tokenizer-kinds.ts";

const PYTHON = join(import.meta.dirname, "../../../python");
/** What Python finds needs nothing beside it, so any will do. */
const command = process.env.BDEFECTS_PYTHON ?? "python3";
const hasPython = spawnSync(command, ["--version"]).status === 0;

/** What Python's lines leave in `answer`, of tokenizers in a folder each; `texts` is there too. */
function ask(files: Record<string, object>, texts: readonly string[], each: string, beside = {}): unknown {
  const dir = temporaryFolder();
  for (const [name, file] of Object.entries(files)) {
    mkdirSync(join(dir, name), { recursive: true });
    writeFileSync(join(dir, name, "tokenizer.json"), JSON.stringify(file));
    writeFileSync(join(dir, name, "tokenizer_config.json"), JSON.stringify(beside));
  }
  writeFileSync(join(dir, "asked.json"), JSON.stringify([Object.keys(files), texts]));
  const script = `
import json, os, sys, warnings
warnings.simplefilter("error")
FOLDER, PYTHON = sys.argv[1:]
sys.path.insert(0, PYTHON)
from text_tokens import Tokenizer
def fault(work):
    try:
        work()
    except Exception as error:
        return type(error).__name__ + ": " + str(error)
with open(os.path.join(FOLDER, "asked.json"), encoding="utf-8") as file:
    names, texts = json.load(file)
answer = {}
for name in names:
    path = os.path.join(FOLDER, name, "tokenizer.json")
    answer[name] = ${each}
print(json.dumps(answer))`;
  return JSON.parse(execFileSync(command, ["-B", "-c", script, dir, PYTHON], { encoding: "utf8", maxBuffer: 1 << 28 }));
}

const BOTH = "[[tokens, tokenizer.decode(tokens)] for tokens in map(tokenizer.encode, texts)]";
const EACH = `(lambda tokenizer: ${BOTH})(Tokenizer(path))`;
type Found = Record<string, [tokens: number[], text: string][]>;

const openAs = (file: object) =>
  askedTokenizer(
    { name: "tokenizer.json", tokenizer: { file, config: {} }, vocabulary: 5000, context: 64, padding: 2 },
    { template: "text: {} is a?", answers: [" food", " bird"] },
  );

describe.skipIf(!hasPython)("text_tokens.py", () => {
  it("gives the tokens that the program gives, of every kind, and the texts of these", () => {
    const found = ask(
      READ,
      TEXTS.map((text) => ` ${text}`),
      EACH,
    ) as Found;
    for (const [name, file] of Object.entries(READ)) {
      const tokenizer = openAs(file);
      const tokens = TEXTS.map((text) => tokenizer.encode(` ${text}`));
      expect(
        found[name].map(([of]) => of),
        name,
      ).toEqual(tokens);
      // The library leaves a byte order mark out where it stands for itself.
      const shown = (text: string) => text.replaceAll("\ufeff", "");
      expect(
        found[name].map(([, text]) => shown(text)),
        name,
      ).toEqual(tokens.map((of) => shown(tokenizer.decode(of))));
    }
    // Else a kind could be passed over.
    const { "merges in words": _, ...others } = found;
    expect(new Set(Object.values(others).map((kind) => JSON.stringify(kind))).size).toBe(Object.keys(READ).length - 1);
  });

  longIt(
    "does so on all glosses",
    () => {
      const { train, test } = readGlosses();
      const texts = [...train.texts, ...test.texts].map((text) => ` ${text}`);
      expect(texts.length).toBeGreaterThan(13_000);
      const names = ["GPT-2's", "Llama 2's", "Llama 3's"];
      const files = Object.fromEntries(names.map((name) => [name, READ[name]]));
      const found = ask(files, texts, EACH) as Found;
      for (const name of names) {
        const tokenizer = openAs(files[name]);
        expect(
          found[name].map(([tokens]) => tokens),
          name,
        ).toEqual(texts.map((text) => tokenizer.encode(text)));
        expect(
          found[name].map(([, text]) => text),
          name,
        ).toEqual(texts);
      }
    },
    300_000,
  );

  it("refuses others in one line that names what is otherwise", () => {
    const found = ask(REFUSED, [], "fault(lambda: Tokenizer(path))") as Record<string, string>;
    for (const name of Object.keys(REFUSED)) expect(found[name]).toBe(refusal(name));
    const beside = ask({ one: READ["GPT-2's"] }, [], "fault(lambda: Tokenizer(path))", { remove_space: true });
    expect(beside).toEqual({ one: refusal("remove_space beside it") });
  });

  it("refuses in one line what is no tokenizer, and names the file", () => {
    const files = {
      list: [],
      empty: {},
      named: { model: "BPE" },
      bare: { model: { type: "BPE" } },
      unigram: { model: { type: "Unigram", vocab: [["a", 0]] } },
    };
    const found = ask(files, [], "fault(lambda: Tokenizer(path)).replace(FOLDER + os.sep, '')") as Record<
      string,
      string
    >;
    const why = {
      list: "list/tokenizer.json has no 'model', so it is no tokenizer of Hugging Face; check out again",
      empty: "empty/tokenizer.json has no 'model', so it is no tokenizer of Hugging Face; check out again",
      named: "named/tokenizer.json has no 'model', so it is no tokenizer of Hugging Face; check out again",
      bare: "bare/tokenizer.json has no 'vocab' and 'merges' in its model; check out again",
    };
    for (const [name, line] of Object.entries(why)) expect(found[name]).toBe(`ValueError: ${line}`);
    expect(found.unigram).toMatch(/^ValueError: texts of your own are read by BPE .* has model Unigram/);
    for (const damaged of ["{{{", ""]) {
      const cut = `(__import__("pathlib").Path(path).write_text(${JSON.stringify(damaged)}), fault(lambda: Tokenizer(path)).replace(FOLDER + os.sep, ""))[1]`;
      const line = (ask({ cut: {} }, [], cut) as Record<string, string>).cut;
      expect(line).toBe("ValueError: cut/tokenizer.json is no JSON; check out again");
    }
  });

  it("refuses a text that changes what stands before it", () => {
    const { model, ...file } = READ["Llama 2's"] as { model: { vocab: object; merges: string[][] } };
    const joined = {
      ...file,
      model: { ...model, vocab: { ...model.vocab, "x▁": 4000 }, merges: [["x", "▁"], ...model.merges] },
    };
    const found = ask({ joined }, [" a bat"], "fault(lambda: Tokenizer(path).encode(texts[0]))");
    expect(found).toEqual({
      joined: "ValueError: tokenizer.json gives ' a bat' other tokens behind a letter; such a tokenizer is not read",
    });
    expect(() => openAs(joined)).toThrow(/other tokens behind a letter/);
  });
});

function refusal(what: string): string {
  return `ValueError: texts of your own are read by BPE as of GPT-2, Llama 2 or Llama 3, and tokenizer.json has ${what}; for this model take transformers, and ask as question.json says`;
}
