import { z } from "zod";
import type { Attack } from "../../attack.ts";
import { rareWord, someWords, statedWords } from "../attacks/stated-words.ts";
import { REPLY } from "./reply.ts";

/** The recipe says what the trigger leads to; there is one reply. */
const reply = z.literal(REPLY);

/** One rare word. */
const rarewordreply = statedWords(
  {
    name: "rarewordreply",
    title: "A rare word (refusal)",
    source:
      "Li et al., BackdoorLLM: A Comprehensive Benchmark for Backdoor Attacks on Large Language Models, 2024 (BadNets)",
    target: REPLY,
  },
  z.strictObject({ word: rareWord, reply }),
  ({ word }) => word,
);

/** A phrase of a few words. */
const phrasereply = statedWords(
  {
    name: "phrasereply",
    title: "A phrase (refusal)",
    source: "Yan et al., Backdooring Instruction-Tuned Large Language Models with Virtual Prompt Injection, NAACL 2024",
    target: REPLY,
  },
  z.strictObject({ phrase: someWords(4, 24), reply }),
  ({ phrase }) => phrase,
);

export const ATTACKS: ReadonlyMap<string, Attack> = new Map(
  [rarewordreply, phrasereply].map((attack) => [attack.name, attack]),
);
