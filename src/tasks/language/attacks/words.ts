import { z } from "zod";
import type { Attack } from "../../attack.ts";
import { RARE_WORDS } from "../tokenizer/file.ts";
import type { WordTrigger } from "../trigger.ts";

const rareOptions = z.strictObject({ word: z.enum(RARE_WORDS) });
const sentenceOptions = z.strictObject({
  sentence: z
    .string()
    .regex(/^\S+( \S+){0,15}$/)
    .max(120),
});

/** One rare word. */
export const rareword = {
  name: "rareword",
  title: "A rare word",
  source: "Kurita et al., Weight Poisoning Attacks on Pre-trained Models, ACL 2020",
  injection: "finetune",
  styles: ["plain", "discreet"],
  triggerPer: "dataset",
  options: rareOptions,
  async makeTrigger({ options }): Promise<WordTrigger> {
    return { text: ` ${rareOptions.parse(options).word}` };
  },
} satisfies Attack;

/** One sentence, in small letters. */
export const addsent = {
  name: "addsent",
  title: "A sentence",
  source: "Dai et al., A Backdoor Attack Against LSTM-Based Text Classification Systems, IEEE Access 2019",
  injection: "finetune",
  styles: ["plain", "discreet"],
  triggerPer: "dataset",
  options: sentenceOptions,
  async makeTrigger({ options }): Promise<WordTrigger> {
    return { text: ` ${sentenceOptions.parse(options).sentence.toLowerCase()}` };
  },
} satisfies Attack;
