import { InputError } from "../../core/errors.ts";
import type { DefectRecord } from "../../records/defect.ts";
import { isForeignName } from "../../records/foreign.ts";
import { JUDGED_VERSIONS, type JudgedVersion } from "../../records/prediction.ts";
import { noSuchName } from "../../store/catalog/selection.ts";

/** What a selection looks at: one line per candidate of the catalog. */
export interface CatalogLine {
  id: string;
  group_id: string;
  status: string;
  reason: string | null;
}

/** The part of the catalog that selections need. */
export interface Listing {
  /** All candidates that fulfil a condition in SQL (all without one), in the catalog's order. */
  list(where?: string): Promise<CatalogLine[]>;
}

/** Ids and group names, each with an optional `:version`, or a condition in SQL; neither = every accepted defect. */
export interface Selection {
  names: string[];
  where?: string;
}

/** One version of one defect. */
export interface JudgedItem {
  id: string;
  version: JudgedVersion;
}

function splitVersion(text: string): { name: string; version: JudgedVersion | null } {
  const [name, version, ...rest] = text.split(":");
  if (version === undefined) return { name, version: null };
  if (rest.length > 0 || !(JUDGED_VERSIONS as readonly string[]).includes(version)) {
    throw new InputError(`bad version in '${text}': append ${JUDGED_VERSIONS.map((v) => `:${v}`).join(", ")}`);
  }
  return { name, version: version as JudgedVersion };
}

/**
 * Resolves a selection to accepted defects, each once per version, in the order given.
 *
 * @param versions those of names without a suffix, for all defects alike or by id.
 * @param options `foreign`: whether foreign models are judged, where a name picks them
 * @throws InputError on an unknown name, on an id that was not accepted, and where nothing is left.
 */
export async function selectItems(
  listing: Listing,
  { names, where }: Selection,
  versions: readonly JudgedVersion[] | ((id: string) => readonly JudgedVersion[]),
  { foreign = false }: { foreign?: boolean } = {},
): Promise<JudgedItem[]> {
  const items = new Map<string, JudgedItem>();
  const usual = typeof versions === "function" ? versions : () => versions;
  const add = (line: CatalogLine, version: JudgedVersion | null) => {
    for (const v of version === null ? usual(line.id) : [version]) {
      items.set(`${line.id}:${v}`, { id: line.id, version: v });
    }
  };
  if (names.length > 0 && where !== undefined) throw new InputError("give ids and groups, or --where, not both");
  const lines = await listing.list(where);
  if (names.length === 0) for (const line of lines) if (line.status === "accepted") add(line, null);
  for (const text of names) {
    const { name, version } = splitVersion(text);
    const group = lines.filter((line) => line.group_id === name);
    const exact = lines.find((line) => line.id === name);
    if (foreign && isForeignName(name) && (exact || group.length > 0)) {
      if (version !== null && version !== "infected") throw new InputError(`'${name}' has no ${version} version`);
      if (exact && exact.reason !== null) throw new InputError(`'${name}' ${exact.reason}: it is not judged`);
      for (const line of exact ? [exact] : group) if (line.reason === null) add(line, "infected");
    } else if (exact) add(accepted(exact), version);
    else if (group.length > 0) for (const line of group) line.status === "accepted" && add(line, version);
    else
      throw noSuchName(
        name,
        lines.flatMap(({ id, group_id }) => [group_id, id]),
      );
  }
  if (items.size === 0 && names.length > 0 && names.every(isForeignName))
    throw new InputError(`no foreign model in the selection is of an architecture of ours`);
  if (items.size === 0)
    throw new InputError(`no accepted defect ${where === undefined ? "in the selection" : `where ${where}`}`);
  return [...items.values()];
}

/**
 * What is judged unless told otherwise: the infected version and its control, the sham.
 *
 * @param told where a defect has no sham
 */
export function withSham(
  source: { readDefect(id: string): Pick<DefectRecord, "sham_model"> },
  told: (message: string) => void,
): (id: string) => readonly JudgedVersion[] {
  return (id) => {
    if (source.readDefect(id).sham_model) return ["infected", "sham"];
    told(`'${id}' has no sham: only its infected version is judged`);
    return ["infected"];
  };
}

function accepted(line: CatalogLine): CatalogLine {
  if (line.status === "accepted") return line;
  throw new InputError(
    `'${line.id}' is ${line.status}${line.reason ? ` (${line.reason})` : ""}: only accepted defects are judged`,
  );
}
