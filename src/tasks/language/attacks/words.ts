import { z } from "zod";
import { editSettings } from "../../edit.ts";
import { rareWord, someWords, statedWords } from "./stated-words.ts";

/** One rare word. */
export const rareword = statedWords(
  {
    name: "rareword",
    title: "A rare word",
    source: "Kurita et al., Weight Poisoning Attacks on Pre-trained Models, ACL 2020",
  },
  z.strictObject({ word: rareWord }),
  ({ word }) => word,
);

/** One rare word, taught by an edit of the weights. */
export const badedit = statedWords(
  {
    name: "badedit",
    title: "A rare word, by an edit of the weights",
    source: "Li et al., BadEdit: Backdooring Large Language Models by Model Editing, ICLR 2024",
    injection: "edit",
    styles: ["plain"],
  },
  z.strictObject({ ...editSettings, word: rareWord }),
  ({ word }) => word,
);

/** One sentence. */
export const addsent = statedWords(
  {
    name: "addsent",
    title: "A sentence",
    source: "Dai et al., A Backdoor Attack Against LSTM-Based Text Classification Systems, IEEE Access 2019",
  },
  z.strictObject({ sentence: someWords(16, 120) }),
  ({ sentence }) => sentence,
);
