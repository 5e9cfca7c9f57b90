import { expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { decodeTrigger, encodeTrigger } from "../../src/images/trigger/codec.ts";
import { stampSet } from "../../src/images/trigger/stamp.ts";
import { sig } from "../../src/tasks/classification/attacks/sig.ts";
import { trigger as codec } from "../../src/tasks/classification/trigger.ts";

const make = (options: Record<string, unknown>, width = 32) =>
  sig.makeTrigger({ height: 8, width, random: new Random(1), options });

it("SIG adds a sine of columns to every row and channel, in whole grey levels", async () => {
  const { signal } = await make({ amplitude: 30, frequency: 6 });
  const row = [...signal.subarray(0, 32)];
  for (let from = 0; from < signal.length; from += 32) expect([...signal.subarray(from, from + 32)]).toEqual(row);
  for (const [j, s] of row.entries()) {
    expect(Number.isInteger(s)).toBe(true);
    expect(Math.abs(s - 30 * Math.sin((12 * Math.PI * (j + 1)) / 32))).toBeLessThan(0.51);
  }
  // Six waves go through 0 every 2⅔ columns: twelve changes of sign.
  const signs = row.filter((s) => s !== 0).map(Math.sign);
  expect(signs.filter((s, j) => s !== signs[(j + 1) % signs.length])).toHaveLength(12);
});

it("a sine of exactly a half is rounded away from 0, on any machine", async () => {
  // sin 30° and sin 330°: 15 times them is 7.5 but for the last bit.
  const { signal } = await make({ amplitude: 15, frequency: 1 }, 12);
  expect([signal[0], signal[10]]).toEqual([8, -8]);
});

it("stamping cuts off at black and white, and leaves labels and the set alone", async () => {
  const trigger = await make({ amplitude: 30, frequency: 6 });
  const pixels = Uint8Array.from({ length: 2 * 3 * 8 * 32 }, (_, k) => [0, 100, 255][k % 3]);
  const set = { count: 2, height: 8, width: 32, pixels, labels: Uint8Array.of(1, 2) };
  const stamped = stampSet(trigger, set);
  expect([...stamped.pixels]).toEqual(
    Array.from(pixels, (x, k) => Math.min(255, Math.max(0, x + trigger.signal[k % trigger.signal.length]))),
  );
  expect(stamped.labels).toBe(set.labels);
  expect(pixels[1]).toBe(100);
});

it("a signal is stored as it is, and one that no picture could take is a fault", async () => {
  const trigger = await make({ amplitude: 30, frequency: 6 });
  expect(decodeTrigger(encodeTrigger(trigger), "t")).toEqual(trigger);
  const input = { channels: 3, height: 8, width: 32 };
  expect(codec.faults(trigger, { input })).toEqual([]);
  const loud = { ...trigger, signal: trigger.signal.map((s) => 20 * s) };
  expect(codec.faults(loud, { input })).toEqual(["the trigger's signal is outside -255 to 255"]);
  const none = { ...trigger, signal: trigger.signal.map(() => Number.NaN) };
  expect(codec.faults(none, { input })).toHaveLength(1);
});

it.each([
  { amplitude: 0, frequency: 6 },
  { amplitude: 300, frequency: 6 },
  { amplitude: 20 },
  { amplitude: 20, frequency: 6, f: 1 },
])("SIG refuses %o", (options) => {
  expect(sig.options.safeParse(options).success).toBe(false);
});
