import { z } from "zod";
import { DEVICES } from "../core/device.ts";

/** What computed a record. */
export const engineStamp = z.strictObject({
  package_version: z.string(),
  runtime: z.string(),
  lowering: z.string(),
  /** Of the lowering; absent: 1. */
  revision: z.number().int().min(2).optional(),
  platform: z.string(),
  /** Absent: the processor. */
  device: z.enum(DEVICES).optional(),
});
export type EngineStamp = z.infer<typeof engineStamp>;

/** What computed a record, in one line: package, runtime, lowering and its revision, platform, device. */
export function engineWords({ package_version, ...engine }: EngineStamp): string {
  return `bdefects4nn ${package_version}, ${engineKind(engine)}`;
}

/** The same without the package's version, which is no part of what computes. */
export function engineKind(engine: Omit<EngineStamp, "package_version">): string {
  const { runtime, lowering, revision, platform, device } = engine;
  const kind = revision === undefined ? lowering : `${lowering} ${revision}`;
  return `${runtime}, ${kind}, ${platform}${device === undefined ? "" : `, on ${device}`}`;
}
