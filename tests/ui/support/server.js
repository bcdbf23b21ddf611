/**
 * Serves `ui/` the way the program does: the same files, the same Content-Security-Policy, pictures at `/frame/{id}`.
 */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const UI = join(ROOT, "ui");

/** What the program sends with the page; `frame:` is served from here, so it adds nothing. */
export const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' frame: http://frame.localhost",
  "connect-src 'self' ipc: http://ipc.localhost",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** @type {Record<string, string>} */
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
};

/**
 * @param {(id: string) => Buffer | null} picture
 * @param {Record<string, string>} [extra] more files: path to script
 * @returns {Promise<{ address: string, close: () => Promise<void> }>}
 */
export async function serve(picture, extra = {}) {
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    /** @param {number} status @param {string} type @param {string | Buffer} body */
    const answer = (status, type, body) => {
      // Each page of a test is the same, and most of its time goes into asking for it.
      response.writeHead(status, { "content-type": type, "content-security-policy": POLICY, "cache-control": "max-age=3600" });
      response.end(body);
    };
    if (extra[path] !== undefined) return answer(200, TYPES[extname(path)] ?? "text/html", extra[path]);
    if (path.startsWith("/frame/")) {
      const bytes = picture(path.slice("/frame/".length));
      return bytes ? answer(200, "image/jpeg", bytes) : answer(404, "text/plain", "");
    }
    const file = normalize(join(UI, path === "/" ? "index.html" : path));
    if (!file.startsWith(UI + sep)) return answer(404, "text/plain", "");
    try {
      answer(200, TYPES[extname(file)] ?? "application/octet-stream", await readFile(file));
    } catch {
      answer(404, "text/plain", "");
    }
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", () => listening(null)));
  const at = server.address();
  const port = typeof at === "object" && at ? at.port : 0;
  return {
    address: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
