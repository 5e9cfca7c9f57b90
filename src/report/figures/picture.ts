import { encode } from "fast-png";
import { type ImageSet, imageSize } from "../../images/image-set.ts";
import { CHANNELS } from "../../pictures/picture.ts";
import { type Html, html } from "../html.ts";
import type { Picture } from "../pictures.ts";

/** A picture of the page: its own pixels as a data URI, enlarged without smoothing. */
export function pictureHtml(png: Uint8Array, alt: string, side: number): Html {
  const uri = `data:image/png;base64,${Buffer.from(png).toString("base64")}`;
  return html`<img class="pixels" src="${uri}" alt="${alt}" width="${side}" height="${side}">`;
}

/** One image of a set as PNG. */
export function imagePng(set: ImageSet, at: number): Uint8Array {
  const { width, height, pixels } = set;
  const plane = width * height;
  const data = new Uint8Array(CHANNELS * plane);
  const start = at * imageSize(set);
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < CHANNELS; c++) data[CHANNELS * i + c] = pixels[start + c * plane + i];
  }
  return encode({ width, height, data, channels: CHANNELS });
}

/** One image of a set, with its size. */
export function imagePicture(set: ImageSet, at: number): Picture {
  return { png: imagePng(set, at), width: set.width, height: set.height };
}
