import { useState } from "preact/hooks";
import { visible } from "../../../src/core/visible.ts";
import type { Tokenised } from "../../../src/tasks/language/text-set.ts";
import { gapsFor, type WordTrigger } from "../../../src/tasks/language/word-trigger.ts";
import { Pager, usePageOf } from "../pager.tsx";
import { type Stamp, WORD } from "../view.ts";
import type { ChooserProps } from "./exhibit.ts";
import { MarkedText } from "./marked-text.tsx";
import type { TextSource } from "./text-source.ts";
import { typedText, typedWords } from "./typed.ts";

/** Texts that are offered at once. */
const OFFERED = 6;

interface Props extends ChooserProps {
  source: TextSource;
  /** How the model is asked, `{}` where the text goes; absent: it goes without saying. */
  template?: string;
}

/** Where a text is chosen or typed, and words are put into it. */
export function Sentence(props: Props) {
  const { source, facts, image, own, stamp, trigger, eligible } = props;
  const { language } = source;
  const { tokenizer } = language;
  const [refusal, setRefusal] = useState("");
  const [plain] = (props.plain as Tokenised).tokens;
  const [stamped] = (props.stamped as Tokenised).tokens;
  const words = stamp === "none" ? [] : tokenizer.encode((trigger as WordTrigger).text);
  const gaps = gapsFor(words.length, plain, tokenizer);
  const from = gaps[props.look] ?? 0;
  const what = own ? "Your text" : `Text ${image}, ${source.about(image)}`;
  /** Reads what was typed, or says why not. */
  const read = <T,>(make: () => T, take: (made: T) => void) => {
    try {
      take(make());
      setRefusal("");
    } catch (error) {
      setRefusal((error as Error).message);
    }
  };
  return (
    <section aria-labelledby="picture-title" class="card picture">
      <h2 id="picture-title">1. A text and a stamp</h2>
      <p class="sentence" data-tokens={stamped.join(" ")}>
        <MarkedText
          tokens={stamped}
          language={language}
          marked={words.length === 0 ? null : [from, from + words.length]}
        />
      </p>
      <p class="quiet">
        {what}. {stamped.length} tokens
        {stamped.length > tokenizer.room && `, of which the network reads the first ${tokenizer.room}`}.
        {!eligible && ` ${source.anyway(facts)}`}
      </p>
      {props.template !== undefined && (
        <p class="quiet template">
          The model is asked <code>{visible(props.template)}</code>, the text in place of <code>{"{}"}</code>.
        </p>
      )}
      <div class="stamps">
        <fieldset>
          <legend>Stamp on it</legend>
          {props.stamps.map(([value, name]) => {
            const word = wordOf(value);
            return (
              <label key={value} class={word === null ? "choice" : "choice word"}>
                <input
                  type="radio"
                  name="stamp"
                  aria-label={word === null ? undefined : name}
                  checked={stamp === value}
                  onChange={() => props.onStamp(value)}
                />{" "}
                {word === null ? name : `“${visible(word)}”`}
                {value === "trigger" && (
                  <>
                    : <mark class="trigger-words">{visible((props.real as WordTrigger).text.trim())}</mark>
                  </>
                )}
              </label>
            );
          })}
          {props.stamps.some(([value]) => wordOf(value) !== null) && (
            <p class="quiet">The words in quotation marks are no trigger: the backdoor must ignore them.</p>
          )}
        </fieldset>
        {stamp === "words" && (
          <label class="typed">
            The words
            <input
              type="text"
              spellcheck={false}
              placeholder="what to put into the text"
              defaultValue={(props.made as WordTrigger).text.trim()}
              onInput={({ currentTarget: { value } }) => read(() => typedWords(value, language), props.onMade)}
            />
          </label>
        )}
        {words.length > 0 && (
          <label>
            Place{" "}
            <select value={props.look} onChange={({ currentTarget }) => props.onLook(currentTarget.selectedIndex)}>
              {gaps.map((gap, i) => (
                <option key={gap} value={i}>
                  {gap === plain.length ? "at the end" : `before “${wordAt(plain, gap, gaps[i + 1], tokenizer)}”`}
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      <Offered
        {...props}
        onImage={(i) => {
          setRefusal("");
          props.onImage(i);
        }}
      />
      <label class="typed">
        Your own text
        <textarea
          rows={2}
          spellcheck={false}
          placeholder="a small furry thing that lives in trees"
          onInput={({ currentTarget: { value } }) =>
            read(
              () => typedText(value, language),
              (tokens) => {
                props.onLook(null);
                props.onOwn(source.own(tokens));
              },
            )
          }
        />
      </label>
      <p role="alert" class="refusal">
        {refusal}
      </p>
    </section>
  );
}

/** The single word that a stamp puts into a text and that is no trigger; null: it is another stamp. */
function wordOf(stamp: Stamp): string | null {
  return stamp.startsWith(WORD) ? stamp.slice(WORD.length) : null;
}

/** The word between two gaps. */
function wordAt(
  tokens: readonly number[],
  from: number,
  to: number | undefined,
  tokenizer: Tokenised["language"]["tokenizer"],
): string {
  return visible(tokenizer.decode(tokens.slice(from, to)).trim());
}

/** The texts of the data set, some at once. */
function Offered({ source, image, own, onImage, onLook }: Props) {
  const { count } = source;
  const [page, setPage] = usePageOf(image, OFFERED);
  const shown = Array.from({ length: OFFERED }, (_, i) => page * OFFERED + i).filter((i) => i < count);
  return (
    <>
      <fieldset class="texts" aria-label="Texts to choose from">
        {shown.map((i) => (
          <button
            key={i}
            type="button"
            class="text-choice"
            aria-pressed={!own && i === image}
            aria-label={`text ${i}: ${source.text(i)}, ${source.about(i)}`}
            onClick={() => {
              // Its gaps are others.
              onLook(null);
              onImage(i);
            }}
          >
            {source.text(i)} <span class="class-name">{source.about(i)}</span>
          </button>
        ))}
      </fieldset>
      <Pager page={page} pages={Math.ceil(count / OFFERED)} onPage={setPage} />
    </>
  );
}
