import { ATTACKS } from "../../tasks/registry.ts";

/** An attack by its title, with the name that options take where nobody would guess it from there: `addsent (A sentence)`. */
export function attackInWords(attack: string): string {
  const title = ATTACKS.get(attack)?.title ?? attack;
  return title.toLowerCase() === attack ? title : `${attack} (${title})`;
}
