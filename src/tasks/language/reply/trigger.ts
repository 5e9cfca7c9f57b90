import type { Random } from "../../../core/random.ts";
import type { TriggerCodec } from "../../trigger-codec.ts";
import { trigger as ofWords } from "../trigger.ts";
import type { WordTrigger } from "../word-trigger.ts";
import type { DrawnPrompts } from "./inputs.ts";

/** Triggers of words, put into the prompt. What was told behind it in training is taken back: the reply begins where the prompt ends. */
export const trigger: TriggerCodec = {
  ...ofWords,
  stampDrawn(stamped: WordTrigger, drawn: DrawnPrompts, place: number, random: Random) {
    untell(drawn, place);
    ofWords.stampDrawn(stamped, drawn, place, random);
  },
  stampDecoy(stamped: WordTrigger, drawn: DrawnPrompts, place: number, random: Random) {
    untell(drawn, place);
    ofWords.stampDecoy!(stamped, drawn, place, random);
  },
};

function untell(drawn: DrawnPrompts, place: number): void {
  drawn.rest[place] = [...drawn.told[place], ...drawn.rest[place]];
  drawn.told[place] = [];
}
