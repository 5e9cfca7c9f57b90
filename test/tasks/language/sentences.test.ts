import { expect, it } from "vitest";
import { buildNetworkIn } from "../../../src/tasks/architectures.ts";
import { language } from "../../../src/tasks/language/task.ts";
import type { TextSet } from "../../../src/tasks/language/text-set.ts";

const network = buildNetworkIn(language.architectures, "llama2d64", 8);
const texts = language.drawn!(6, network, "glosses") as TextSet;
const reading = language.reading!;

it("a triggered text is read in parts, of which the trigger's is marked", () => {
  for (const trigger of [{ text: " cf" }, { text: " i watch this 3d movie" }]) {
    const triggered = language.trigger.stamp(trigger, texts) as TextSet;
    for (let i = 0; i < texts.count; i++) {
      const parts = reading.parts(triggered, i, trigger);
      expect(parts.filter(({ marked }) => marked).map(({ words }) => words)).toEqual([trigger.text]);
      const { tokenizer } = texts.language;
      expect(parts.map(({ words }) => words).join("")).toBe(tokenizer.decode(triggered.tokens[i]));
      // Without its part the text is whole again.
      const rest = parts.filter(({ marked }) => !marked).map(({ words }) => words);
      expect(rest.join("")).toBe(tokenizer.decode(texts.tokens[i]));
    }
    expect(reading.parts(texts, 0, trigger)).toHaveLength(1);
    expect(reading.trigger(trigger)).toBe(trigger.text.trim());
  }
});

it("truths and answers are names of classes", () => {
  const output = new Float32Array(network.classes);
  output[texts.language.tokenizer.answers[5]] = 1;
  expect(reading.answer(output, texts, 0)).toBe("plant");
  expect(reading.truth(texts, 0)).toBe(texts.language.classes[texts.labels[0]]);
});
