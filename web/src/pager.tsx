import type { ComponentChildren } from "preact";

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
