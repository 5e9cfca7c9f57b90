import { DEFAULT_DEVICE, type Device } from "../core/device.ts";

/**
 * A process computes on one device, chosen once before its first session. It is no option of every function that opens
 * a session: a criterion cannot choose, and a call that forgot it would mix two devices in one result without a word.
 */
let chosen: Device = DEFAULT_DEVICE;

/** Makes a device the one of this process: sessions opened from now on run there. */
export function computeOn(device: Device): void {
  chosen = device;
}

/** The device of this process. */
export function processDevice(): Device {
  return chosen;
}
