import { spaced } from "../../../src/tasks/language/language-of.ts";
import type { Language } from "../../../src/tasks/language/text-set.ts";
import { LONGEST_TRIGGER, type WordTrigger } from "../../../src/tasks/language/word-trigger.ts";

/** Characters of a text beyond which it is refused unread: some multiple of what a network reads. */
const LONGEST_TEXT = 2000;

/** The tokens of a text that the user typed, in small letters as the data set's are. @throws Error with one line for people */
export function typedText(typed: string, { tokenizer }: Language): number[] {
  const text = inSmallLetters(typed, "text", LONGEST_TEXT);
  if (text === "") throw new Error("This text is empty; type a word at least.");
  return tokenizer.encode(spaced(text));
}

/** Words to put into texts; none leave them as they are. @throws Error with one line for people */
export function typedWords(typed: string, { tokenizer }: Language): WordTrigger {
  const words = inSmallLetters(typed, "stamp", LONGEST_TRIGGER);
  if (words === "") return { text: "" };
  const { length } = tokenizer.encode(spaced(words));
  const { room } = tokenizer;
  if (length > room) throw new Error(`This stamp has ${length} tokens; a network reads ${room}.`);
  return { text: spaced(words) };
}

function inSmallLetters(typed: string, what: string, most: number): string {
  if (typed.length > most) {
    const [length, bound] = [typed.length, most].map((count) => count.toLocaleString("en"));
    throw new Error(`This ${what} has ${length} characters; one of yours may have ${bound}.`);
  }
  return typed.trim().replace(/\s+/g, " ").toLowerCase();
}
