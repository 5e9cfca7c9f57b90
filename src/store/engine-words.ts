import type { CleanRecord } from "./schema.ts";

/** What computed a record, in one line: package, runtime, lowering and its revision, platform, device. */
export function engineWords({ package_version, ...engine }: CleanRecord["engine"]): string {
  return `bdefects4nn ${package_version}, ${engineKind(engine)}`;
}

/** The same without the package's version, which is no part of what computes. */
export function engineKind(engine: Omit<CleanRecord["engine"], "package_version">): string {
  const { runtime, lowering, revision, platform, device } = engine;
  const kind = revision === undefined ? lowering : `${lowering} ${revision}`;
  return `${runtime}, ${kind}, ${platform}${device === undefined ? "" : `, on ${device}`}`;
}
