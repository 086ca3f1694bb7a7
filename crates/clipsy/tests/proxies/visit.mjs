// A visit to a server behind a proxy: what people and programs do there, with the real browser and the
// real clients. CLIPSY_URL is the address that the proxy answers at, without a slash at its end.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { plays, showsPictures } from "../web/browser/playing.mjs";
import { ask, openStage, until } from "../web/browser/stage.mjs";

const { CLIPSY_URL: base, CLIPSY_TOOLS, CLIPSY_PASSWORD, CLIPSY_CLIP } = process.env;
const require = createRequire(CLIPSY_TOOLS);
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const tus = require("tus-js-client");
const { createClient: wsClient } = await load("graphql-ws");
const { createClient: sseClient } = await load("graphql-sse");
const WebSocket = require("ws");

const { pathname, protocol } = new URL(base);
const prefix = pathname.replace(/\/$/, "");
const secure = protocol === "https:";

const json = async (path, init) => {
  const response = await fetch(path.startsWith("http") ? path : base + path, init);
  assert.ok(response.ok, `${path}: ${response.status}`);
  return response.json();
};

/** Signs in on the page; the cookie comes back to where it belongs, and a reload finds it. */
async function signsIn(stage) {
  const { page } = stage;
  await stage.signIn(page, "admin", CLIPSY_PASSWORD, base);
  const cookies = await page.context().cookies();
  const cookie = cookies.find(({ name }) => name === "clipsy_refresh");
  assert.deepEqual([cookie.path, cookie.secure, cookie.httpOnly], [`${prefix}/graphql`, secure, true]);
  await page.reload();
  await page.getByRole("link", { name: "Studio" }).first().waitFor();
  assert.ok(page.url().startsWith(`${base}/`), page.url());
  stage.noComplaints();
}

/** Uploads on the page, over whatever the browser speaks with the proxy, and sees it become ready live. */
async function uploadsAndWatches(stage) {
  const { page } = stage;
  const sockets = [];
  page.on("websocket", (socket) => {
    const seen = { url: socket.url(), heard: 0 };
    socket.on("framereceived", () => (seen.heard += 1));
    sockets.push(seen);
  });
  await page.goto(`${base}/upload`);
  await page.locator('input[type="file"]').first().setInputFiles(CLIPSY_CLIP);
  const number = await until("the upload is a video", async () => {
    const link = page.locator(`a[href^="${prefix}/watch/"], a[href^="${prefix}/studio/"]`);
    for (const one of await link.all()) {
      const found = /\/(\d+)$/.exec((await one.getAttribute("href")) ?? "");
      if (found) return Number(found[1]);
    }
    return null;
  });
  await page.goto(`${base}/studio/${number}`);
  await until("the page hears by its socket", () => sockets.some(({ heard }) => heard > 2));
  for (const { url } of sockets) assert.equal(url, `${base.replace(/^http/, "ws")}/graphql`);
  await page.getByText("Ready", { exact: true }).first().waitFor();
  assert.equal(await page.getByText("Reconnecting").count(), 0);
  stage.noComplaints();
  return number;
}

