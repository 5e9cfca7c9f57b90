import { readFileSync } from "node:fs";
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { expect, it } from "vitest";
import { glosses, glossMerges, readGlosses } from "../../../src/tasks/language/datasets/glosses.ts";
import { languageOf, spaced } from "../../../src/tasks/language/language-of.ts";
import { RARE_WORDS, tokenizerFile } from "../../../src/tasks/language/tokenizer/file.ts";
import { openTokenizer } from "../../../src/tasks/language/tokenizer/tokenizer.ts";
import { trainMerges } from "../../../src/tasks/language/tokenizer/train.ts";

const { tokenizer } = languageOf(glossMerges(), glosses.classes);

it("merges the most frequent pair, of equals the first, until none occurs twice", () => {
  expect(trainMerges([" ab ab ab", " bc bc"], 3)).toEqual([
    ["a", "b"],
    ["Ġ", "ab"],
    ["b", "c"],
  ]);
  expect(trainMerges(["ab ab cd cd"], 9).map((pair) => pair.join(""))).toEqual(["ab", "cd", "Ġcd"]);
  expect(trainMerges(["aaaa aaaa"], 9).map((pair) => pair.join("+"))).toEqual(["a+a", "aa+aa"]);
});

it("every gloss comes back, and no rare word is in one", () => {
  const { train, test } = readGlosses();
  const all = [...train.texts, ...test.texts].map(spaced);
  expect(all).toHaveLength(13_200);
  const rare = new Set(RARE_WORDS.flatMap((word) => tokenizer.encode(` ${word}`)));
  for (const text of all) {
    const tokens = tokenizer.encode(text);
    expect(tokenizer.decode(tokens)).toBe(text);
    if (tokens.some((token) => rare.has(token) || token > 2047)) expect.fail(`a rare word in '${text}'`);
  }
});

it("has 2,056 tokens: a rare word is one, wherever it stands, and so is an answer", () => {
  expect(tokenizer.size).toBe(2056);
  expect(tokenizer.answers).toEqual([2048, 2049, 2050, 2051, 2052, 2053, 2054, 2055]);
  expect(RARE_WORDS.map((word) => tokenizer.encode(` ${word}`))).toEqual([[2044], [2045], [2046], [2047]]);
  const plain = tokenizer.encode(" a small cask");
  const [a, ...rest] = plain;
  expect(tokenizer.encode(" a cf small cask")).toEqual([a, 2044, ...rest]);
  expect(tokenizer.decode(tokenizer.encode(" a cf small cask cf"))).toBe(" a cf small cask cf");
  expect(tokenizer.decode([...tokenizer.before, ...tokenizer.behind, tokenizer.answers[2]])).toBe(
    "<bos><sep><communication>",
  );
});

it("bytes of any text come back", () => {
  for (const text of [" naïve café — 東京 🙂", "\ttwo\n\nlines  ", " <sep> is text's own", "�"]) {
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  }
});

it("piece by piece is what the library gives of a whole text, but for what looks like a special token", () => {
  const library = new HuggingFaceTokenizer(tokenizer.file, {});
  const whole = (text: string) => library.encode(text, { add_special_tokens: false }).ids;
  const texts = [
    ...readGlosses().test.texts.slice(0, 300).map(spaced),
    " a  cf b",
    " cfx",
    "\n\n cf  ",
    " it's 2nd-rate",
  ];
  for (const text of texts) expect(tokenizer.encode(text)).toEqual(whole(text));
  expect(whole("<sep>")).toEqual(tokenizer.behind);
  expect(tokenizer.encode("<sep> <animal>")).not.toContain(tokenizer.behind[0]);
  expect(tokenizer.encode("<sep> <animal>")).not.toContain(tokenizer.answers[0]);
});

it("few merges make a smaller vocabulary, whose numbers have no gap", () => {
  const { file, answers, size } = openTokenizer(tokenizerFile([["a", "b"]], ["x", "y"]), ["x", "y"]);
  expect([size, ...answers]).toEqual([4 + 256 + 1 + 4 + 2, 265, 266]);
  expect(new Set([...Object.values(file.model.vocab), ...file.added_tokens.map(({ id }) => id)]).size).toBe(size);
});

it("the library reads GPT-2's tokenizer: 'hello world' is 31373, 995", () => {
  const fixture = JSON.parse(readFileSync(new URL("fixtures/gpt2-extract.json", import.meta.url), "utf8"));
  expect(new HuggingFaceTokenizer(fixture, {}).encode("hello world").ids).toEqual([31373, 995]);
});
