import { defineConfig, type Plugin } from "vite";

/** `src/engine/runtime.ts` loads Node's runtime where nobody names another; the page names its own. */
const withoutNode: Plugin = {
  name: "without-node",
  enforce: "pre",
  resolveId(source, importer) {
    const isNode = source === "./node.ts" && importer?.endsWith("/src/engine/runtime.ts");
    return isNode ? "\0without-node" : undefined;
  },
  load(id) {
    return id === "\0without-node" ? "export const onnxRuntime = undefined;" : undefined;
  },
};

export default defineConfig({
  // Relative paths: the page works from any folder of a host.
  base: "./",
  plugins: [withoutNode],
  worker: { format: "es" },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../dist/web",
    emptyOutDir: true,
    // What the bundle contains of others, with their licences.
    license: { fileName: "licenses.md" },
    target: "es2022",
    // Two pages: the board needs no engine, and loads none.
    rolldownOptions: { input: ["index.html", "board.html"] },
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
  },
});
