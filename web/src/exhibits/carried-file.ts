/** A file of a site, as text. */
export interface CarriedFile {
  json: string;
  /** Names it in messages. */
  name: string;
}
