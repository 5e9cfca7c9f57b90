import { useCallback, useEffect, useState } from "preact/hooks";
import { readView, unreadable, type View, writeView } from "./view.ts";

/** Something that is being loaded, is there, or failed. */
export type Loaded<T> = { state: "loading" } | { state: "there"; value: T } | { state: "failed"; reason: string };

/** Loads anew whenever `key` changes; null: nothing is wanted. */
export function useLoaded<T>(key: string | null, load: () => Promise<T>): Loaded<T> {
  const [found, setFound] = useState<{ key: string | null; loaded: Loaded<T> }>({ key, loaded: { state: "loading" } });
  useEffect(() => {
    if (key === null) return;
    let wanted = true;
    const settle = (loaded: Loaded<T>) => wanted && setFound({ key, loaded });
    load().then(
      (value) => settle({ state: "there", value }),
      (error: Error) => settle({ state: "failed", reason: error.message }),
    );
    return () => {
      wanted = false;
    };
  }, [key]);
  return found.key === key ? found.loaded : { state: "loading" };
}

/** Whether something was found for what is asked now: both are lists of the question's parts. */
export function isOf<T extends { of: readonly unknown[] }>(found: T | null, asked: readonly unknown[]): found is T {
  return found !== null && asked.every((part, at) => part === found.of[at]);
}

/**
 * The view that the address states. A change of it changes the address; only another defect or neuron is a step back. Last, what the
 * address says and cannot be read; null from the first change on, when the view is no link's any more.
 */
export function useView(): [View, (change: Partial<View>) => void, readonly string[] | null] {
  const [view, setView] = useState(() => readView(location.hash));
  const [unread, setUnread] = useState<readonly string[] | null>(() => unreadable(location.hash));
  useEffect(() => {
    const follow = () => {
      setView(readView(location.hash));
      setUnread(unreadable(location.hash));
    };
    addEventListener("hashchange", follow);
    addEventListener("popstate", follow);
    return () => {
      removeEventListener("hashchange", follow);
      removeEventListener("popstate", follow);
    };
  }, []);
  const change = useCallback((changed: Partial<View>) => {
    setUnread(null);
    setView((before) => {
      const next = { ...before, ...changed };
      const step = before.defect !== null && (next.defect !== before.defect || next.neuron !== before.neuron);
      const address = writeView(next);
      // Browsers allow few changes a second, and each letter of a typed text asks for one.
      if (address !== location.hash) history[step ? "pushState" : "replaceState"](null, "", address);
      return next;
    });
  }, []);
  return [view, change, unread];
}
