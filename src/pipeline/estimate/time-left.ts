/**
 * Tells how long a build still takes. Every model has an expected time; what finished models took in truth, against
 * what was expected of them, corrects what is expected of the others. So clean models and candidates, wide and narrow
 * networks, a resumed build and candidates that needed a second attempt are each weighed as they are.
 */
export class TimeLeft {
  private readonly left: Map<string, number | null>;
  private readonly jobs: number;
  private readonly now: () => number;
  private readonly begun = new Map<string, number>();
  private expected = 0;
  private taken = 0;

  /**
   * @param expected seconds of every model that is still to be built; null: unknown
   * @param jobs how many are built at once
   * @param now a clock in seconds
   */
  constructor(expected: Record<string, number | null>, jobs: number, now = () => performance.now() / 1000) {
    this.left = new Map(Object.entries(expected));
    this.jobs = jobs;
    this.now = now;
  }

  /** A model is under way. Safe to repeat. */
  begin(id: string): void {
    if (this.left.has(id) && !this.begun.has(id)) this.begun.set(id, this.now());
  }

  /** @param seconds what it took; null where that tells nothing (a duplicate is known at once) */
  finish(id: string, seconds: number | null): void {
    const expected = this.left.get(id) ?? null;
    if (seconds !== null && expected !== null) {
      this.expected += expected;
      this.taken += seconds;
    }
    this.left.delete(id);
    this.begun.delete(id);
  }

  /** Seconds until the last model is done; null where nobody knows: of a model that is left nothing is expected, or all take longer than was. */
  seconds(): number | null {
    const pace = this.expected > 0 ? this.taken / this.expected : 1;
    let work = 0;
    let longest = 0;
    for (const [id, expected] of this.left) {
      if (expected === null) return null;
      const all = expected * pace;
      const begun = this.begun.get(id);
      const rest = begun === undefined ? all : Math.max(all - (this.now() - begun), 0);
      work += rest;
      longest = Math.max(longest, rest);
    }
    return work === 0 && this.left.size > 0 ? null : Math.max(work / this.jobs, longest);
  }
}

/** `45 s`, `12 min`, `3.5 h`, `4 days` */
export function inWords(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${(seconds / 3600).toFixed(1)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}
