import { useEffect } from "preact/hooks";
import { type Benchmark, cellsOf, chosenCells, type Row, type ShownCell, share, signed } from "./rows.ts";
import type { BoardView } from "./view.ts";

interface Props {
  row: Row;
  benchmark: Benchmark;
  view: BoardView;
  onClose(): void;
}

const TITLE = "cells-title";

/** Leads to the cells that are shown. */
export function focusCells(): void {
  const heading = document.getElementById(TITLE);
  heading?.focus();
  heading?.scrollIntoView();
}

/** The cells behind an entry's numbers, and what the entry is. */
export function Cells({ row, benchmark, view, onClose }: Props) {
  const { entry, result } = row;
  useEffect(focusCells, [entry.name]);
  const cells = chosenCells(cellsOf(benchmark, result), benchmark, view);
  const { seed, budget, revision, fingerprint } = result.settings;
  const facts: [string, preact.ComponentChildren][] = [
    ["By", entry.author],
    ["Sees", entry.access === "clean" ? "the network and clean images" : "triggered images too"],
    ...(entry.command === null
      ? []
      : [["Command", <code>{entry.command}</code>] as [string, preact.ComponentChildren]]),
    ...(entry.image === null ? [] : [["Image", <code>{entry.image}</code>] as [string, preact.ComponentChildren]]),
    ...(entry.links.length === 0
      ? []
      : [["Links", <Links links={entry.links} />] as [string, preact.ComponentChildren]]),
    ...entry.hashes.map(([name, sha256]): [string, preact.ComponentChildren] => [
      "SHA-256",
      <>
        <code>{name}</code> <code>{sha256}</code>
      </>,
    ]),
    [
      "Judged by",
      `bdefects ${result.program}, seed ${seed}, budget ${budget}${revision === undefined ? "" : `, revision ${revision}`}${fingerprint === undefined ? "" : `, program ${fingerprint.slice(0, 12)}…`}`,
    ],
    ["Took", `${result.seconds.toFixed(0)} s of one thread${reusedText(result.reused)}`],
    ["Benchmark", `${benchmark.name}, ${benchmark.sha256.slice(0, 12)}…`],
    ...result.notes.map((note): [string, string] => ["Note", note]),
  ];
  return (
    <section aria-labelledby={TITLE} class="card">
      <div class="row spread">
        <h2 id={TITLE} tabIndex={-1}>
          {entry.name}: {entry.title}
        </h2>
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
      <dl class="reading">
        {facts.map(([name, value], at) => [<dt key={`t${at}`}>{name}</dt>, <dd key={`d${at}`}>{value}</dd>])}
      </dl>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
      <section class="scroll" aria-label="Cells" tabIndex={0}>
        <table class="board cell-table">
          <caption>
            {cells.length} defects. WJI of the top-k set against the effective neurons; neurons that the method names
          </caption>
          <thead>
            <tr>
              {["Defect", "Infected", "Sham", "Difference", "Named, infected", "Named, sham", "Seconds, infected"].map(
                (name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ),
              )}
            </tr>
          </thead>
          <tbody>
            {cells.map((cell) => (
              <Cell key={cell.id} cell={cell} criterion={entry.stored} />
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

function reusedText(reused: number): string {
  return reused === 0
    ? ""
    : `; ${reused} cells were taken from results that had been computed before, under the same settings`;
}

/** Addresses of elsewhere. What does not begin so is shown, and leads nowhere. */
function Links({ links }: { links: readonly string[] }) {
  return (
    <>
      {links.map((link) =>
        link.startsWith("https://") ? (
          <a key={link} href={link} rel="noopener noreferrer nofollow" class="elsewhere">
            {link}
          </a>
        ) : (
          <span key={link}>{link}</span>
        ),
      )}
    </>
  );
}

function Cell({ cell, criterion }: { cell: ShownCell; criterion: string }) {
  const { id, infected, sham, sides } = cell;
  const difference = infected.wji === null || sham.wji === null ? null : infected.wji - sham.wji;
  const failure = infected.failed ?? sham.failed;
  const href = `./index.html#${new URLSearchParams({ defect: id, criterion }).toString()}`;
  const seconds = sides.infected?.[3] ?? null;
  return (
    <tr>
      <th scope="row">
        {cell.shown ? <a href={href}>{id}</a> : id}
        {failure !== undefined && <span class="quiet title">failed: {failure}</span>}
      </th>
      <td class="number">{share(infected.wji)}</td>
      <td class="number">{share(sham.wji)}</td>
      <td class="number">{signed(difference)}</td>
      <td class="number">{infected.named ?? "–"}</td>
      <td class="number">{sham.named ?? "–"}</td>
      <td class="number">{seconds === null ? "–" : seconds.toFixed(2)}</td>
    </tr>
  );
}
