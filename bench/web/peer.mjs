// The peer: the least that a page needs to list videos and play one with hls.js, as its manual shows.
//
//     node bench/web/peer.mjs PORT CLIPSY
//
// It serves http://127.0.0.1:PORT/ until it is ended. Videos and pictures are those of the server at
// CLIPSY, passed through, so that the bytes that have to come before the first frame are the same.
//
// `/` links to `/watch`, a document of its own. `/ready` has hls.js loaded before anybody clicks:
// nothing that plays HLS can be faster than what is left then.

import { readFileSync } from "node:fs";
import { Agent, createServer, request as ask } from "node:http";
import { brotliCompressSync } from "node:zlib";

const [port, clipsy] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true });
const PLAYER = brotliCompressSync(
  readFileSync(new URL("../../web/node_modules/hls.js/dist/hls.light.min.js", import.meta.url)),
);

const answer = await fetch(`${clipsy}/graphql`, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ query: "{ videos(first: 24) { nodes { number title thumbnailUrl playback { hlsUrl } } } }" }),
});
const videos = (await answer.json()).data.videos.nodes;

const page = (title, body) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><link rel="icon" href="data:,">
<style>ul{display:grid;grid-template-columns:repeat(auto-fill,minmax(260px,1fr));gap:1rem;padding:0}
li{list-style:none}img,video{width:100%;aspect-ratio:16/9;background:#000;object-fit:contain}</style>
<h1>${title}</h1>${body}</html>`;

const path = (url) => new URL(url, clipsy).pathname;
const picture = (video) => `<img alt="" src="${path(video.thumbnailUrl)}">`;
const play = (source) => `
  const video = document.querySelector("video");
  const hls = new Hls();
  hls.on(Hls.Events.MANIFEST_PARSED, () => video.play());
  hls.loadSource(${source});
  hls.attachMedia(video);`;

const PAGES = {
  "/": () =>
    page(
      "Videos",
      `<ul>${videos.map((video) => `<li><a href="/watch?v=${video.number}">${picture(video)}${video.title}</a>`).join("")}</ul>`,
    ),
  "/watch": (query) => {
    const video = videos.find((one) => one.number === Number(query.get("v"))) ?? videos[0];
    return page(
      video.title,
      `<video controls poster="${path(video.thumbnailUrl)}"></video>
<script src="/hls.js"></script><script>${play(JSON.stringify(path(video.playback.hlsUrl)))}</script>`,
    );
  },
  "/ready": () =>
    page(
      "Videos",
      `<video controls></video><script src="/hls.js"></script>
<ul>${videos.map((video) => `<li><button data-video="${path(video.playback.hlsUrl)}">${video.title}</button>`).join("")}</ul>
<script>addEventListener("click", (event) => {
  const { video: source } = event.target.dataset;
  if (!source) return;${play("source")}
});</script>`,
    ),
};

const server = createServer((incoming, outgoing) => {
  const { pathname, searchParams } = new URL(incoming.url, "http://peer");
  if (PAGES[pathname]) {
    return void outgoing.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end(PAGES[pathname](searchParams));
  }
  if (pathname === "/hls.js") {
    return void outgoing
      .writeHead(200, { "Content-Type": "text/javascript", "Content-Encoding": "br", "Cache-Control": "public, max-age=31536000, immutable" })
      .end(PLAYER);
  }
  const onward = ask(clipsy + incoming.url, { agent, method: incoming.method, headers: incoming.headers }, (found) => {
    outgoing.writeHead(found.statusCode, found.headers);
    found.pipe(outgoing);
  });
  onward.on("error", () => outgoing.destroy());
  incoming.pipe(onward);
});
server.listen(Number(port), "127.0.0.1");
