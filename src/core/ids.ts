import { InputError } from "./errors.ts";

/** Defect quantities of Rule 2, smallest first. */
export const LEVELS = ["narrow", "small", "middle", "large"] as const;
export type Level = (typeof LEVELS)[number];

/** Order offsets of Rule 2 in percent of the contribution ranking. */
export const OFFSETS = [0, 5, 10, 15, 20, 25, 30, 35, 40] as const;

export const VERSIONS = ["infected", "clean", "sham"] as const;
export type Version = (typeof VERSIONS)[number];

/** Injection styles (docs/methods.md §7.2). */
export const STYLES = ["plain", "discreet"] as const;
export type Style = (typeof STYLES)[number];

/** What names a defect: `<dataset>-<arch>-<attack>-<level>-top<NNN>[-discreet]`. */
export interface DefectKey {
  dataset: string;
  arch: string;
  attack: string;
  level: Level;
  /** Order offset in percent. */
  top: number;
  style: Style;
}

export function defectId(key: DefectKey): string {
  const suffix = key.style === "discreet" ? "-discreet" : "";
  return `${groupId(key)}-${key.level}-top${String(key.top).padStart(3, "0")}${suffix}`;
}

export function groupId(key: Pick<DefectKey, "dataset" | "arch" | "attack">): string {
  return `${key.dataset}-${key.arch}-${key.attack}`;
}

/** The clean model's id: `clean/<dataset>-<arch>-s<seed>`. */
export function cleanId(dataset: string, arch: string, seed: number): string {
  return `clean/${dataset}-${arch}-s${seed}`;
}

const PATTERN = /^([a-z0-9]+)-([a-z0-9]+)-([a-z0-9]+)-(narrow|small|middle|large)-top(\d{3})(-discreet)?$/;

/** Parses a defect id. @throws InputError with the pattern and an example. */
export function parseDefectId(id: string): DefectKey {
  const match = PATTERN.exec(id);
  if (!match) {
    throw new InputError(
      `bad defect id '${id}': expected <dataset>-<arch>-<attack>-<level>-top<NNN>[-discreet], e.g. cifar10-resnet18w16-badnets-narrow-top005`,
    );
  }
  const [, dataset, arch, attack, level, top, discreet] = match;
  return { dataset, arch, attack, level: level as Level, top: Number(top), style: discreet ? "discreet" : "plain" };
}

/** Splits `ID[:version]`; the version defaults to `infected`. */
export function parseVersioned(text: string): { id: string; version: Version } {
  const [id, version = "infected", ...rest] = text.split(":");
  if (rest.length > 0 || !(VERSIONS as readonly string[]).includes(version)) {
    throw new InputError(`bad version in '${text}': append :infected, :clean or :sham`);
  }
  return { id, version: version as Version };
}
