// Writes a brotli and a gzip twin beside every file of the build that gets smaller by it; the server
// sends the smallest that the browser takes. Browsers take brotli over TLS and on localhost only.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const dist = fileURLToPath(new URL("../dist/site", import.meta.url));
const TEXTS = new Set([".css", ".html", ".js", ".json", ".svg"]);

for (const name of readdirSync(dist, { recursive: true })) {
  if (!TEXTS.has(extname(name))) continue;
  const path = join(dist, name);
  const bytes = readFileSync(path);
  const zipped = gzipSync(bytes, { level: 9 });
  if (zipped.length < bytes.length) writeFileSync(`${path}.gz`, zipped);
  const small = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  if (small.length < bytes.length) writeFileSync(`${path}.br`, small);
}
