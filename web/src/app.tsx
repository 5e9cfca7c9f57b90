import { useCallback } from "preact/hooks";
import type { SiteIndex } from "../../src/records/site.ts";
import { aimOf, loadExhibit, sampleOf } from "./exhibits/registry.ts";
import { Explorer } from "./explorer.tsx";
import { loadDefect, loadIndex } from "./files.ts";
import { Guarded } from "./guarded.tsx";
import { useLoaded, useView } from "./hooks.ts";
import type { View } from "./view.ts";

/** The page: what it is, the choice of a defect, and the explorer on it. */
export function App() {
  const [view, change, unread] = useView();
  const index = useLoaded("index", loadIndex);
  const there = index.state === "there" ? index.value : null;
  const chosen = view.defect ?? there?.start ?? null;
  const entry = there?.defects.find(({ id }) => id === chosen);
  const sample = sampleOf(entry?.task);
  const shown = entry ? [entry.task ?? "images", entry.asked ?? ""].join(" ") : null;
  const exhibit = useLoaded(shown, () => loadExhibit(there!, entry!));
  const isNamed = view.defect !== null;
  const changeOfIt = useCallback(
    (changed: Partial<View>) => {
      // The address names the defect as soon as anything is chosen, so that a step back leads to it.
      if (!isNamed) change({ defect: chosen });
      change(changed);
    },
    [change, chosen, isNamed],
  );
  const defect = useLoaded(chosen, () => loadDefect(chosen!));
  const failure = [index, defect, exhibit].find((loaded) => loaded.state === "failed");
  return (
    <>
      <header>
        <nav class="quiet">
          <strong>Explorer</strong> · <a href="./board.html">Leaderboard</a>
        </nav>
        <h1>Watch a backdoor fire, and die</h1>
        <p class="lead">
          Each of these networks carries a backdoor: a trigger in the {sample} makes it answer what an attacker chose.
          We know which neurons carry it, since it was put into these alone. Stamp the trigger on a {sample}, silence
          neurons, and watch the attack succeed or fail.
        </p>
      </header>
      <main>
        {there && (
          <Choice
            index={there}
            chosen={chosen}
            onChoose={(id) => changeOfIt({ defect: id, neuron: null, silence: "none", image: null, look: null })}
          />
        )}
        {failure?.state === "failed" ? (
          <p role="alert" class="card refusal">
            {failure.reason}
          </p>
        ) : defect.state === "there" && exhibit.state === "there" ? (
          <Guarded key={chosen} name={`data/defects/${chosen}.json`}>
            <Explorer defect={defect.value} exhibit={exhibit.value} view={view} unread={unread} change={changeOfIt} />
          </Guarded>
        ) : (
          <p class="card quiet" role="status">
            Loading…
          </p>
        )}
      </main>
      <footer class="quiet">bdefects4nn: a database of backdoored networks whose infected neurons are known.</footer>
    </>
  );
}

function Choice({ index, chosen, onChoose }: { index: SiteIndex; chosen: string | null; onChoose(id: string): void }) {
  const entry = index.defects.find(({ id }) => id === chosen);
  return (
    <section aria-label="Defect" class="card choice-of-defect">
      <label>
        Defect{" "}
        <select value={chosen ?? ""} onChange={(event) => onChoose(event.currentTarget.value)}>
          {!entry && <option value={chosen ?? ""}>{chosen}</option>}
          {groupsOf(index).map(([group, ids]) => (
            <optgroup key={group} label={group}>
              {ids.map((id) => (
                <option key={id} value={id}>
                  {id}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
      </label>
      {entry && (
        <p class="quiet">
          A network {entry.arch} for {entry.dataset}, infected by the attack {entry.attack}. {aimOf(entry)[0]}{" "}
          <strong>{aimOf(entry)[1]}</strong>.
        </p>
      )}
    </section>
  );
}

/** Ids by data set, architecture and attack, in the site's order. */
function groupsOf({ defects }: SiteIndex): [group: string, ids: string[]][] {
  const groups = new Map<string, string[]>();
  for (const { id, dataset, arch, attack } of defects) {
    const group = `${dataset}, ${arch}, ${attack}`;
    groups.set(group, [...(groups.get(group) ?? []), id]);
  }
  return [...groups];
}
