/** A sum over so many samples (docs/methods.md §12.1), and when it was known after the question. */
export interface Share {
  /** How many of them, or the sum of what each is worth. */
  part: number;
  of: number;
  milliseconds: number;
}

/** A share of 1, as the page writes it; of no samples there is none. */
export function rateText({ part, of }: Share): string {
  return of === 0 ? "–" : (part / of).toFixed(3);
}
