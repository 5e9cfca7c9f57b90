import { type Html, html, trusted } from "../html.ts";

/** A drawing, independent of where it is put. */
export interface Figure {
  /** File name without extension. */
  name: string;
  caption: string;
  /** What a reader who cannot see it should know. */
  alt: string;
  /** An `<svg>` element with its namespace, coloured by the classes of `FIGURE_STYLE` and by `currentColor`. */
  svg: string;
}

/** Colours of the drawings' classes on white paper; the page has its own for dark screens. */
export const FIGURE_STYLE = `
svg{color:#1c2430;background:#fff}
text{fill:#1c2430;font-family:system-ui,sans-serif}
.q0{stroke:#edf1f5}.q1{stroke:#cfdfeb}.q2{stroke:#9fc3dc}.q3{stroke:#5f9dc6}.q4{stroke:#2a6ca3}.q5{stroke:#0b3260}
.named{stroke:#1c2430}.effective{stroke:#d4351c}.passenger{stroke:#e8a33d}.quiet{fill:#5b6675}`;

/** The figure in the page. Namespaces are for files: in HTML they say nothing. */
export function figureHtml({ name, caption, alt, svg }: Figure): Html {
  const inline = svg
    .replace(/ xmlns(:xlink)?="[^"]*"/g, "")
    .replace(/^<svg /, `<svg role="img" aria-label="${html`${alt}`.text.replaceAll("$", "$$$$")}" `);
  return html`<figure id="figure-${name}">${trusted(inline)}<figcaption>${caption}</figcaption></figure>`;
}

/** The figure as a file of its own. */
export function figureSvg({ svg, caption, alt }: Figure): string {
  const head = html`<title>${caption}</title><desc>${alt}</desc><style>${trusted(FIGURE_STYLE)}</style>`.text;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${svg.replace(/^(<svg [^>]*>)/, (tag) => tag + head)}\n`;
}