/** Sends half of a file and cuts the connection; what arrived is kept, and tus-js-client goes on there. */
async function resumes(token) {
  const bytes = await readFile(CLIPSY_CLIP);
  const headers = { Authorization: `Bearer ${token}`, "Tus-Resumable": "1.0.0" };
  const metadata = `filename ${Buffer.from("cut.mp4").toString("base64")},visibility ${Buffer.from("private").toString("base64")}`;
  const created = await fetch(`${base}/api/uploads/`, {
    method: "POST",
    headers: { ...headers, "Upload-Length": String(bytes.length), "Upload-Metadata": metadata },
  });
  assert.equal(created.status, 201);
  const url = created.headers.get("location");
  assert.ok(url.startsWith(`${base}/api/uploads/`), url);
  const send = secure ? httpsRequest : httpRequest;
  const sending = send(url, {
    method: "PATCH",
    headers: { ...headers, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream", "Content-Length": bytes.length },
  });
  sending.on("error", () => undefined);
  sending.write(bytes.subarray(0, bytes.length / 2));
  // A proxy that holds the body back shows nothing of it, however long one waits.
  await until("half of the upload has arrived", async () => {
    const { offset } = await json(url, { headers: { Authorization: headers.Authorization } });
    return offset >= Math.floor(bytes.length / 2) - 65_536 && offset > 0;
  });
  sending.destroy();
  let least = Infinity;
  const number = await new Promise((resolve, reject) => {
    let video = null;
    const upload = new tus.Upload(bytes, {
      uploadUrl: url,
      headers: { Authorization: headers.Authorization },
      retryDelays: [100, 300, 1000, 3000],
      onProgress: (sent) => (least = Math.min(least, sent)),
      onAfterResponse: (_request, response) => (video = response.getHeader("Clipsy-Video-Id") ?? video),
      onError: reject,
      onSuccess: () => resolve(Number(video)),
    });
    upload.start();
  });
  assert.ok(least > 0, "it began anew");
  return number;
}

/** Both kinds of stream tell of a video until it is ready. */
async function hearsOf(number, token) {
  const query = "subscription ($id: ID!) { videoProgress(id: $id) { video { state } } }";
  const request = { query, variables: { id: String(number) } };
  const states = async (client) => {
    const seen = [];
    for await (const { data, errors } of client.iterate(request)) {
      assert.equal(errors, undefined, JSON.stringify(errors));
      seen.push(data.videoProgress.video.state);
      if (seen.at(-1) === "READY") break;
    }
    await client.dispose();
    return seen;
  };
  const ws = wsClient({
    url: `${base.replace(/^http/, "ws")}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: `Bearer ${token}` },
    retryAttempts: 0,
  });
  const sse = sseClient({ url: `${base}/graphql`, headers: { Authorization: `Bearer ${token}` }, retryAttempts: 0 });
  const [bySocket, byEvents] = await Promise.all([states(ws), states(sse)]);
  // Events that were held back would have come in one heap at the end, or never.
  for (const seen of [bySocket, byEvents]) {
    assert.notEqual(seen[0], "READY");
    assert.equal(seen.at(-1), "READY");
  }
}

async function listsAndMedia(number) {
  const page = await json("/api/videos/?page_size=1");
  assert.equal(page.count >= 1, true);
  if (page.next) {
    assert.ok(page.next.startsWith(`${base}/api/videos/?`), page.next);
    const second = await json(page.next);
    assert.ok(second.previous.startsWith(`${base}/api/videos/`), second.previous);
  }
  const video = await json(`/api/videos/${number}/`);
  const origin = new URL(base).origin;
  for (const path of [video.thumbnail, video.hls_playlist, video.storyboard, video.qualities[0].playlist_path]) {
    assert.ok(path.startsWith(`${prefix}/media/`), path);
    assert.equal((await fetch(origin + path)).status, 200, path);
  }
  const part = await fetch(origin + video.hls_playlist, { headers: { Range: "bytes=1-6" } });
  assert.deepEqual([part.status, await part.text()], [206, "EXTM3U"]);
  assert.match(part.headers.get("content-range"), /^bytes 1-6\/\d+$/);
}

/** What messengers and other sites make of a link. */
async function previews(number) {
  const html = await (await fetch(`${base}/watch/${number}`)).text();
  const property = (name) => new RegExp(`property="${name}" content="([^"]*)"`).exec(html)?.[1];
  assert.equal(property("og:url"), `${base}/watch/${number}`);
  assert.equal(property("og:video"), `${base}/embed/${number}`);
  const picture = await fetch(property("og:image"));
  assert.deepEqual([picture.status, picture.headers.get("content-type")], [200, "image/jpeg"]);
  const link = /type="application\/json\+oembed" href="([^"]*)"/.exec(html)[1];
  const told = await json(link);
  assert.ok(told.html.includes(`src="${base}/embed/${number}"`), told.html);
  assert.equal((await fetch(told.thumbnail_url)).status, 200);
}

/** The page plays with pictures on the seek bar; so does the player in a frame of another site. */
async function playsHereAndElsewhere(stage, number) {
  const { page } = stage;
  await page.goto(`${base}/watch/${number}`);
  await plays(page);
  await showsPictures(page);
  stage.noComplaints();
  const other = createServer((_request, response) => {
    const frame = `<iframe src="${base}/embed/${number}?autoplay=1" allow="autoplay" width="640" height="360"></iframe>`;
    response.writeHead(200, { "Content-Type": "text/html" }).end(`<!doctype html><link rel="icon" href="data:,"><title>Elsewhere</title>${frame}`);
  });
  await new Promise((resolve) => other.listen(0, "127.0.0.1", resolve));
  const visitor = await stage.visitor({ ignoreHTTPSErrors: true });
  await visitor.goto(`http://127.0.0.1:${other.address().port}/`);
  const frame = await until("the frame is there", () => visitor.frames().find((one) => one.url().includes("/embed/")));
  await plays(frame);
  // From the frame, a link leads to the page of the video.
  const to = await frame.evaluate(() => document.querySelector('a[target="_blank"]').href);
  assert.equal(to, `${base}/watch/${number}`);
  stage.noComplaints();
  await visitor.context().close();
  other.close();
}

/** From page to page, and to those that programmers want. */
async function getsAround(stage, number) {
  const { page } = stage;
  await page.goto(`${base}/`);
  await page.locator(`article[data-video="${number}"] img`).first().waitFor();
  await page.locator(`article[data-video="${number}"] a`).first().click();
  await page.waitForURL(`${base}/watch/${number}`);
  await page.goto(`${base}/nothing-here`);
  await page.getByRole("heading").first().waitFor();
  stage.forgetComplaints();
  await page.goto(`${base}/api/docs/`);
  await page.getByText("/api/videos/", { exact: false }).first().waitFor();
  await page.goto(`${base}/graphql`);
  await page.waitForURL(`${base}/graphiql`);
  await page.locator(".graphiql-container").first().waitFor();
  stage.noComplaints();
}

const stage = await openStage({ ignoreHTTPSErrors: true });
try {
  await signsIn(stage);
  const number = await uploadsAndWatches(stage);
  const token = (await ask(stage, "mutation($p: String!) { signIn(input: {username: \"admin\", password: $p}) { accessToken } }", { p: CLIPSY_PASSWORD })).data.signIn.accessToken;
  await json(`/api/videos/${number}/`, {
    method: "PATCH",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ visibility: "public" }),
  });
  const second = await resumes(token);
  await hearsOf(second, token);
  await json(`/api/videos/${second}/`, {
    method: "PATCH",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ visibility: "public" }),
  });
  await listsAndMedia(number);
  await previews(number);
  await playsHereAndElsewhere(stage, number);
  await getsAround(stage, number);
} finally {
  await stage.close();
}
