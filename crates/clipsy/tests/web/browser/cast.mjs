// Sending a video to another screen, where the browser knows of one.

import assert from "node:assert/strict";
import { until } from "./stage.mjs";

export async function casts(stage) {
  const { number } = stage.left;
  for (const there of [false, true]) {
    const page = await stage.visitor();
    // A browser that knows of another screen, or of none.
    await page.addInitScript((yes) => {
      const remote = Object.assign(new EventTarget(), {
        state: "disconnected",
        watchAvailability: (tell) => Promise.resolve(1).then((id) => (tell(yes), id)),
        cancelWatchAvailability: () => Promise.resolve(),
        prompt: () => Promise.resolve(void (globalThis.asked = true)),
      });
      Object.defineProperty(HTMLMediaElement.prototype, "remote", { get: () => remote });
    }, there);
    await page.goto(`/watch/${number}`);
    await until("it plays", () => page.evaluate(() => document.querySelector("hls-video")?.currentTime > 0.3));
    const button = page.locator("media-cast-button");
    await page.mouse.move(400, 300);
    if (there) {
      await button.waitFor();
      await stage.accessible("a screen to send it to", page);
      await button.click();
      await until("the browser asks where to", () => page.evaluate(() => globalThis.asked === true));
    } else {
      await page.locator("media-fullscreen-button").waitFor();
      assert.ok(!(await button.isVisible()), "no button without a screen");
    }
    await page.context().close();
  }
  stage.forgetComplaints();
}
