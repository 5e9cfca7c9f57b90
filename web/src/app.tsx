import { useCallback } from "preact/hooks";
import type { SiteIndex } from "../../src/records/site.ts";
import { Explorer } from "./explorer.tsx";
import { loadDefect, loadImages, loadIndex } from "./files.ts";
import { useLoaded, useView } from "./hooks.ts";
import type { View } from "./view.ts";

/** The page: what it is, the choice of a defect, and the explorer on it. */
export function App() {
  const [view, change] = useView();
  const index = useLoaded("index", loadIndex);
  const there = index.state === "there" ? index.value : null;
  const images = useLoaded(there && "images", () => loadImages(there!));
  const chosen = view.defect ?? there?.defects[0]?.id ?? null;
  // The address names the defect as soon as anything was chosen of it.
  const changeOfIt = useCallback((changed: Partial<View>) => change({ defect: chosen, ...changed }), [change, chosen]);
  const defect = useLoaded(chosen, () => loadDefect(chosen!));
  const failure = [index, images, defect].find((loaded) => loaded.state === "failed");
  return (
    <>
      <header>
        <nav class="quiet">
          <strong>Explorer</strong> · <a href="./board.html">Leaderboard</a>
        </nav>
        <h1>Watch a backdoor fire, and die</h1>
        <p class="lead">
          Each of these networks was tuned to answer one class, the target, whenever a small trigger is in the picture.
          We know which neurons carry that backdoor, because they alone were changed. Stamp the trigger on a picture,
          silence neurons, and watch the attack succeed or fail: everything is computed in your browser.
        </p>
      </header>
      <main>
        {there && (
          <Choice
            index={there}
            chosen={chosen}
            onChoose={(id) => change({ defect: id, neuron: null, silence: "none", image: null })}
          />
        )}
        {failure?.state === "failed" ? (
          <p role="alert" class="card refusal">
            {failure.reason}
          </p>
        ) : defect.state === "there" && images.state === "there" ? (
          <Explorer
            key={defect.value.facts.id}
            defect={defect.value}
            images={images.value}
            imageClasses={there!.images.classes}
            view={view}
            change={changeOfIt}
          />
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
          {index.defects.map(({ id }) => (
            <option key={id} value={id}>
              {id}
            </option>
          ))}
        </select>
      </label>
      {entry && (
        <p class="quiet">
          A {entry.arch} for {entry.dataset}, attacked by {entry.attack}. Triggered pictures go to{" "}
          <strong>{entry.target_name}</strong>.
        </p>
      )}
    </section>
  );
}
