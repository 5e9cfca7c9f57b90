import { useState } from "preact/hooks";
import type { ImageSet } from "../../src/images/image-set.ts";
import type { PaintedTrigger } from "../../src/images/trigger/trigger.ts";
import { Paint } from "./paint.tsx";
import { Pixels, pixelsAt, readPicture } from "./pixels.tsx";
import type { Stamp } from "./view.ts";

/** Pictures that are offered at once. */
const OFFERED = 12;

const STAMPS: [Stamp, string][] = [
  ["none", "Nothing"],
  ["trigger", "The real trigger"],
  ["paint", "One that I paint"],
];

interface Props {
  images: ImageSet;
  classes: readonly string[];
  image: number;
  own: Uint8Array | null;
  stamp: Stamp;
  painted: PaintedTrigger;
  /** The picture without and with the stamp. */
  plain: Uint8Array;
  stamped: Uint8Array;
  onImage(image: number): void;
  onOwn(pixels: Uint8Array): void;
  onStamp(stamp: Stamp): void;
  onPaint(trigger: PaintedTrigger): void;
}

/** Where a picture is chosen and something is stamped on it. */
export function Picture(props: Props) {
  const { images, classes, image, own, stamp, painted, plain, stamped } = props;
  const [page, setPage] = useState(Math.floor(image / OFFERED));
  const [refusal, setRefusal] = useState("");
  const side = images.width;
  const pages = Math.ceil(images.count / OFFERED);
  const shown = Array.from({ length: OFFERED }, (_, i) => page * OFFERED + i).filter((i) => i < images.count);
  const what = own ? "Your picture" : `Picture ${image}, ${classes[images.labels[image]]}`;
  const open = async (input: HTMLInputElement) => {
    const file = input.files?.[0];
    if (!file) return;
    try {
      props.onOwn(await readPicture(file, side));
      setRefusal("");
    } catch (error) {
      setRefusal((error as Error).message);
    }
    input.value = "";
  };
  return (
    <section aria-labelledby="picture-title" class="card picture">
      <h2 id="picture-title">1. A picture and a stamp</h2>
      <div class="easel-row">
        {stamp === "paint" ? (
          <Paint trigger={painted} below={plain} onPaint={props.onPaint} />
        ) : (
          <Pixels
            pixels={stamped}
            side={side}
            label={`${what}${stamp === "trigger" ? ", with the trigger on it" : ""}`}
          />
        )}
        <fieldset>
          <legend>Stamp on it</legend>
          {STAMPS.map(([value, title]) => (
            <label key={value} class="choice">
              <input type="radio" name="stamp" checked={stamp === value} onChange={() => props.onStamp(value)} />{" "}
              {title}
            </label>
          ))}
          <p class="quiet">{what}</p>
        </fieldset>
      </div>
      <fieldset class="thumbs" aria-label="Pictures to choose from">
        {shown.map((i) => (
          <button
            key={i}
            type="button"
            class="thumb"
            aria-pressed={!own && i === image}
            aria-label={`picture ${i}: ${classes[images.labels[i]]}`}
            onClick={() => props.onImage(i)}
          >
            <Pixels pixels={pixelsAt(images, i)} side={side} label="" />
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
