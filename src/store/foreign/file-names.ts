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

/**
 * What wrappers put before every name: `module.`, `model.`, `backbone.`, `_orig_mod.`, …, one or several. Names of a whole
 * network share no first part, so whatever they share is a wrapper's.
 */
function sharedPrefix(names: readonly string[]): string {
  let prefix = "";
  for (;;) {
    const part = /^[^.]+\./.exec(names[0]?.slice(prefix.length) ?? "")?.[0];
    if (part === undefined || names.length < 2 || !names.every((name) => name.startsWith(prefix + part))) return prefix;
    prefix += part;
  }
}
