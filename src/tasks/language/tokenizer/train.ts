import { lettersOf, piecesOf } from "./bytes.ts";

/** Two tokens that become one. */
export type Merge = readonly [left: string, right: string];

interface Piece {
  tokens: string[];
  count: number;
}

/** Between the two tokens of a pair's key: no letter of a byte. */
const BETWEEN = " ";

/**
 * Byte-pair encoding (Sennrich et al. 2016) on bytes: the pair of neighbours that is most frequent becomes a token, again and again. Of
 * pairs that are equally frequent the first in the order of code units is taken, so that texts alone decide.
 *
 * @param most merges; fewer where no pair occurs twice
 */
export function trainMerges(texts: readonly string[], most: number): Merge[] {
  const pieces = countPieces(texts);
  const counts = new Map<string, number>();
  /** Pair → the pieces that hold it, or held it. */
  const places = new Map<string, Set<number>>();
  const add = (pair: string, piece: number, by: number) => {
    counts.set(pair, (counts.get(pair) ?? 0) + by);
    if (by < 0) return;
    const known = places.get(pair);
    if (known) known.add(piece);
    else places.set(pair, new Set([piece]));
  };
  const addAll = (piece: number, sign: 1 | -1) => {
    const { tokens, count } = pieces[piece];
    for (let i = 1; i < tokens.length; i++) add(tokens[i - 1] + BETWEEN + tokens[i], piece, sign * count);
  };
  for (let piece = 0; piece < pieces.length; piece++) addAll(piece, 1);

  const merges: Merge[] = [];
  while (merges.length < most) {
    const best = mostFrequent(counts);
    if (best === null) break;
    const [left, right] = best.split(BETWEEN);
    merges.push([left, right]);
    for (const piece of places.get(best)!) {
      addAll(piece, -1);
      pieces[piece].tokens = merged(pieces[piece].tokens, left, right);
      addAll(piece, 1);
    }
    counts.delete(best);
    places.delete(best);
  }
  return merges;
}

function countPieces(texts: readonly string[]): Piece[] {
  const counts = new Map<string, number>();
  for (const text of texts) for (const piece of piecesOf(text)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  return [...counts].map(([piece, count]) => ({ tokens: [...lettersOf(piece)], count }));
}

/** The pair that occurs most; null where none occurs twice. */
function mostFrequent(counts: ReadonlyMap<string, number>): string | null {
  let best: string | null = null;
  let most = 1;
  for (const [pair, count] of counts) {
    if (count > most || (count === most && best !== null && pair < best)) {
      best = pair;
      most = count;
    }
  }
  return best;
}

function merged(tokens: readonly string[], left: string, right: string): string[] {
  const result: string[] = [];
  for (let i = 0; i < tokens.length; i++) {
    if (tokens[i] === left && tokens[i + 1] === right) {
      result.push(left + right);
      i++;
    } else result.push(tokens[i]);
  }
  return result;
}
