/**
 * Sends a message to the process that started this one, where there is one. A parent that was killed reads no more: that is no error
 * here, since its end is told by `disconnect`.
 */
export function tellParent(message: unknown): void {
  process.send?.(message, () => undefined);
}
