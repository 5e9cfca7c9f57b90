import { distance } from "fastest-levenshtein";

/** Of a name this share may be mistyped and still be recognised. */
const MISTYPED = 0.25;

/** The name that a mistyped one most likely stands for; null where none is near. */
export function closestName(name: string, names: Iterable<string>): string | null {
  const most = Math.max(1, Math.floor(name.length * MISTYPED));
  let best: { name: string; distance: number } | null = null;
  for (const candidate of names) {
    if (Math.abs(candidate.length - name.length) > most) continue;
    const found = distance(name, candidate);
    if (found <= most && (best === null || found < best.distance)) best = { name: candidate, distance: found };
  }
  return best?.name ?? null;
}

/** ` (did you mean 'NAME'?)`, or nothing. */
export function suggestion(name: string, names: Iterable<string>): string {
  const closest = closestName(name, names);
  return closest === null ? "" : ` (did you mean '${closest}'?)`;
}
