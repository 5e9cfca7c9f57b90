/** What can be killed with all that it started. */
export interface Killable {
  killGroup(): void;
}

/** Programs that tests started and that have not ended. */
export const running = new Set<Killable>();

/** Ends what a test file left running. */
export function killBuilders(): void {
  for (const builder of running) builder.killGroup();
}
