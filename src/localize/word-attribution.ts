import type { LayerScores } from "../core/neurons.ts";
import { ENOUGH_EVIDENCE } from "../reversal/excision.ts";
import { reverseWord } from "../reversal/words/reverse.ts";
import type { Insertion } from "../tasks/insertion.ts";
import { clp } from "./criteria/clp.ts";
import { contributionHigh } from "./criteria/contribution-high.ts";
import { pruneUntilWordsFail } from "./nc/by-words.ts";
import { boundedZ, clippedZ } from "./normalise.ts";
import type { Localization, Suspect } from "./types.ts";

/** What CLP's evidence and the contribution to clean answers count beside the attribution's. */
const SHARE = 0.5;

/**
 * `attribution` where samples are words (docs/methods.md §10.13): who carries the pull of a reversed word, with half of CLP's evidence
 * and half of the contribution to clean answers beside it. Where no word stands out the two are all there is, and nothing is named.
 */
export async function attributionByWord(suspect: Suspect, insertion: Insertion): Promise<Localization> {
  const found = await reverseWord(suspect, insertion);
  const stands = found.evidence >= ENOUGH_EVIDENCE;
  const { scores: amplified } = await clp.localize(suspect);
  const { raw: contribution } = await contributionHigh.localize(suspect);
  const [carried, relied] = [boundedZ(found.attribution), boundedZ(contribution)];
  const scores: LayerScores = Object.fromEntries(
    Object.entries(carried).map(([layer, values]) => [
      layer,
      values.map(
        (z, c) => (stands ? clippedZ(z) : 0) + SHARE * (clippedZ(amplified[layer][c]) + clippedZ(relied[layer][c])),
      ),
    ]),
  );
  const native = stands ? await pruneUntilWordsFail(suspect, insertion, scores, { ...found, words: [found.word] }) : {};
  const { target, text, success, evidence } = found;
  const note = `class ${target}, word '${text}' with success ${success.toFixed(2)}, evidence ${evidence.toFixed(4)}`;
  return { raw: scores, scores, native, note };
}
