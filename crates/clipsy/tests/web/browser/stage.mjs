// The browser, the page that the visit happens on, and what all steps use.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const { CLIPSY_URL, CLIPSY_PID, CLIPSY_CLIPS, CLIPSY_FIXTURES, CLIPSY_SHOTS, CLIPSY_TOOLS } = process.env;
const require = createRequire(CLIPSY_TOOLS);
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** Longest wait for anything; generous, because machines that test are slow. */
export const PATIENCE = Number(process.env.CLIPSY_PATIENCE_MS ?? 120_000);
export const PASSWORD = "a password of my own";

/** `options` are those of the first page's context. */
export async function openStage(options = {}) {
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--autoplay-policy=no-user-gesture-required",
    ],
  });
  const complaints = [];
  const stage = {
    browser,
    complaints,
    url: CLIPSY_URL,
    /** Number of the server's process. */
    server: Number(CLIPSY_PID),
    clip: (name) => join(CLIPSY_CLIPS, name),
    fixture: (name) => join(CLIPSY_FIXTURES, name),
    /** What steps leave for later ones. */
    left: {},

    /** A page of somebody new, without cookies. What its console complains about counts. */
    async visitor(options = {}) {
      const context = await browser.newContext({ baseURL: CLIPSY_URL, locale: "en-GB", viewport: { width: 1280, height: 800 }, ...options });
      const page = await context.newPage();
      watchOver(page);
      return page;
    },

    /** Fails when the console complained, a script broke or something was asked of another host. */
    noComplaints() {
      const said = complaints.splice(0);
      assert.deepEqual(said, []);
    },

    /** What is complained about while the network is away is no news. */
    forgetComplaints() {
      complaints.length = 0;
    },

    /** No barrier for anybody, as far as a program can tell. */
    async accessible(what, page = stage.page) {
      await page.evaluate(AXE);
      const { violations } = await page.evaluate((tags) => globalThis.axe.run(document, { runOnly: tags }), RULES);
      const found = violations.map((one) => `${what}: ${one.id} (${one.help}): ${one.nodes.map((node) => node.target.join(" ")).join(" | ")}`);
      assert.deepEqual(found, []);
    },

    snap: (name, page = stage.page) => page.screenshot({ path: join(CLIPSY_SHOTS, `${name}.png`), animations: "disabled" }),

    /** `at` is another address of the server. */
    async signIn(page, username = "admin", password = PASSWORD, at = "") {
      await page.goto(`${at}/sign-in`);
      await page.getByLabel("User name").fill(username);
      await page.getByLabel("Password", { exact: true }).fill(password);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.waitForURL("**/");
    },

    close: () => browser.close(),
  };

  function watchOver(page) {
    page.setDefaultTimeout(PATIENCE);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(`${message.type()}: ${message.text()} (${message.location().url})`);
    });
    page.on("pageerror", (error) => complaints.push(`broke: ${error.stack}`));
    page.on("dialog", (dialog) => {
      if (dialog.type() === "alert") complaints.push(`alert: ${dialog.message()}`);
      dialog.accept().catch(() => undefined);
    });
    page.on("request", (request) => {
      const address = new URL(request.url());
      const ours = ["127.0.0.1", "localhost", ""].includes(address.hostname);
      if (!ours) complaints.push(`asked another host: ${request.url()}`);
    });
  }

  stage.page = await stage.visitor(options);
  stage.watchOver = watchOver;
  return stage;
}

/** Waits until `ask` gives something; `what` says for what. */
export async function until(what, ask) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    assert.ok(Date.now() < deadline, `it hangs: waited until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A token of whoever is signed in on a page. */
export function tokenOf(page) {
  return page.evaluate(async () => {
    const answer = await fetch("/graphql", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Clipsy-CSRF": "1" },
      body: JSON.stringify({ query: "mutation { refreshSession(input: {}) { accessToken } }" }),
    });
    return (await answer.json()).data.refreshSession.accessToken;
  });
}

/** One question to the API, as whoever has that token. */
export async function ask(stage, query, variables = {}, token = null) {
  const response = await fetch(`${stage.url}/graphql`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}
