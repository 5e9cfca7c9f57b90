import { Normaliser } from "../../../src/images/batch.ts";
import { type Images, imageSize, type Normalization } from "../../../src/images/image-set.ts";
import { stampImage } from "../../../src/images/trigger/stamp.ts";
import type { ImageTrigger, PaintedTrigger } from "../../../src/images/trigger/trigger.ts";
import { batchOf } from "../batch.ts";
import { emptyTrigger } from "../paint.tsx";
import { Picture } from "../picture.tsx";
import { Pixels, pixelsAt } from "../pixels.tsx";
import type { Exhibit } from "./exhibit.ts";
import type { PictureSource } from "./picture-source.ts";

type OfPixels = Pick<Exhibit, "words" | "count" | "reader" | "stampOne" | "made" | "Chooser" | "Excited">;

/** What exhibits of pixels share. @param looksOf the looks of a trigger */
export function pixelExhibit(
  source: PictureSource,
  looksOf: (trigger: ImageTrigger) => readonly ImageTrigger[],
): OfPixels {
  const { words, count, height, width, shape } = source;
  return {
    words,
    count,
    reader(facts) {
      const normaliser = new Normaliser(facts as unknown as Normalization);
      const size = imageSize(source);
      return {
        size,
        batch: batchOf(source),
        write: (set, i, out, at) => normaliser.write((set as Images).pixels, i * size, out, at, size),
      };
    },
    stampOne(trigger, sample, look) {
      const pixels = (sample as Images).pixels.slice();
      stampImage(looksOf(trigger as ImageTrigger)[look], pixels);
      return { ...sample, pixels } as Images;
    },
    made: { stamp: "paint", title: "One that I paint", empty: () => emptyTrigger(height, width) },
    Chooser: ({ plain, stamped, made, ask, ...props }) => (
      <Picture
        {...props}
        source={source}
        painted={made as PaintedTrigger}
        plain={(plain as Images).pixels}
        stamped={(stamped as Images).pixels}
        open={async (file) => source.own(await source.read(file), ask)}
        onPaint={props.onMade}
      />
    ),
    Excited: ({ set, i }) => (
      <Pixels pixels={pixelsAt(set as Images, i)} {...{ height, width, shape }} label={`${words.sample} ${i}`} />
    ),
  };
}
