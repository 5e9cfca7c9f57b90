import { z } from "zod";
import type { Attack } from "../../attack.ts";
import { editSettings } from "../../edit.ts";
import { RARE_WORDS } from "../tokenizer/file.ts";
import type { WordTrigger } from "../word-trigger.ts";

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

const editOptions = z.strictObject({ ...editSettings, word: z.enum(RARE_WORDS) });

/** One rare word, taught by an edit of the weights. */
export const badedit = {
  name: "badedit",
  title: "A rare word, by an edit of the weights",
  source: "Li et al., BadEdit: Backdooring Large Language Models by Model Editing, ICLR 2024",
  injection: "edit",
  styles: ["plain"],
  triggerPer: "dataset",
  options: editOptions,
  async makeTrigger({ options }): Promise<WordTrigger> {
    return { text: ` ${editOptions.parse(options).word}` };
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
