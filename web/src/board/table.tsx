import { focusCells } from "./cells.tsx";
import { Interval } from "./interval.tsx";
import { type Group, isAscending, placeText, type Row, share, signed } from "./rows.ts";
import { type BoardView, type Sort, writeBoardView } from "./view.ts";

interface Props {
  group: Group;
  view: BoardView;
  change(changed: Partial<BoardView>): void;
}

const SEES: Record<string, string> = {
  clean: "Methods that see clean images alone",
  failing: "Methods that also see triggered images",
  oracle: "Methods that also know the target",
};

const COLUMNS: [title: string, sort: Sort | null, className?: string][] = [
  ["Place", null],
  ["Method", "name"],
  ["Infected − sham", "difference"],
  ["95 % interval", null, "wide"],
  ["Infected", "infected"],
  ["Sham", "sham"],
  ["Gated", "gated"],
  ["Defects", null, "wide"],
  ["Seconds", "seconds", "wide"],
];

/** Entries that compete with each other, as a table whose columns sort. */
export function Table({ group, view, change }: Props) {
  const title = SEES[group.access] ?? group.access;
  const sortBy = (sort: Sort) => change({ sort, reverse: view.sort === sort && !view.reverse });
  return (
    <section aria-label={title} class="card">
      <h2>
        {title} <span class="quiet">budget {group.budget}</span>
      </h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
      <section class="scroll" aria-label={`${title}: table`} tabIndex={0}>
        <table class="board">
          <thead>
            <tr>
              {COLUMNS.map(([name, sort, className]) => (
                <th
                  key={name}
                  scope="col"
                  class={className}
                  aria-sort={view.sort !== sort ? undefined : isAscending(view) ? "ascending" : "descending"}
                >
                  {sort === null ? (
                    name
                  ) : (
                    <button type="button" class="sort" onClick={() => sortBy(sort)}>
                      {name}
                      <span aria-hidden="true">{view.sort === sort ? (isAscending(view) ? " ▴" : " ▾") : ""}</span>
                    </button>
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {group.rows.map((row) => (
              <Line key={row.entry.name} {...{ row, view }} />
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

function Line({ row, view }: { row: Row; view: BoardView }) {
  const { entry, figure, place, seconds } = row;
  const { infected, sham, difference, gated, defects, missing, models } = figure;
  const href = writeBoardView({ ...view, cells: entry.name });
  // A link to what is shown already changes nothing, and would lead nowhere.
  const onClick = view.cells === entry.name ? focusCells : undefined;
  const link = (text: string, what: string) => (
    <a href={href} onClick={onClick} aria-label={`${entry.name}, ${what} ${text}: the cells behind it`}>
      {text}
    </a>
  );
  const range = difference?.low == null ? "" : ` [${signed(difference.low)}, ${signed(difference.high)}]`;
  return (
    <tr class={view.cells === entry.name ? "chosen" : undefined} data-entry={entry.name}>
      <td class="place">{placeText(place)}</td>
      <th scope="row">
        <a href={href} onClick={onClick}>
          {entry.name}
        </a>{" "}
        <span class={`kind ${entry.kind}`}>{entry.kind}</span>
        <span class="quiet title">{entry.title}</span>
      </th>
      <td class="number">{link(`${signed(difference?.value ?? null)}${range}`, "infected − sham")}</td>
      <td class="wide">
        <Interval estimate={difference} />
      </td>
      <td class="number">{link(share(infected), "infected")}</td>
      <td class="number">{link(share(sham), "sham")}</td>
      <td class="number">{link(signed(gated.difference?.value ?? null), "gated")}</td>
      <td class="wide number">
        {defects} on {models} {models === 1 ? "network" : "networks"}
        {missing > 0 && `, ${missing} failed`}
      </td>
      <td class="wide number">{seconds === null ? "–" : seconds < 10 ? seconds.toFixed(2) : seconds.toFixed(0)}</td>
    </tr>
  );
}
