import { InputError } from "../../core/errors.ts";
import type { StateDict } from "../../tensor/state.ts";

/** The square of what is larger is no 32-bit float, so no convolution or norm of it is a number. */
const LARGEST = 1e18;
const VARIANCE = /(^|\.)running_var$/;

/**
 * Holds a network's weights against what a network can compute with: finite numbers of finite squares, and variances that
 * batch norm can take the root of.
 *
 * @param nameOf the file's name of a tensor
 * @throws InputError that names the first tensor and index that cannot be
 */
export function assertPossible(file: string, state: StateDict, nameOf: (name: string) => string): void {
  for (const [name, { data }] of state) {
    const isVariance = VARIANCE.test(name);
    for (let i = 0; i < data.length; i++) {
      const value = data[i];
      if (Math.abs(value) <= LARGEST && !(isVariance && value < 0)) continue;
      const why =
        isVariance && value < 0 ? `no variance is negative; ${MEND}` : `no layer can compute with it; ${MEND}`;
      throw new InputError(`${file}: '${nameOf(name)}' holds ${Number(value.toPrecision(3))} at index ${i}: ${why}`);
    }
  }
}

const MEND = "save weights from before training diverged";

/** A line on norms whose input is constant in some channels, where the smallest number there is decides their scale. */
export function constantChannels(file: string, state: StateDict, nameOf: (name: string) => string): string[] {
  let channels = 0;
  const norms: string[] = [];
  for (const [name, { data }] of state) {
    if (!VARIANCE.test(name)) continue;
    const zeros = data.reduce((count, value) => count + (value === 0 ? 1 : 0), 0);
    if (zeros > 0) norms.push(nameOf(name));
    channels += zeros;
  }
  if (channels === 0) return [];
  const more = norms.length > 1 ? ` and ${norms.length - 1} more` : "";
  return [
    `${file}: ${channels} ${channels === 1 ? "channel has" : "channels have"} a variance of 0 ('${norms[0]}'${more}): criteria that read weights may overrate them`,
  ];
}
