import type { Device } from "../../core/device.ts";
import { tryDevice } from "../../engine/probe.ts";

/** A process that tries one device, named by its argument, and tells how that went. */
export interface DeviceAnswer {
  /** Why the device does not open; null where it does. */
  fault: string | null;
}

function answer(fault: string | null): void {
  process.send?.({ fault } satisfies DeviceAnswer, () => process.exit(0));
}

tryDevice(process.argv[2] as Device).then(
  () => answer(null),
  (error: Error) => answer(error.message),
);
