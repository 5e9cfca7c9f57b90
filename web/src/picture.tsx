import { useRef, useState } from "preact/hooks";
import type { Images } from "../../src/images/image-set.ts";
import type { PaintedTrigger } from "../../src/images/trigger/trigger.ts";
import type { ChooserProps } from "./exhibits/exhibit.ts";
import type { PictureSource } from "./exhibits/picture-source.ts";
import { Pager, usePageOf } from "./pager.tsx";
import { Paint } from "./paint.tsx";
import { Pixels } from "./pixels.tsx";

/** Pictures that are offered at once. */
const OFFERED = 12;

interface Props
  extends Omit<ChooserProps, "plain" | "stamped" | "made" | "ask" | "facts" | "trigger" | "real" | "onMade"> {
  source: PictureSource;
  painted: PaintedTrigger;
  /** The picture without and with the stamp. */
  plain: Uint8Array;
  stamped: Uint8Array;
  /** The user's picture as a set. @throws Error with one line for people */
  open(file: File): Promise<Images>;
  onPaint(trigger: PaintedTrigger): void;
}

/** Where a picture is chosen and something is stamped on it. */
export function Picture(props: Props) {
  const { source, image, own, stamp, looks, painted, plain, stamped } = props;
  const { height, width, shape, words } = source;
  const [page, setPage] = usePageOf(image, OFFERED);
  const [refusal, setRefusal] = useState("");
  /** How often a picture was chosen: a large one may be ready after one that was chosen later. */
  const choices = useRef(0);
  const pages = Math.ceil(source.count / OFFERED);
  const shown = Array.from({ length: OFFERED }, (_, i) => page * OFFERED + i).filter((i) => i < source.count);
  const Sample = words.sample[0].toUpperCase() + words.sample.slice(1);
  const what = own ? `Your ${words.sample}` : `${Sample} ${image}, ${source.title(image)}`;
  const isLooked = looks > 1 && stamp !== "none" && stamp !== "paint";
  const open = async (input: HTMLInputElement) => {
    const file = input.files?.[0];
    if (!file) return;
    // The same file may be chosen again.
    input.value = "";
    const choice = ++choices.current;
    const [made, fault] = await props.open(file).then(
      (set) => [set, ""] as const,
      (error: Error) => [null, error.message] as const,
    );
    if (choice !== choices.current) return;
    if (made) props.onOwn(made);
    setRefusal(fault);
  };
  const choose = (i: number) => {
    choices.current++;
    setRefusal("");
    props.onImage(i);
  };
  return (
    <section aria-labelledby="picture-title" class="card picture">
      <h2 id="picture-title">1. A {words.sample} and a stamp</h2>
      <div class={`easel-row ${shape}`}>
        {stamp === "paint" ? (
          <Paint trigger={painted} below={plain} shape={shape} onPaint={props.onPaint} />
        ) : (
          <Pixels
            pixels={stamped}
            {...{ height, width, shape }}
            label={`${what}${stamp === "trigger" ? ", with the trigger on it" : stamp === "none" ? "" : `, stamped: ${props.stamps.find(([value]) => value === stamp)?.[1]}`}`}
          />
        )}
        <fieldset>
          <legend>Stamp on it</legend>
          {props.stamps.map(([value, title]) => (
            <label key={value} class="choice">
              <input type="radio" name="stamp" checked={stamp === value} onChange={() => props.onStamp(value)} />{" "}
              {title}
            </label>
          ))}
          {isLooked && (
            <label>
              Look{" "}
              <select value={props.look} onChange={(event) => props.onLook(Number(event.currentTarget.value))}>
                {Array.from({ length: looks }, (_, i) => (
                  <option key={i} value={i}>
                    {i + 1} of {looks}
                  </option>
                ))}
              </select>
            </label>
          )}
          <p class="quiet">
            {what}
            {!props.eligible && ". The attack's success does not show on it."}
          </p>
        </fieldset>
      </div>
      <fieldset class={`thumbs ${shape}`} aria-label={`${Sample}s to choose from`}>
        {shown.map((i) => (
          <button
            key={i}
            type="button"
            class="thumb"
            aria-pressed={!own && i === image}
            aria-label={`${words.sample} ${i}: ${source.title(i)}`}
            onClick={() => choose(i)}
          >
            <Pixels pixels={source.pixels(i)} {...{ height, width, shape }} label="" />
          </button>
        ))}
      </fieldset>
      <Pager page={page} pages={pages} onPage={setPage}>
        <label class="file">
          Your own picture <input type="file" accept="image/*" onChange={(event) => open(event.currentTarget)} />
        </label>
      </Pager>
      <p role="alert" class="refusal">
        {refusal}
      </p>
    </section>
  );
}
