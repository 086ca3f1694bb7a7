// Visits pages in Chromium and measures them. One order a line on standard input, one answer a line
// on standard output; both are JSON. `run` gives the orders.
//
//     node bench/web/visit.mjs CHROMIUM TOOLS
//
// TOOLS is the package.json beside which playwright-core is installed.
//
// Each order opens a context of its own: nothing is in its cache.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [executablePath, tools] = process.argv.slice(2);
const { chromium } = createRequire(tools)("playwright-core");

/** Longest wait for anything, in milliseconds. */
const PATIENCE = 60_000;
/** How long a page has to be quiet until it counts as finished, in milliseconds. */
const QUIET = 1_000;
const VIEWS = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 3, isMobile: true, hasTouch: true },
};

const browser = await chromium.launch({
  executablePath,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // Of other pages too, which have no click of their own.
    "--autoplay-policy=no-user-gesture-required",
  ],
});

const ORDERS = { page: measurePage, click: measureClick, frame: awaitFrame, version: () => ({ chromium: browser.version() }) };
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  let answer;
  try {
    answer = await ORDERS[order.do](order);
  } catch (error) {
    answer = { error: `${order.what ?? order.do}: ${error.message}` };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();

/** From the click on `target` at `base + path` until a frame of the video is on the screen. */
async function measureClick({ base, path, view, network, target }) {
  const { page, traffic, close } = await open({ base, view, network });
  try {
    await page.goto(base + path);
    const link = page.locator(target).first();
    await link.waitFor();
    await page.waitForLoadState("networkidle");
    const before = traffic.total();
    if (VIEWS[view].hasTouch) await link.tap();
    else await link.click();
    await page.waitForFunction(() => globalThis.bench?.moves === true, null, { timeout: PATIENCE });
    const { first, height } = await page.evaluate(() => globalThis.bench);
    return { first_ms: first, height, bytes: traffic.total() - before };
  } finally {
    await close();
  }
}

/** What a person sees of a page that is opened by its address, and what it weighs. */
async function measurePage({ base, path, view, network, token, ready }) {
  const { page, traffic, close } = await open({ base, view, network, token });
  try {
    await page.goto(base + path);
    await page.locator(ready).first().waitFor();
    const ready_ms = await page.evaluate(() => performance.now());
    // A video never becomes quiet; its page is finished when it plays.
    if (path.includes("watch")) await page.waitForFunction(() => globalThis.bench?.moves === true);
    else await page.waitForLoadState("networkidle");
    await page.waitForTimeout(QUIET);
    const { lcp, what, fcp, shifts } = await page.evaluate(() => globalThis.bench.vitals());
    return { ready_ms, lcp_ms: lcp, lcp_of: what, fcp_ms: fcp, cls: cumulated(shifts), ...traffic.kinds() };
  } finally {
    await close();
  }
}

/** When the first frame of a video is on the screen, in milliseconds since 1970; nothing is clicked. */
async function awaitFrame({ base, path, view }) {
  const { page, close } = await open({ base, view });
  try {
    await page.goto(base + path);
    await page.waitForFunction(() => globalThis.bench?.first > 0, null, { timeout: PATIENCE });
    const { first, height } = await page.evaluate(() => globalThis.bench);
    return { at_ms: first, height };
  } finally {
    await close();
  }
}

async function open({ base, view, network, token }) {
  const context = await browser.newContext({ locale: "en-GB", ...VIEWS[view] });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const line = await context.newCDPSession(page);
  await line.send("Network.enable");
  if (token) {
    // Signed in as its own page does it: by the cookie that a token is made from at the start.
    const answer = await context.request.post(`${base}/graphql`, { data: token });
    const said = await answer.json();
    if (!said.data?.signIn.accessToken) throw new Error(`signing in: ${JSON.stringify(said)}`);
    await page.addInitScript(() => globalThis.origin !== "null" && localStorage.setItem("clipsy.session", "1"));
  }
  await page.addInitScript(observe);
  const traffic = count(line);
  if (network) {
    await line.send("Network.emulateNetworkConditions", {
      offline: false,
      latency: network.latency_ms,
      downloadThroughput: (network.mbit * 1e6) / 8,
      uploadThroughput: (network.mbit * 1e6) / 8,
    });
  }
  return { page, traffic, close: () => context.close() };
}

/** Adds up what comes over the wire, by what it is. */
function count(line) {
  const kinds = new Map();
  const sizes = new Map();
  const kindOf = (type, url) => {
    if (/\.(ts|m4s|mp4|m3u8)$/.test(new URL(url).pathname)) return "video";
    return { Document: "document", Script: "script", Stylesheet: "style", Font: "font", Image: "image" }[type] ?? "data";
  };
  line.on("Network.responseReceived", ({ requestId, type, response }) => kinds.set(requestId, kindOf(type, response.url)));
  // As they come, since not all have come to their end when the measurement does.
  line.on("Network.dataReceived", ({ requestId, encodedDataLength }) => sizes.set(requestId, (sizes.get(requestId) ?? 0) + encodedDataLength));
  // Only the end tells the size of a document, and that of headers.
  line.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => sizes.set(requestId, Math.max(sizes.get(requestId) ?? 0, encodedDataLength)));
  return {
    total: () => [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0),
    kinds() {
      const sums = {};
      for (const [request, bytes] of sizes) {
        const name = `bytes_${kinds.get(request) ?? "data"}`;
        sums[name] = (sums[name] ?? 0) + bytes;
      }
      return sums;
    },
  };
}

/** Layout shift as web.dev defines it: the worst window of at most 5 s without a gap of 1 s. */
function cumulated(shifts) {
  let worst = 0;
  let window = { value: 0, from: -Infinity, to: -Infinity };
  for (const { at, value } of shifts) {
    const goesOn = at - window.to < 1000 && at - window.from < 5000;
    window = goesOn ? { value: window.value + value, from: window.from, to: at } : { value, from: at, to: at };
    worst = Math.max(worst, window.value);
  }
  return worst;
}

/** Runs in every page before anything of its own. */
function observe() {
  const found = { lcp: null, what: "", fcp: null, shifts: [] };
  const bench = (globalThis.bench = { moves: false, first: null, height: 0, vitals: () => found });
  const on = (type, take) => new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
  on("largest-contentful-paint", (entry) => {
    found.lcp = entry.startTime;
    found.what = entry.element?.localName ?? "";
  });
  on("paint", (entry) => {
    if (entry.name === "first-contentful-paint") found.fcp = entry.startTime;
  });
  on("layout-shift", (entry) => {
    if (!entry.hadRecentInput) found.shifts.push({ at: entry.startTime, value: entry.value });
  });

  // The click may be on one document and the video on the next, so it is kept by the wall clock.
  const CLICK = "bench.click";
  addEventListener("click", (event) => sessionStorage.setItem(CLICK, String(performance.timeOrigin + event.timeStamp)), true);

  const known = new WeakSet();
  function look() {
    const video = document.querySelector("hls-video")?.shadowRoot?.querySelector("video") ?? document.querySelector("video");
    if (video && !known.has(video)) {
      known.add(video);
      video.requestVideoFrameCallback((_now, one) => {
        bench.first = performance.timeOrigin + one.presentationTime - Number(sessionStorage.getItem(CLICK));
        bench.height = one.height;
        const again = (_later, two) => {
          // A still picture would be no proof that it plays.
          if (two.mediaTime > one.mediaTime && video.currentTime > 0) bench.moves = true;
          else video.requestVideoFrameCallback(again);
        };
        video.requestVideoFrameCallback(again);
      });
    }
    if (!bench.moves) requestAnimationFrame(look);
  }
  look();
}
