/** Names of criteria and repairs that are users' own programs begin so. */
export const PLUGIN_PREFIX = "cmd-";
/** What users may call their programs. */
export const PLUGIN_LABEL = /^[a-z0-9][a-z0-9_-]{0,39}$/;

/** Whether a stored name is that of a user's own program: `cmd-NAME`. */
export function isPluginName(name: string): boolean {
  return name.startsWith(PLUGIN_PREFIX) && PLUGIN_LABEL.test(name.slice(PLUGIN_PREFIX.length));
}
