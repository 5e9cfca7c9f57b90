import { InputError } from "../../core/errors.ts";
import { parseDefectId } from "../../core/ids.ts";
import { visible } from "../../core/visible.ts";
import {
  type BoardCell,
  type BoardEntry,
  type BoardResult,
  type BoardSide,
  SITE_BOARD_FORMAT,
  type SiteBoard,
  type SiteBoardEntry,
  type SiteResult,
  type SiteSide,
} from "../../records/board.ts";
import { taskOfDataset } from "../../tasks/registry.ts";
import { listEntries, readEntry, storedName } from "./entry.ts";

/**
 * A board as a site carries it: what the page shows of every entry, with every cell. Free text is made visible; the page
 * escapes markup.
 *
 * @param shown ids of the defects that the site shows
 * @throws InputError where a file is no entry
 */
export function siteBoardOf(board: string, shown: ReadonlySet<string>): SiteBoard {
  const benchmarks: SiteBoard["benchmarks"] = [];
  const entries = listEntries(board).map((path) => {
    const { entry, faults } = readEntry(path);
    if (!entry || faults.length > 0)
      throw new InputError(`${path}: ${faults[0]}; 'bdefects board check' lists every fault`);
    for (const { benchmark, benchmark_sha256, cells } of entry.results) {
      if (benchmarks.some(({ name }) => name === benchmark)) continue;
      const defects = cells.map((cell) => defectOf(cell, path, shown));
      benchmarks.push({ name: benchmark, sha256: benchmark_sha256, defects });
    }
    return entry;
  });
  benchmarks.sort((a, b) => Number(b.name === "sample") - Number(a.name === "sample") || (a.name < b.name ? -1 : 1));
  return {
    kind: "site-board",
    format: SITE_BOARD_FORMAT,
    benchmarks,
    entries: entries.map((entry) => entryOf(entry, benchmarks)),
  };
}

type ShownDefect = SiteBoard["benchmarks"][number]["defects"][number];

/** @throws InputError where the id is none, or of an unknown data set */
function defectOf({ id, clean }: BoardCell, path: string, shown: ReadonlySet<string>): ShownDefect {
  try {
    const task = taskOfDataset(parseDefectId(id).dataset).name;
    return { id: visible(id), clean: visible(clean), task, shown: shown.has(id) };
  } catch (error) {
    throw error instanceof InputError ? new InputError(`${path}: ${error.message}`, { cause: error }) : error;
  }
}

function entryOf(entry: BoardEntry, benchmarks: SiteBoard["benchmarks"]): SiteBoardEntry {
  const { name, kind, access, budget, links, hashes, results } = entry;
  const seen = (text: string | undefined) => (text === undefined ? null : visible(text));
  return {
    ...{ name, title: visible(entry.title), kind, access, budget, stored: storedName(entry) },
    ...{ command: seen(entry.command), image: seen(entry.image), author: visible(entry.author), links },
    hashes: Object.entries(hashes).map(([file, sha256]) => [visible(file), sha256]),
    results: results.map((result) => resultOf(result, benchmarks)),
  };
}

function resultOf(result: BoardResult, benchmarks: SiteBoard["benchmarks"]): SiteResult {
  const { benchmark, program, settings, seconds, reused, notes, figures, cells } = result;
  const { defects } = benchmarks.find(({ name }) => name === benchmark)!;
  const byId = new Map(cells.map((cell) => [cell.id, cell]));
  const sides = (version: "infected" | "sham") =>
    defects.map(({ id }) => {
      const cell = byId.get(id);
      return cell ? sideOf(cell[version]) : null;
    });
  const failed = cells.flatMap(({ id, infected, sham }) => [
    ...(infected.failed === undefined ? [] : [[`${id}:infected`, visible(infected.failed)]]),
    ...(sham.failed === undefined ? [] : [[`${id}:sham`, visible(sham.failed)]]),
  ]);
  return {
    ...{ benchmark, program: visible(program), settings, seconds, reused, notes: notes.map(visible), figures },
    ...{ infected: sides("infected"), sham: sides("sham"), failed: Object.fromEntries(failed) },
  };
}

const sideOf = ({ wji, auroc, named, seconds }: BoardSide): SiteSide => [wji, auroc, named, seconds];
