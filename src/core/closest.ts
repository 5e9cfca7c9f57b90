import { distance } from "fastest-levenshtein";

/** Of a name this share may be mistyped and still be recognised. */
const MISTYPED = 0.25;

/** The name that a mistyped one most likely stands for; null where none is near. */
export function closestName(name: string, names: Iterable<string>): string | null {
  const most = Math.max(1, Math.floor(name.length * MISTYPED));
  let best: { name: string; distance: number } | null = null;
  for (const candidate of names) {
    if (Math.abs(candidate.length - name.length) > most) continue;
    const found = edits(name, candidate);
    if (found <= most && (best === null || found < best.distance)) best = { name: candidate, distance: found };
  }
  return best?.name ?? null;
}

/** Levenshtein's distance, where two neighbours that changed places are one edit and not two. */
function edits(name: string, other: string): number {
  const found = distance(name, other);
  if (found !== 2 || name.length !== other.length) return found;
  const at = [...name].findIndex((letter, i) => letter !== other[i]);
  const swapped = name.slice(0, at) + name[at + 1] + name[at] + name.slice(at + 2);
  return swapped === other ? 1 : found;
}

/** So many names are suggested at most. */
const MOST_NAMED = 3;

/**
 * The names that a mistyped one may stand for, the likeliest first: those that it begins, as the first parts of an id do; the
 * nearest as a whole; or those with most of its parts, which stand between dashes.
 */
export function closestNames(name: string, names: Iterable<string>): string[] {
  const all = [...new Set(names)];
  const begun = name === "" ? [] : all.filter((candidate) => candidate.startsWith(`${name}-`));
  if (begun.length > 0) return begun.sort((a, b) => a.length - b.length).slice(0, MOST_NAMED);
  const closest = closestName(name, all);
  return closest === null ? alikeInParts(name, all) : [closest];
}

/** Names of as many parts of which more than half are the same, or mistyped. */
function alikeInParts(name: string, names: readonly string[]): string[] {
  const parts = name.split("-");
  let most = Math.floor(parts.length / 2) + 1;
  let found: string[] = [];
  for (const candidate of names) {
    const others = candidate.split("-");
    if (others.length !== parts.length || parts.length === 1) continue;
    const same = others.filter((other, i) => closestName(parts[i], [other]) !== null).length;
    if (same < most) continue;
    if (same > most) found = [];
    most = same;
    found.push(candidate);
  }
  return found.slice(0, MOST_NAMED);
}

/** ` (did you mean 'NAME'?)`, with several where several are as near, or nothing. */
export function suggestion(name: string, names: Iterable<string>): string {
  const quoted = closestNames(name, names).map((near) => `'${near}'`);
  if (quoted.length === 0) return "";
  const last = quoted.pop();
  return ` (did you mean ${quoted.length === 0 ? last : `${quoted.join(", ")} or ${last}`}?)`;
}
