import { createHash } from "node:crypto";
import { type Html, html } from "../html.ts";
import type { Picture } from "../pictures.ts";

/** Pictures of a page, each stored once, however often it is shown: most defects of an attack share their images. */
export class PictureSheet {
  private readonly stored = new Map<string, Picture>();

  /** The picture, enlarged without smoothing. @param alt what it shows */
  show(picture: Picture, alt: string): Html {
    const id = `picture-${createHash("sha256").update(picture.png).digest("hex").slice(0, 12)}`;
    this.stored.set(id, picture);
    return html`<svg class="pixels" viewBox="0 0 ${picture.width} ${picture.height}" role="img" aria-label="${alt}"><use href="#${id}"/></svg>`;
  }

  /** What the page must hold for its pictures to be seen. */
  store(): Html | null {
    if (this.stored.size === 0) return null;
    return html`<svg class="sheet" width="0" height="0" aria-hidden="true"><defs>${[...this.stored].map(
      ([id, { png, width, height }]) =>
        html`<image id="${id}" width="${width}" height="${height}" href="data:image/png;base64,${Buffer.from(png).toString("base64")}"/>`,
    )}</defs></svg>`;
  }
}
