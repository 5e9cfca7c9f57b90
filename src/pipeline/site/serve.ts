import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";
import { InputError } from "../../core/errors.ts";
import type { SiteFiles } from "./site-files.ts";

const HOST = "127.0.0.1";

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
  ".md": "text/plain; charset=utf-8",
};

/** What the page may load: its own files, and WebAssembly; the page's own `meta` says the same where files lie on another host. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const HEADERS = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

/** The page's own files carry a hash in their names, so a browser may keep them; the next database may be served at this very address. */
const cacheControl = (name: string) => (name.startsWith(BUILT) ? "private, max-age=31536000, immutable" : "no-store");
const BUILT = "assets/";

/** A server that listens. */
export interface Serving {
  url: string;
  close(): Promise<void>;
}

/**
 * Serves files on this machine alone. A path is looked up among the files and never on the disk. A request under another
 * name of the host, or from a page of another origin, is refused: such a page could otherwise read what is served here.
 *
 * @param port 0: a free one
 * @throws InputError where the port is taken
 */
export async function serve(files: SiteFiles, port: number): Promise<Serving> {
  const server = createServer((request, response) => {
    void answer(files, server, request, response);
  });
  await new Promise<void>((listening, failed) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      failed(new InputError(`--port ${port}: cannot listen there (${error.code ?? error.message}); name another`));
    });
    server.listen(port, HOST, listening);
  });
  return {
    url: `http://${HOST}:${portOf(server)}/`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** HTTP's own, which browsers leave out of a host's name. */
const USUAL_PORT = 80;

/** The names by which pages of this server know their host. */
export function hostNames(port: number): string[] {
  const end = port === USUAL_PORT ? "" : `:${port}`;
  return [HOST, "localhost"].map((name) => `${name}${end}`);
}

async function answer(
  files: SiteFiles,
  server: Server,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const say = (status: number, line: string) => {
    response
      .writeHead(status, { ...HEADERS, "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" })
      .end(`${line}\n`);
  };
  const { host = "", origin } = request.headers;
  if (!hostNames(portOf(server)).includes(host)) return say(403, "this server answers under its own address alone");
  if (origin !== undefined && origin !== `http://${host}`) return say(403, "pages of other origins are not answered");
  if (request.method !== "GET" && request.method !== "HEAD") return say(405, "only GET and HEAD are answered");
  const path = (request.url ?? "/").split(/[?#]/)[0].slice(1);
  const name = path === "" ? "index.html" : path;
  const make = files.get(name);
  if (!make) return say(404, "there is no such file");
  try {
    const content = await make();
    response.writeHead(200, {
      ...HEADERS,
      "content-type": TYPES[extname(name)] ?? "application/octet-stream",
      "content-length": content.length,
      "cache-control": cacheControl(name),
    });
    response.end(request.method === "HEAD" ? undefined : content);
  } catch (error) {
    if (!(error instanceof InputError)) process.stderr.write(`${name}: ${(error as Error).message}\n`);
    say(500, error instanceof InputError ? error.message : "this file could not be made");
  }
}
