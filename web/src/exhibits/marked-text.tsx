import { visible } from "../../../src/core/visible.ts";
import type { Language, Tokenised } from "../../../src/tasks/language/text-set.ts";
import { placeOf, type WordTrigger } from "../../../src/tasks/language/word-trigger.ts";
import type { ExcitedProps } from "./exhibit.ts";

interface Props {
  tokens: readonly number[];
  language: Language;
  /** Where the trigger's tokens begin and end; null: there are none. */
  marked: readonly [from: number, to: number] | null;
  /** The token where a neuron is most active; null: none is shown. */
  peak?: number | null;
}

type Mark = "trigger-words" | "peak" | "unread" | null;

/** A text whose trigger is marked, and what the network does not read of it. */
export function MarkedText({ tokens, language: { tokenizer }, marked, peak = null }: Props) {
  const markOf = (at: number): Mark =>
    at === peak
      ? "peak"
      : at >= tokenizer.room
        ? "unread"
        : marked && at >= marked[0] && at < marked[1]
          ? "trigger-words"
          : null;
  const parts: { mark: Mark; from: number; to: number }[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const mark = markOf(at);
    const last = parts.at(-1);
    if (last?.mark === mark) last.to = at + 1;
    else parts.push({ mark, from: at, to: at + 1 });
  }
  return (
    <>
      {parts.map(({ mark, from, to }) => {
        const text = visible(tokenizer.decode(tokens.slice(from, to)));
        if (mark === "trigger-words" || mark === "peak") return <Marked key={from} name={mark} text={text} />;
        return mark === "unread" ? <s key={from}>{text}</s> : text;
      })}
    </>
  );
}

/** The space before the words is not theirs. */
function Marked({ name, text }: { name: string; text: string }) {
  const word = text.trimStart();
  return (
    <>
      {text.slice(0, text.length - word.length)}
      <mark class={name}>{word === "" ? text : word}</mark>
    </>
  );
}

/** A text among those that excite a neuron, marked where it is most active, and where the trigger is. */
export function ExcitedText({ set, i, trigger, at }: ExcitedProps) {
  const { tokens, language } = set as Tokenised;
  const words = trigger === null ? [] : language.tokenizer.encode((trigger as WordTrigger).text);
  const from = words.length === 0 ? -1 : placeOf(words, tokens[i]);
  // Before the text stands what all share, and behind it what asks for the answer.
  const { before, room } = language.tokenizer;
  const place = at === null ? null : at - before.length;
  const isBehind = place !== null && place >= Math.min(tokens[i].length, room);
  return (
    <p class="excited-text">
      <MarkedText
        {...{ tokens: tokens[i], language }}
        marked={from < 0 ? null : [from, from + words.length]}
        peak={place === null || isBehind ? null : place}
      />
      {isBehind && <mark class="peak">(its end)</mark>}
    </p>
  );
}
