// Visits pages in Chromium and measures them. One order a line on standard input, one answer a line
// on standard output; both are JSON. `run` gives the orders.
//
//     node bench/web/visit.mjs CHROMIUM TOOLS
//
// TOOLS is the package.json beside which playwright-core is installed.
//
// Each order opens a context of its own: nothing is in its cache.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [executablePath, tools] = process.argv.slice(2);
const require = createRequire(tools);
const { chromium } = require("playwright-core");

/** Longest wait for anything, in milliseconds. */
const PATIENCE = 60_000;
/** How long a page has to be quiet until it counts as finished, in milliseconds. */
const QUIET = 1_000;
/** Pixels that the wheel turns at a time, and milliseconds between: some 10,000 pixels a second. */
const WHEEL = 500;
const WHEEL_EVERY = 45;
/** Longest time to scroll, in milliseconds. */
const LONGEST_SCROLL = 120_000;
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
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

const ORDERS = {
  page: measurePage,
  click: measureClick,
  open: measureOpening,
  frame: awaitFrame,
  code: weighCode,
  scroll: measureScrolling,
  axe: findBarriers,
  version: () => ({ chromium: browser.version() }),
};
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

/** From the request for the document at `base + path` until a frame of its video is on the screen. */
async function measureOpening({ base, path, view, network }) {
  const { page, traffic, close } = await open({ base, view, network });
  try {
    await page.goto(base + path);
    await page.waitForFunction(() => globalThis.bench?.moves === true, null, { timeout: PATIENCE });
    const { first, height } = await page.evaluate(() => ({ ...globalThis.bench, first: globalThis.bench.first - performance.timeOrigin }));
    return { first_ms: first, height, bytes: traffic.total() };
  } finally {
    await close();
  }
}

/**
 * Scripts in brotli. `initial`: what the document names and what runs before the largest part of the page is
 * painted needs; `later`: what else comes until the page is quiet or its video plays.
 */
async function weighCode({ base, path, player }) {
  const context = await browser.newContext({ locale: "en-GB", ...VIEWS.desktop });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    const scripts = new Map();
    page.on("response", (response) => {
      const { pathname } = new URL(response.url());
      if (response.request().resourceType() === "script" || /\.m?js$/.test(pathname)) scripts.set(response.url(), response);
    });
    await page.addInitScript(observe);
    await page.goto(base + path);
    if (player) await page.waitForFunction(() => globalThis.bench?.moves === true);
    else await page.waitForLoadState("networkidle");
    await page.waitForTimeout(QUIET);
    // Those of the document, and all that were there when the largest part of the page was painted.
    const early = await page.evaluate(() => {
      const named = [...document.querySelectorAll("script[src], link[rel=modulepreload]")].map((one) => one.src || one.href);
      const { lcp } = globalThis.bench.vitals();
      const came = performance.getEntriesByType("resource").filter((one) => one.initiatorType !== "img" && one.responseEnd <= (lcp ?? Infinity));
      return { named, came: came.map((one) => one.name) };
    });
    const sums = { initial: 0, later: 0 };
    for (const [url, response] of scripts) {
      const { responseBodySize } = await response.request().sizes();
      // What the document only prepares for the player is behind the poster, and not waited for.
      const first = early.came.includes(url) || (early.named.includes(url) && !player);
      sums[first ? "initial" : "later"] += responseBodySize;
    }
    return sums;
  } finally {
    await context.close();
  }
}

/** Turns the wheel from the beginning of a list of `count` to its end, as fast as somebody who looks for something. */
async function measureScrolling({ base, path, token, item, count }) {
  const { page, close } = await open({ base, view: "desktop", token });
  try {
    await page.goto(base + path);
    await page.locator(item).first().waitFor();
    await page.waitForLoadState("networkidle");
    await page.mouse.move(640, 500);
    await page.evaluate(() => {
      const seen = (globalThis.scrolled = { tasks: [], gaps: [], last: performance.now() });
      new PerformanceObserver((list) => seen.tasks.push(...list.getEntries().map((one) => one.duration))).observe({ type: "longtask" });
      const frame = (now) => {
        seen.gaps.push(now - seen.last);
        seen.last = now;
        requestAnimationFrame(frame);
      };
      requestAnimationFrame(frame);
    });
    const start = performance.now();
    let quiet = 0;
    let before = -1;
    // Until the end stays the end.
    while (quiet < 20 && performance.now() - start < LONGEST_SCROLL) {
      await page.mouse.wheel(0, WHEEL);
      await page.waitForTimeout(WHEEL_EVERY);
      const at = await page.evaluate(() => Math.round(scrollY));
      quiet = at === before ? quiet + 1 : 0;
      before = at;
      if (quiet > 3) {
        const more = page.getByRole("button", { name: "Show more" });
        if (await more.isVisible()) await more.click();
      }
    }
    const seconds = (performance.now() - start) / 1000;
    const { tasks, gaps } = await page.evaluate(() => globalThis.scrolled);
    const items = await page.locator(item).count();
    if (items < count && seconds * 1000 < LONGEST_SCROLL) throw new Error(`only ${items} of ${count} came`);
    const spent = gaps.reduce((sum, gap) => sum + gap, 0);
    return {
      frames: (gaps.length * 1000) / spent,
      late: (100 * gaps.filter((gap) => gap > 25).length) / gaps.length,
      task_ms: Math.max(0, ...tasks),
      tasks: tasks.length,
      seconds,
      items,
    };
  } finally {
    await close();
  }
}

/** What axe finds on a page, of every severity. */
async function findBarriers({ base, path, view, token, locale, colours }) {
  const { page, close } = await open({ base, view, token, more: { locale, colorScheme: colours, reducedMotion: "reduce" } });
  try {
    await page.goto(base + path);
    await page.locator("h1").first().waitFor();
    await page.waitForLoadState("networkidle", { timeout: 5_000 }).catch(() => undefined);
    await page.evaluate(AXE);
    const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    return { violations: found.violations.map((one) => `${one.impact}: ${one.id}: ${one.nodes.map((node) => node.target.join(" ")).join(" | ")}`) };
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

async function open({ base, view, network, token, more = {} }) {
  const context = await browser.newContext({ locale: "en-GB", ...VIEWS[view], ...more });
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
