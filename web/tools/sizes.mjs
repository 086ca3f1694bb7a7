// Says how much code pages load, and fails when it is more than was agreed on. Sizes, not times, so
// that the answer is the same on every machine. Run after `vite build`.

import { readFileSync } from "node:fs";
import { brotliCompressSync, constants } from "node:zlib";

const KB = 1000;
const BUDGETS = {
  library: 130 * KB,
  watch: 250 * KB,
};

// As the build packs its files; browsers take it over TLS and on localhost.
const QUALITY = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };

const dist = new URL("../dist/site/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL("manifest.json", dist), "utf8"));

/** All files that come with an entry of the manifest, without what it loads later. */
function closure(key, seen = new Set()) {
  if (seen.has(key)) return seen;
  const entry = manifest[key];
  if (!entry) throw new Error(`${key} is not in the manifest`);
  seen.add(key);
  for (const next of entry.imports ?? []) closure(next, seen);
  return seen;
}

function weigh(keys) {
  let js = 0;
  for (const key of keys) {
    const { file } = manifest[key];
    if (file.endsWith(".js")) js += brotliCompressSync(readFileSync(new URL(file, dist)), QUALITY).length;
  }
  return js;
}

const library = closure("index.html");
// The player, its worker and what the page itself needs, beyond what is there already.
const watch = new Set([
  ...closure("src/pages/watch/Watch.tsx"),
  ...closure("src/player/Player.tsx"),
  "node_modules/hls.js/dist/hls.worker.js",
]);
for (const key of library) watch.delete(key);

if (process.argv.includes("--list")) {
  for (const [name, keys] of Object.entries({ library, watch })) {
    for (const key of keys) console.log(name.padEnd(8), String(weigh([key])).padStart(7), manifest[key].file);
  }
}

const found = { library: weigh(library), watch: weigh(watch) };
let over = false;
for (const [name, size] of Object.entries(found)) {
  const limit = BUDGETS[name];
  over ||= size > limit;
  console.log(`${name}: ${(size / KB).toFixed(1)} kB of JavaScript (brotli), at most ${limit / KB} kB`);
}
if (over) {
  console.error("the front end has become too large");
  process.exit(1);
}
