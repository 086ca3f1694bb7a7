// A stand-in for the server, for work on the pages: the schema, made-up data, jobs that move.
//
//   npm run dev:mock            then, in another terminal,
//   CLIPSY_SERVER=http://127.0.0.1:8001 npm run dev
//
// CLIPSY_SAMPLE names a folder written by `clipsy transcode --out` (default ../target/sample-hls, as
// `make sample` leaves it): every ready video plays it. Sign in as admin with any password.
// With a build in dist/site (or the folder CLIPSY_SITE) it serves that, too, on its own port.

import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSchema, graphql } from "graphql";
import { useServer } from "graphql-ws/use/ws";
import { WebSocketServer } from "ws";
import { root, tus } from "./data.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const port = Number(process.env.PORT ?? 8001);
const sample = process.env.CLIPSY_SAMPLE ?? here("../../target/sample-hls");
const schema = buildSchema(readFileSync(here("../../schema.graphql"), "utf8"));

const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".jpg": "image/jpeg",
  ".js": "text/javascript",
  ".json": "application/json",
  ".m3u8": "application/vnd.apple.mpegurl",
  ".svg": "image/svg+xml",
  ".ts": "video/mp2t",
  ".vtt": "text/vtt",
  ".woff2": "font/woff2",
};

function sendFile(response, folder, path, otherwise) {
  let file = join(folder, normalize(`/${path}`));
  if (!existsSync(file) || statSync(file).isDirectory()) {
    if (!otherwise) return response.writeHead(404).end();
    file = join(folder, otherwise);
  }
  response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream" });
  createReadStream(file).pipe(response);
}

const server = createServer(async (request, response) => {
  const path = new URL(request.url, "http://localhost").pathname;
  if (path === "/graphql") {
    let body = "";
    for await (const chunk of request) body += chunk;
    const { query, variables } = JSON.parse(body);
    const signedIn = /^Bearer mock/.test(request.headers.authorization ?? "");
    const cookie = /clipsy_refresh=1/.test(request.headers.cookie ?? "");
    const context = { signedIn, cookie, setCookie: (value) => response.setHeader("Set-Cookie", value) };
    const result = await graphql({ schema, source: query, variableValues: variables, rootValue: root, contextValue: context });
    response.writeHead(200, { "Content-Type": "application/graphql-response+json" }).end(JSON.stringify(result));
  } else if (path.startsWith("/api/uploads/")) {
    await tus(request, response, path.split("/").pop());
  } else if (path.startsWith("/media/")) {
    sendFile(response, sample, path.replace(/^\/media\/sample\//, ""));
  } else {
    sendFile(response, process.env.CLIPSY_SITE ?? here("../dist/site"), path, path.startsWith("/embed/") ? "embed.html" : "index.html");
  }
});

useServer(
  {
    schema,
    roots: { query: root, mutation: root, subscription: root },
    context: (ctx) => ({ signedIn: /^Bearer mock/.test(ctx.connectionParams?.Authorization ?? "") }),
  },
  new WebSocketServer({ server, path: "/graphql" }),
);

server.listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}, media from ${sample}`));
