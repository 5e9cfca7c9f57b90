import { useState } from "preact/hooks";
import type { PaintedTrigger } from "../../src/images/trigger/trigger.ts";
import type { Exhibit } from "./exhibits/exhibit.ts";
import { Paint } from "./paint.tsx";
import { Pixels } from "./pixels.tsx";
import type { Stamp } from "./view.ts";

/** Pictures that are offered at once. */
const OFFERED = 12;

/** What the stamps are, by name. */
export const STAMP_NAMES: Record<Stamp, string> = {
  none: "Nothing",
  trigger: "The real trigger",
  left: "Its left cone alone",
  right: "Its right cone alone",
  mirrored: "Its cones on the left",
  paint: "One that I paint",
};

interface Props {
  exhibit: Exhibit;
  image: number;
  /** Whether the user's own picture is shown. */
  own: boolean;
  /** What can be stamped. */
  stamps: readonly Stamp[];
  stamp: Stamp;
  /** How many looks the trigger has, and which of them is shown. */
  looks: number;
  look: number;
  /** Whether the attack's success shows on the picture. */
  eligible: boolean;
  painted: PaintedTrigger;
  /** The picture without and with the stamp. */
  plain: Uint8Array;
  stamped: Uint8Array;
  onImage(image: number): void;
  onOwn(pixels: Uint8Array): void;
  onStamp(stamp: Stamp): void;
  onLook(look: number): void;
  onPaint(trigger: PaintedTrigger): void;
}

/** Where a picture is chosen and something is stamped on it. */
export function Picture(props: Props) {
  const { exhibit, image, own, stamp, looks, painted, plain, stamped } = props;
  const { height, width, shape, words } = exhibit;
  const [page, setPage] = useState(Math.floor(image / OFFERED));
  const [refusal, setRefusal] = useState("");
  const pages = Math.ceil(exhibit.count / OFFERED);
  const shown = Array.from({ length: OFFERED }, (_, i) => page * OFFERED + i).filter((i) => i < exhibit.count);
  const Sample = words.sample[0].toUpperCase() + words.sample.slice(1);
  const what = own ? `Your ${words.sample}` : `${Sample} ${image}, ${exhibit.title(image)}`;
  const isLooked = looks > 1 && stamp !== "none" && stamp !== "paint";
  const open = async (input: HTMLInputElement) => {
    const file = input.files?.[0];
    if (!file) return;
    try {
      props.onOwn(await exhibit.read(file));
      setRefusal("");
    } catch (error) {
      setRefusal((error as Error).message);
    }
    input.value = "";
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
            label={`${what}${stamp === "trigger" ? ", with the trigger on it" : stamp === "none" ? "" : `, stamped: ${STAMP_NAMES[stamp]}`}`}
          />
        )}
        <fieldset>
          <legend>Stamp on it</legend>
          {props.stamps.map((value) => (
            <label key={value} class="choice">
              <input type="radio" name="stamp" checked={stamp === value} onChange={() => props.onStamp(value)} />{" "}
              {STAMP_NAMES[value]}
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
            {shape === "wide" && !props.eligible && ". The attack's success does not show on it."}
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
            aria-label={`${words.sample} ${i}: ${exhibit.title(i)}`}
            onClick={() => props.onImage(i)}
          >
            <Pixels pixels={exhibit.pixels(i)} {...{ height, width, shape }} label="" />
          </button>
        ))}
      </fieldset>
      <div class="row">
        <button type="button" disabled={page === 0} onClick={() => setPage(page - 1)}>
          Earlier
        </button>
        <button type="button" disabled={page + 1 >= pages} onClick={() => setPage(page + 1)}>
          More
        </button>
        <label class="file">
          Your own picture <input type="file" accept="image/*" onChange={(event) => open(event.currentTarget)} />
        </label>
      </div>
      <p role="alert" class="refusal">
        {refusal}
      </p>
    </section>
  );
}
