import { LOWERING_REVISION, LOWERINGS } from "../../../graph/lowering/lowering.ts";
import type { CleanRecord } from "../../../records/clean.ts";

/** What computed a record. @returns one line where that is not told, or is nothing that can */
export function engineFaults({
  package_version,
  runtime,
  lowering,
  revision,
  platform,
  device,
}: CleanRecord["engine"]): string[] {
  if (!/^\d+\.\d+\.\d+/.test(package_version)) return ["'engine.package_version' is no version"];
  const blank = Object.entries({ runtime, lowering, platform }).find(([, text]) => text.trim() === "");
  if (blank) return [`'engine.${blank[0]}' is empty`];
  if (!(LOWERINGS as readonly string[]).includes(lowering)) {
    return [`'engine.lowering' is '${lowering}', which is none of ${LOWERINGS.join(", ")}`];
  }
  if (revision !== undefined && revision > LOWERING_REVISION) {
    return [`'engine.revision' is ${revision}: this version knows ${LOWERING_REVISION} at most`];
  }
  const isWebGpu = (name: string | undefined) => name === "webgpu";
  return isWebGpu(lowering) === isWebGpu(device) ? [] : ["'engine.lowering' is none of its 'engine.device'"];
}
