/** Words that people's wrappers put before every name of a state dict. */
const WRAPPERS = ["module.", "model.", "backbone.", "net.", "network.", "encoder."];

/** Parts that torchvision names otherwise than pytorch-cifar, whose names ours are. */
const RENAMED: [theirs: RegExp, ours: string][] = [
  [/(^|\.)downsample\./, "$1shortcut."],
  [/^fc\./, "linear."],
];

/**
 * Our name of every tensor of a file: without the wrappers that all names share, torchvision's parts under ours.
 *
 * @returns our name → the file's
 */
export function ourNames(names: readonly string[]): Map<string, string> {
  const prefix = sharedPrefix(names);
  return new Map(
    names.map((name) => {
      const inner = name.slice(prefix.length);
      return [RENAMED.reduce((text, [theirs, ours]) => text.replace(theirs, ours), inner), name];
    }),
  );
}

function sharedPrefix(names: readonly string[]): string {
  let prefix = "";
  for (;;) {
    const next = WRAPPERS.find((word) => names.every((name) => name.startsWith(prefix + word)));
    if (next === undefined) return prefix;
    prefix += next;
  }
}
