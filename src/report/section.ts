import type { Figure } from "./figures/figure.ts";
import type { Html } from "./html.ts";
import type { Table } from "./tables.ts";

/** A part of the report: its place in the page, and what it offers as files. */
export interface Section {
  /** Anchor. */
  id: string;
  title: string;
  body: Html;
  tables?: Table[];
  figures?: Figure[];
}
