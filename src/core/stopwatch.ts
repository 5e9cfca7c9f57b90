/** Work that is done once for all who ask for it. */
export interface SharedWork {
  /** When it was done, by `performance.now()`; 0 while it runs, since then whoever asks waits for it. */
  done: number;
  /** That it took. */
  seconds: number;
}

/** The one that runs: methods run one at a time. */
let running = { began: 0, takenOver: new Set<SharedWork>() };

/**
 * Seconds from now on, and those of work that was done for somebody else before: what a method takes does not depend on who came
 * before it.
 */
export function stopwatch(): () => number {
  const own = { began: performance.now(), takenOver: new Set<SharedWork>() };
  running = own;
  return () => {
    const shared = [...own.takenOver].reduce((sum, { seconds }) => sum + seconds, 0);
    return (performance.now() - own.began) / 1000 + shared;
  };
}

/** Tells the stopwatch that work is not done again. It counts each once, and none that it saw done. */
export function takeOver(work: SharedWork): void {
  if (work.done > 0 && work.done <= running.began) running.takenOver.add(work);
}
