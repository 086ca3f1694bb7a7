// Reads an HLS presentation with hls-parser, in its strict mode, and prints what it found.
//
//     node tools/js/hls.mjs FOLDER/master.m3u8
//
// prints one JSON document: {"master": …, "media": {"<uri of a variant>": …}}. A playlist that
// breaks the rules ends this with status 1 and one line that names it.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import HLS from "hls-parser";

HLS.setOptions({ strictMode: true });

const [master] = process.argv.slice(2);
if (!master) {
  console.error("usage: node hls.mjs FOLDER/master.m3u8");
  process.exit(2);
}

const presentation = { master: read(master, true), media: {} };
for (const { uri } of presentation.master.variants) {
  presentation.media[uri] = read(join(dirname(master), uri), false);
}
console.log(JSON.stringify(presentation));

function read(path, isMaster) {
  try {
    const playlist = HLS.parse(readFileSync(path, "utf8"));
    if (playlist.isMasterPlaylist !== isMaster) {
      throw new Error(`not a ${isMaster ? "multivariant" : "media"} playlist`);
    }
    return { ...playlist, source: undefined };
  } catch (error) {
    console.error(`${path}: ${error.message}`);
    process.exit(1);
  }
}
