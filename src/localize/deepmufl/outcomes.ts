import { highest } from "../../core/argmax.ts";
import type { Samples } from "../../core/samples.ts";
import { rowOf } from "../../measure/verdicts.ts";
import type { Suspect } from "../types.ts";
import type { MutantForm, MutatedNeuron } from "./form.ts";
import type { ElementOutcome, MutantOutcome } from "./statistics.ts";

/** What the mutants did, by unit and channel. */
export type Outcomes = Map<string, Map<number, ElementOutcome>>;

/** Runs both kinds of tests under every mutant. @param passing tests that the suspect gets right; @param failing wrong */
export async function mutantOutcomes<M extends MutatedNeuron>(
  suspect: Pick<Suspect, "task" | "network" | "state" | "runner">,
  passing: Samples,
  failing: Samples,
  form: MutantForm<M>,
  mutants: readonly M[],
): Promise<Outcomes> {
  const { task } = suspect;
  const tests = task.inputs.joined(passing, failing);
  const rewrites = form.on(suspect, tests);
  const base = (await rewrites.base()).slice();
  const answerOf = (output: Float32Array) =>
    // Of all words those that answer alone count.
    task.insertion?.answered(output, tests) ?? (task.answer ? task.answer(output).join() : highest(output));
  const answers = Array.from({ length: tests.count }, (_, i) => answerOf(rowOf(base, tests.count, i)));
  const counts = mutants.map((): MutantOutcome => ({ f2p: 0, p2f: 0, changed: 0 }));
  const elements: Outcomes = new Map();
  const flips = mutants.map(({ unit, channel }, i) => {
    const element = elementOf(elements, unit, channel);
    element.mutants.push(counts[i]);
    return element.flipped;
  });
  await rewrites.run(mutants, (mutant, test, output) => {
    if (answerOf(output) === answers[test]) return;
    const isFailing = test >= passing.count;
    if (isFailing) counts[mutant].changed++;
    // A failing test is flipped where it passes now, a passing one where it does not.
    if (task.passes(output, tests, test) !== isFailing) return;
    counts[mutant][isFailing ? "f2p" : "p2f"]++;
    flips[mutant].add(test);
  });
  for (const channels of elements.values()) {
    for (const element of channels.values() as Iterable<OpenElement>) {
      for (const test of element.flipped) element[test < passing.count ? "broken" : "fixed"]++;
    }
  }
  return elements;
}

interface OpenElement extends ElementOutcome {
  mutants: MutantOutcome[];
  /** Tests that some mutant of the element flipped. */
  flipped: Set<number>;
}

function elementOf(elements: Outcomes, unit: string, channel: number): OpenElement {
  let channels = elements.get(unit);
  if (!channels) {
    channels = new Map();
    elements.set(unit, channels);
  }
  let element = channels.get(channel) as OpenElement | undefined;
  if (!element) {
    element = { mutants: [], fixed: 0, broken: 0, flipped: new Set() };
    channels.set(channel, element);
  }
  return element;
}
