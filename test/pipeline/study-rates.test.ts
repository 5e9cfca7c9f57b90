import { expect, it } from "vitest";
import { CellRates } from "../../src/pipeline/study/rates.ts";

const narrow = { network: "signs narrow", size: 1 };
const wide = { network: "signs wide", size: 10 };

it("expects of a cell what finished ones of its kind and network took", () => {
  const rates = new CellRates();
  expect(rates.expect("fp", narrow)).toBeNull();
  rates.add("fp", narrow, 4);
  rates.add("fp", narrow, 6);
  rates.add("clp", narrow, 1);
  expect(rates.expect("fp", narrow)).toBe(5);
  // None of that network has finished: scaled by size.
  expect(rates.expect("fp", wide)).toBe(50);
  rates.add("fp", wide, 8);
  expect(rates.expect("fp", wide)).toBe(8);
  expect(rates.expect("fp", narrow)).toBe(5);
});

it("takes what was stopped in between for little more than the others, and counts what had nothing to do", () => {
  const rates = new CellRates();
  for (const seconds of [0, 10, 10, 10, 100_000]) rates.add("finetune", narrow, seconds);
  expect(rates.expect("finetune", narrow)).toBe((0 + 30 + 40) / 5);
  const mostlyIdle = new CellRates();
  for (const seconds of [0, 0, 0, 8]) mostlyIdle.add("finetune", narrow, seconds);
  expect(mostlyIdle.expect("finetune", narrow)).toBe(2);
});
