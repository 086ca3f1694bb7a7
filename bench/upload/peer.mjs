// The peer: @tus/server with @tus/file-store, as their documentation sets them up.
//
//     node bench/upload/peer.mjs PORT FOLDER
//
// It keeps files in FOLDER and serves http://127.0.0.1:PORT/files until it is ended.

import { createServer } from "node:http";
import { FileStore } from "@tus/file-store";
import { Server } from "@tus/server";

const [port, folder] = process.argv.slice(2);
const tus = new Server({ path: "/files", datastore: new FileStore({ directory: folder }) });
// Node.js ends requests after five minutes, which is no part of what is measured.
const server = createServer({ requestTimeout: 0 }, (request, response) => tus.handle(request, response));
server.listen(Number(port), "127.0.0.1");
