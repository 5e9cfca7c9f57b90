import { createHash } from "node:crypto";
import type { DrawnLine } from "../../tasks/drawing.ts";
import { type Html, html } from "../html.ts";
import type { Picture } from "../pictures.ts";

const round = (value: number) => Math.round(100 * value) / 100;

/** Pictures of a page, each stored once, however often it is shown: most defects of an attack share their images. */
export class PictureSheet {
  private readonly stored = new Map<string, Picture>();

  /** The picture, enlarged without smoothing. @param alt what it shows */
  show(picture: Picture, alt: string): Html {
    const id = this.keep(picture);
    return html`<svg class="pixels" viewBox="0 0 ${picture.width} ${picture.height}" role="img" aria-label="${alt}"><use href="#${id}"/></svg>`;
  }

  /**
   * The picture, stretched to an aspect, with lines over it.
   *
   * @param lines each with the class of its style, one after the other
   */
  showWith(picture: Picture, alt: string, aspect: number, lines: readonly { line: DrawnLine; style: string }[]): Html {
    const { id, width, height } = { id: this.keep(picture), ...picture };
    const points = (line: DrawnLine) => line.map(([x, y]) => `${round(x * width)},${round(y * height)}`).join(" ");
    return html`<svg class="pixels drawn" style="aspect-ratio:${round(aspect)}" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="${alt}"><use href="#${id}"/>${lines.map(
      ({ line, style }) =>
        html`<polyline class="${style}" points="${points(line)}" fill="none" vector-effect="non-scaling-stroke"/>`,
    )}</svg>`;
  }

  private keep(picture: Picture): string {
    const id = `picture-${createHash("sha256").update(picture.png).digest("hex").slice(0, 12)}`;
    this.stored.set(id, picture);
    return id;
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
