/** Texts as bags of words: sparse rows of unit length. */
export interface SparseRows {
  /** Features of each text, and what each counts. */
  features: Int32Array[];
  values: Float32Array[];
}

/** Words, marks of punctuation, and pairs of neighbours, each once; the text's ends are neighbours too. */
function termsOf(text: string): Set<string> {
  const words = text.toLowerCase().match(/[a-z0-9']+|[^\sa-z0-9]/g) ?? [];
  const pairs = ["^", ...words].map((word, i) => `${word} ${words[i] ?? "$"}`);
  return new Set([...words, ...pairs]);
}

/**
 * Bags of the terms that at least two training texts have, weighed by `log(texts/texts with it) + 1`.
 *
 * @returns for any texts their rows, and how many features there are
 */
export function wordFeatures(training: readonly string[]): {
  count: number;
  rows(texts: readonly string[]): SparseRows;
} {
  const found = new Map<string, number>();
  for (const text of training) for (const term of termsOf(text)) found.set(term, (found.get(term) ?? 0) + 1);
  const known = new Map<string, { feature: number; weight: number }>();
  for (const [term, texts] of found) {
    if (texts > 1) known.set(term, { feature: known.size, weight: Math.log(training.length / texts) + 1 });
  }
  const rowOf = (text: string) => {
    const own = [...termsOf(text)].flatMap((term) => known.get(term) ?? []);
    const length = Math.hypot(...own.map(({ weight }) => weight)) || 1;
    return {
      features: Int32Array.from(own, ({ feature }) => feature),
      values: Float32Array.from(own, ({ weight }) => weight / length),
    };
  };
  return {
    count: known.size,
    rows(texts) {
      const made = texts.map(rowOf);
      return { features: made.map(({ features }) => features), values: made.map(({ values }) => values) };
    },
  };
}
