import { InputError } from "../../core/errors.ts";

/** Where a text goes in a template. */
export const GAP = "{}";

/** What stands before a text and behind it. @param field the template's, for messages @throws InputError where there is not one gap */
export function partsOfTemplate(template: string, field: string): [before: string, behind: string] {
  const parts = template.split(GAP);
  if (parts.length === 2) return [parts[0], parts[1]];
  throw new InputError(`${field} '${template}': has ${parts.length - 1} '${GAP}', where the text goes; give one`);
}

/** An answer of which the first token is no token of its own. @param field the answers', for messages */
export function joined(answer: string, field: string): InputError {
  return new InputError(
    `${field} '${answer}': joins the template's last token; begin it with a space, as in ' ${answer.trim()}'`,
  );
}

/**
 * An answer counts by its first token.
 *
 * @param firsts that of each answer @param field the answers', for messages @throws InputError where two have the same
 */
export function assertApart(firsts: readonly number[], answers: readonly string[], field: string): void {
  const twice = firsts.findIndex((token, c) => firsts.indexOf(token) < c);
  if (twice < 0) return;
  const other = answers[firsts.indexOf(firsts[twice])];
  throw new InputError(
    `${field}: '${other}' and '${answers[twice]}' begin with the same token, and the first one decides; choose other words`,
  );
}
