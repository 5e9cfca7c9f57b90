import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { DEFAULT_DEVICE, DEVICES, type Device } from "../../core/device.ts";
import { InputError } from "../../core/errors.ts";
import { computeOn, processDevice } from "../../engine/device.ts";
import type { DeviceAnswer } from "./device-process.ts";

/** A device, and why it does not open; null where it does. */
export interface DeviceState {
  device: Device;
  fault: string | null;
}

/**
 * Makes a device the one of this process, after another process has tried it: a missing driver writes lines of its own,
 * and a broken one may end whoever loads it.
 *
 * @param computed where: other machines (a cluster's) try the device themselves, and this one need not have it
 * @throws InputError where it does not open
 */
export async function useDevice(device: Device, computed: "here" | "elsewhere" = "here"): Promise<void> {
  const isTried = device !== DEFAULT_DEVICE && computed === "here";
  const fault = isTried ? await deviceFault(device) : null;
  if (fault !== null) {
    throw new InputError(`--device ${device}: ${fault}; compute with --device cpu, or see docs/gpu.md`);
  }
  computeOn(device);
}

/** Every device that could be named, each tried in a process of its own. */
export async function deviceStates(): Promise<DeviceState[]> {
  return Promise.all(DEVICES.map(async (device) => ({ device, fault: await deviceFault(device) })));
}

/** What a record says of the device: nothing where it is the processor, as in records that were written before. */
export function deviceStamp(): { device?: Device } {
  const device = processDevice();
  return device === DEFAULT_DEVICE ? {} : { device };
}

/** The reason why a device does not open, in one line; null where it does. */
function deviceFault(device: Device): Promise<string | null> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const path = fileURLToPath(new URL(`./device-process.${extension}`, import.meta.url));
  return new Promise((resolve, reject) => {
    const child = fork(path, [device], { stdio: ["ignore", "ignore", "pipe", "ipc"] });
    let said = "";
    let answer: DeviceAnswer | undefined;
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    child.on("message", (message: DeviceAnswer) => {
      answer = message;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (answer?.fault === null) return resolve(null);
      const fault = answer?.fault ?? `the driver ended the process that tried it (${signal ?? `status ${code}`})`;
      resolve(joined(shortReason(fault), hintOf(said)));
    });
  });
}

/** The runtime's message without the place in its source that it begins with. */
export function shortReason(message: string): string {
  return oneLine(message).replace(/^\S*onnxruntime\S* .* was false\. /, "");
}

/** The first warning that a driver wrote, which tells what is missing. */
function hintOf(said: string): string | null {
  const warning = /^Warning: (.+)$/m.exec(said);
  return warning ? oneLine(warning[1]) : null;
}

function joined(reason: string, hint: string | null): string {
  return hint === null ? reason : `${reason} (${hint})`;
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*[\r\n]+\s*/g, " ");
}
