/** Markup that is safe to put into a page as it is. Made by `html`, or by `trusted` for what this program drew. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type HtmlValue = Html | string | number | null | undefined | false | readonly HtmlValue[];

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text as it may stand in an element and in a quoted attribute; characters that no page may hold become `�`. */
export function escapeHtml(text: string): string {
  const unseen =
    // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these must not reach the page
    /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
  return text.replace(unseen, "\ufffd").replace(/[&<>"']/g, (c) => ENTITIES[c]);
}

/**
 * Template of markup: every value is escaped unless it is itself markup; lists are joined, and null, undefined and
 * false vanish. Attribute values must be quoted in the template.
 */
export function html(parts: TemplateStringsArray, ...values: HtmlValue[]): Html {
  return new Html(parts.reduce((text, part, i) => text + render(values[i - 1]) + part));
}

/** Declares text to be markup: only for what this program wrote itself, with its data escaped. */
export function trusted(text: string): Html {
  return new Html(text);
}

function render(value: HtmlValue): string {
  if (value === null || value === undefined || value === false) return "";
  if (value instanceof Html) return value.text;
  return typeof value === "object" ? value.map(render).join("") : escapeHtml(String(value));
}
