import type { Samples } from "../../core/samples.ts";
import type { Insertion } from "../../tasks/insertion.ts";
import type { ReversedModel } from "../subject.ts";

/** As many samples of each class, in the order of the set. @param from how many of each are left out before */
export function balanced(
  { task }: Pick<ReversedModel, "task">,
  insertion: Insertion,
  samples: Samples,
  each: number,
  from = 0,
): Samples {
  const seen = new Map<number, number>();
  const chosen = Array.from(insertion.truths(samples)).flatMap((truth, i) => {
    const place = seen.get(truth) ?? 0;
    seen.set(truth, place + 1);
    return place >= from && place < from + each ? [i] : [];
  });
  return task.inputs.subset(samples, chosen);
}

/** Samples whose truth is another class. */
export function outside(
  { task }: Pick<ReversedModel, "task">,
  insertion: Insertion,
  samples: Samples,
  target: number,
): Samples {
  const truths = Array.from(insertion.truths(samples));
  return task.inputs.subset(
    samples,
    truths.flatMap((truth, i) => (truth === target ? [] : [i])),
  );
}
