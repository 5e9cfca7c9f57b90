import { useEffect, useMemo, useState } from "preact/hooks";
import { parseDefectId } from "../../../src/core/ids.ts";
import type { SiteBoard } from "../../../src/records/board.ts";
import { DIVISIONS, type Division } from "../../../src/score/board.ts";
import { jsonOf } from "../fetched.ts";
import { Guarded } from "../guarded.tsx";
import { useLoaded } from "../hooks.ts";
import { Cells } from "./cells.tsx";
import { type Benchmark, chosenCells, groupsOf } from "./rows.ts";
import { Table } from "./table.tsx";
import { type BoardView, readBoardView, unreadableOfBoard, writeBoardView } from "./view.ts";

/** The layout of data that this page reads: `SITE_BOARD_FORMAT` of `src/records/board.ts`. */
const FORMAT = 1;

const loadBoard = () => jsonOf<SiteBoard>("board.json", "site-board", FORMAT);

/** The view that the address states; a change of it changes the address. Last, what the address says and cannot be read. */
function useBoardView(): [BoardView, (change: Partial<BoardView>) => void, readonly string[]] {
  const [view, setView] = useState(() => readBoardView(location.hash));
  const [unread, setUnread] = useState<readonly string[]>(() => unreadableOfBoard(location.hash));
  useEffect(() => {
    const follow = () => {
      setView(readBoardView(location.hash));
      setUnread(unreadableOfBoard(location.hash));
    };
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  const change = (changed: Partial<BoardView>) => {
    const next = { ...view, ...changed };
    history.replaceState(null, "", writeBoardView(next));
    setView(next);
    setUnread([]);
  };
  return [view, change, unread];
}

/** The leaderboard: who finds the neurons of a backdoor, and not merely that neurons were tuned. */
export function Board() {
  const board = useLoaded("board", loadBoard);
  return (
    <>
      <header>
        <nav class="quiet">
          <a href="./index.html">Explorer</a> · <strong>Leaderboard</strong>
        </nav>
        <h1>Who finds the backdoor?</h1>
        <p class="lead">
          Each method got a network and clean images, and named the neurons that it suspects. It was not told whether
          the network carries a backdoor or is a sham: the same neurons, tuned the same way, with no backdoor. The
          number that ranks is what a method finds on infected networks <strong>minus</strong> what it finds on their
          shams, since a method that only notices tuning finds as much on both.
        </p>
      </header>
      <main>
        {board.state === "failed" && (
          <p role="alert" class="card refusal">
            {board.reason}
          </p>
        )}
        {board.state === "loading" && (
          <p class="card quiet" role="status">
            Loading…
          </p>
        )}
        {board.state === "there" && (
          <Guarded name="data/board.json">
            <Shown board={board.value} />
          </Guarded>
        )}
      </main>
      <footer class="quiet">
        bdefects4nn: a database of backdoored networks whose infected neurons are known. Every figure follows from the
        cells that it links to; <code>bdefects board check</code> computes all of them anew.
      </footer>
    </>
  );
}

function Shown({ board }: { board: SiteBoard }) {
  const [view, change, unread] = useBoardView();
  const benchmark = board.benchmarks.find(({ name }) => name === view.benchmark) ?? board.benchmarks[0];
  const groups = useMemo(() => (benchmark ? groupsOf(board, benchmark, view) : []), [board, benchmark, view]);
  if (!benchmark) return <p class="card">No method was judged yet.</p>;
  // Figures of another benchmark than a link names would pass for those that it means.
  const absent = [
    ...unread,
    ...(view.benchmark === null || view.benchmark === benchmark.name ? [] : [`benchmark ${view.benchmark}`]),
    ...(view.cells === null || board.entries.some(({ name }) => name === view.cells) ? [] : [`cells ${view.cells}`]),
  ];
  const isEmpty = chosenCells(benchmark.defects, benchmark, view).length === 0;
  const row = isEmpty ? undefined : groups.flatMap(({ rows }) => rows).find(({ entry }) => entry.name === view.cells);
  const close = () => {
    change({ cells: null });
    // The button goes away, and would take the focus with it.
    document.querySelector<HTMLElement>(`[data-entry="${CSS.escape(view.cells!)}"] a`)?.focus();
  };
  return (
    <>
      <p role="status" class="card refusal">
        {absent.length > 0 && `The link names what is not here, and is shown without it: ${absent.join("; ")}.`}
      </p>
      <Filters {...{ board, benchmark, view, change }} />
      {isEmpty ? (
        <p class="card">No defect of this benchmark is like that.</p>
      ) : groups.length === 0 ? (
        <p class="card">No entry is like that.</p>
      ) : (
        groups.map((group) => <Table key={`${group.access} ${group.budget}`} {...{ group, view, change }} />)
      )}
      <Reading />
      {row && <Cells {...{ row, benchmark, view }} onClose={close} />}
    </>
  );
}

interface FiltersProps {
  board: SiteBoard;
  benchmark: Benchmark;
  view: BoardView;
  change(changed: Partial<BoardView>): void;
}

const DIVISION_NAMES: Record<Division, string> = {
  dataset: "Data set",
  arch: "Architecture",
  attack: "Attack",
  style: "Style",
  level: "Level",
};

function Filters({ board, benchmark, view, change }: FiltersProps) {
  const values = useMemo(() => {
    const keys = benchmark.defects.map(({ id }) => parseDefectId(id));
    const distinct = (list: string[]) => [...new Set(list)].sort();
    return {
      tasks: distinct(benchmark.defects.map(({ task }) => task)),
      divisions: DIVISIONS.map((division) => [division, distinct(keys.map((key) => String(key[division])))] as const),
    };
  }, [benchmark]);
  const kinds = [...new Set(board.entries.map(({ kind }) => kind))];
  const accesses = [...new Set(board.entries.map(({ access }) => access))];
  return (
    <section aria-label="What is shown" class="card row filters">
      <Choice
        title="Benchmark"
        value={benchmark.name}
        values={board.benchmarks.map(({ name }) => name)}
        onChoose={(name) => change({ benchmark: name, slice: {}, task: null })}
      />
      <Choice title="Access" any value={view.access} values={accesses} onChoose={(access) => change({ access })} />
      <Choice title="Task" any value={view.task} values={values.tasks} onChoose={(task) => change({ task })} />
      {values.divisions.map(([division, names]) => (
        <Choice
          key={division}
          title={DIVISION_NAMES[division]}
          any
          value={view.slice[division] ?? null}
          values={names}
          onChoose={(name) => {
            const { [division]: _, ...others } = view.slice;
            change({ slice: name === null ? others : { ...others, [division]: name } });
          }}
        />
      ))}
      <Choice title="Kind" any value={view.kind} values={kinds} onChoose={(kind) => change({ kind })} />
    </section>
  );
}

interface ChoiceProps {
  title: string;
  /** Whether nothing may be chosen. */
  any?: boolean;
  value: string | null;
  values: readonly string[];
  onChoose(value: string | null): void;
}

function Choice({ title, any, value, values, onChoose }: ChoiceProps) {
  return (
    <label>
      {title}
      <select value={value ?? ""} onChange={(event) => onChoose(event.currentTarget.value || null)}>
        {any && <option value="">all</option>}
        {value !== null && !values.includes(value) && <option value={value}>{value}</option>}
        {values.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Reading() {
  return (
    <details class="card">
      <summary>What the columns say</summary>
      <dl class="reading">
        <dt>Place</dt>
        <dd>
          The places that the 95 % interval leaves open: <em>2–4</em> means that one method is surely above, and that
          two more cannot be told from this one. Methods that see more than clean images have a table of their own.
          Baselines show what a number means and take no place; neither does a method that failed on a network.
        </dd>
        <dt>Infected − sham</dt>
        <dd>
          WJI, from 0 to 1, of as many of the most suspicious neurons as there are effective infected ones, on the
          infected network minus on its sham. The mean over kinds of defects; its interval draws clean networks first,
          then their defects.
        </dd>
        <dt>Infected, sham</dt>
        <dd>The two numbers that the difference is made of. A method that is high on shams finds tuning.</dd>
        <dt>Gated</dt>
        <dd>
          The difference where a network of which the method itself names no neuron counts as one in which it found
          nothing. A method that looks at the network as a whole first gains by it; most name some neurons always.
        </dd>
        <dt>Seconds</dt>
        <dd>Median of one network, as stored: machines and their loads differ, so compare orders of magnitude.</dd>
        <dt>Kind</dt>
        <dd>
          <em>published</em>: from the literature, written for this project. <em>own</em>: this project's.{" "}
          <em>baseline</em>: competes with none. <em>outside</em>: a program that was plugged in.
        </dd>
      </dl>
    </details>
  );
}
