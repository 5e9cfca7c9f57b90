import type { CleanRecord } from "../schema.ts";

/** What computed a record. @returns one line where that is not told */
export function engineFaults({ package_version, runtime, lowering, platform }: CleanRecord["engine"]): string[] {
  if (!/^\d+\.\d+\.\d+/.test(package_version)) return ["'engine.package_version' is no version"];
  const blank = Object.entries({ runtime, lowering, platform }).find(([, text]) => text.trim() === "");
  return blank ? [`'engine.${blank[0]}' is empty`] : [];
}
