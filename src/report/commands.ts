import { DEFAULT_BUDGET } from "../core/budget.ts";
import { distinct, groupBy } from "../core/group.ts";
import { PLUGIN_PREFIX } from "../records/plugin-name.ts";
import type { JudgedCell, ReportData } from "./collect.ts";

/**
 * The commands that make the stored results again: criteria that judged the same models share one, with the budget and
 * seed that they had. Exactly these cells are judged, no other.
 */
export function judgingCommands({ cells, accepted }: Pick<ReportData, "cells" | "accepted">): string[] {
  const localized = commandsOf(
    cells.filter(({ step }) => step === "localize"),
    accepted,
    (names) => `--criterion ${names.join(",")}`,
  );
  const repairs = cells.filter(({ step }) => step === "repair");
  const repaired = [...groupBy(repairs, ({ name }) => name)].flatMap(([method, ofMethod]) =>
    commandsOf(
      ofMethod.map((cell) => ({ ...cell, name: cell.using! })),
      accepted,
      (names) => `--method ${quoted(method)} --using ${names.join(",")}`,
    ),
  );
  return [...localized, ...repaired];
}

function commandsOf(
  cells: readonly JudgedCell[],
  accepted: ReportData["accepted"],
  options: (names: string[]) => string,
): string[] {
  const runs = [...groupBy(cells, ({ name, budget, seed }) => `${name} ${budget} ${seed}`).values()].map((inside) => ({
    ...inside[0],
    selection: selectionOf(inside, accepted),
  }));
  return [...groupBy(runs, ({ selection, budget, seed }) => `${budget} ${seed} ${selection}`).values()].flatMap(
    (same) => {
      const [{ step, selection, budget, seed }] = same;
      const [plugins, own] = [true, false].map((wanted) =>
        same
          .map(({ name }) => name)
          .filter((name) => (name.startsWith(PLUGIN_PREFIX) && step === "localize") === wanted),
      );
      const spent = budget === DEFAULT_BUDGET ? "" : ` --budget ${budget}`;
      const line = (what: string) => `bdefects ${step}${selection} --db DIR --seed ${seed}${spent} ${what}`;
      return [
        ...(own.length > 0 ? [line(options(own.sort()))] : []),
        ...plugins.sort().map((name) => line(`--criterion ${quoted(name)}`)),
      ];
    },
  );
}

/** A plug-in's own command is not stored, so it is left open. */
function quoted(name: string): string {
  return name.startsWith(PLUGIN_PREFIX) ? `"${name.slice(PLUGIN_PREFIX.length)}=cmd:…"` : name;
}

/** Names of groups where all accepted defects of one are meant, else ids, with their versions; nothing where nothing need be said. */
function selectionOf(cells: readonly JudgedCell[], accepted: ReportData["accepted"]): string {
  const versions = distinct(cells.map(({ version }) => version)).sort();
  const [{ step }] = cells;
  const usual = step === "repair" ? ["infected"] : ["infected", "sham"];
  const isUsual = versions.length === usual.length && versions.every((version, i) => version === usual[i]);
  const byVersion = versions.map((version) => {
    const ids = new Set(cells.filter((cell) => cell.version === version).map(({ id }) => id));
    return { version, ids };
  });
  const [first] = byVersion;
  const alike = byVersion.every(({ ids }) => ids.size === first.ids.size && [...ids].every((id) => first.ids.has(id)));
  if (isUsual && alike) return first.ids.size === accepted.length ? "" : ` ${namesOf(first.ids, accepted).join(" ")}`;
  return byVersion.flatMap(({ version, ids }) => namesOf(ids, accepted).map((name) => ` ${name}:${version}`)).join("");
}

function namesOf(ids: ReadonlySet<string>, accepted: ReportData["accepted"]): string[] {
  return [...groupBy(accepted, ({ group_id }) => group_id)].flatMap(([group, inside]) => {
    const meant = inside.filter(({ id }) => ids.has(id)).map(({ id }) => id);
    return meant.length > 1 && meant.length === inside.length ? [group] : meant;
  });
}

const SLICE = ["level", "top", "attack", "style", "arch", "dataset"] as const;
const OPTIONS = {
  dataset: "dataset",
  arch: "arch",
  attack: "attack",
  style: "style",
  level: "level",
  top: "offset",
} as const;
type Slice = Record<(typeof SLICE)[number], string[]>;

/** The commands that build exactly these candidates: slices of the edition, as few as merging one field after the other gives. */
export function buildCommands({ candidates, manifest }: Pick<ReportData, "candidates" | "manifest">): string[] {
  let slices = candidates.map(
    (record) => Object.fromEntries(SLICE.map((field) => [field, [String(record[field])]])) as Slice,
  );
  for (const field of SLICE) {
    const rest = SLICE.filter((other) => other !== field);
    const same = groupBy(slices, (slice) => rest.map((other) => slice[other].join(",")).join(" "));
    slices = [...same.values()].map((group) => ({ ...group[0], [field]: group.flatMap((slice) => slice[field]) }));
  }
  const { edition, seed } = manifest;
  return slices.map((slice) => {
    const options = Object.entries(OPTIONS).map(
      ([field, option]) => `--${option} ${slice[field as keyof Slice].join(",")}`,
    );
    return `bdefects build --db DIR --edition ${edition} --seed ${seed} ${options.join(" ")}`;
  });
}
