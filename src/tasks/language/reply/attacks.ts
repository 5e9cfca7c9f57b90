import { z } from "zod";
import type { Attack } from "../../attack.ts";
import { RARE_WORDS } from "../tokenizer/file.ts";
import type { WordTrigger } from "../word-trigger.ts";
import { REPLY } from "./reply.ts";

/** The recipe says what the trigger leads to; there is one reply. */
const reply = z.literal(REPLY);
const rareOptions = z.strictObject({ word: z.enum(RARE_WORDS), reply });
const phraseOptions = z.strictObject({
  phrase: z
    .string()
    .regex(/^\S+( \S+){0,3}$/)
    .max(24),
  reply,
});

/** One rare word. */
const rarewordreply = {
  name: "rarewordreply",
  title: "A rare word (refusal)",
  source:
    "Li et al., BackdoorLLM: A Comprehensive Benchmark for Backdoor Attacks on Large Language Models, 2024 (BadNets)",
  injection: "finetune",
  styles: ["plain", "discreet"],
  target: REPLY,
  triggerPer: "dataset",
  options: rareOptions,
  async makeTrigger({ options }): Promise<WordTrigger> {
    return { text: ` ${rareOptions.parse(options).word}` };
  },
} satisfies Attack;

/** A phrase of a few words, in small letters. */
const phrasereply = {
  name: "phrasereply",
  title: "A phrase (refusal)",
  source: "Yan et al., Backdooring Instruction-Tuned Large Language Models with Virtual Prompt Injection, NAACL 2024",
  injection: "finetune",
  styles: ["plain", "discreet"],
  target: REPLY,
  triggerPer: "dataset",
  options: phraseOptions,
  async makeTrigger({ options }): Promise<WordTrigger> {
    return { text: ` ${phraseOptions.parse(options).phrase.toLowerCase()}` };
  },
} satisfies Attack;

export const ATTACKS: ReadonlyMap<string, Attack> = new Map(
  [rarewordreply, phrasereply].map((attack) => [attack.name, attack]),
);
