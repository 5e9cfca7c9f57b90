import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";

/** The page that is offered, counted from 0: where the chosen one is, whenever another is chosen. @param each how many are offered at once */
export function usePageOf(chosen: number, each: number): [page: number, onPage: (page: number) => void] {
  const [page, setPage] = useState(Math.floor(chosen / each));
  useEffect(() => setPage(Math.floor(chosen / each)), [chosen, each]);
  return [page, setPage];
}

/** Buttons between pages of what there is to choose from, and what stands beside them. @param page counted from 0 */
export function Pager(props: {
  page: number;
  pages: number;
  onPage(page: number): void;
  children?: ComponentChildren;
}) {
  const { page, pages, onPage, children } = props;
  return (
    <div class="row">
      <button type="button" disabled={page === 0} onClick={() => onPage(page - 1)}>
        Earlier
      </button>
      <button type="button" disabled={page + 1 >= pages} onClick={() => onPage(page + 1)}>
        More
      </button>
      {children}
    </div>
  );
}
