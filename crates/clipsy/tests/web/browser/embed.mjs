// The video on other people's pages, and what those see of it.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { until } from "./stage.mjs";

export async function embeds(stage) {
  const { page } = stage;
  const { number } = stage.left;
  await page.goto(`/watch/${number}`);
  await page.getByRole("button", { name: "Share" }).click();
  const dialog = page.getByRole("dialog", { name: "Share" });
  assert.equal(await dialog.getByLabel("Link").inputValue(), `${stage.url}/watch/${number}`);
  await stage.accessible("share");
  const code = await dialog.getByLabel("Embed code").inputValue();
  await page.keyboard.press("Escape");

  // Another site, which is another origin: its frame plays.
  const other = createServer((_request, response) => {
    response.writeHead(200, { "Content-Type": "text/html" }).end(`<!doctype html><title>Elsewhere</title>${code.replace("/embed/", "/embed/").replace(/(src="[^"]+)"/, '$1?autoplay=1"')}`);
  });
  await new Promise((resolve) => other.listen(0, "127.0.0.1", resolve));
  const visitor = await stage.visitor();
  await visitor.goto(`http://127.0.0.1:${other.address().port}/`);
  const frame = await until("the frame is there", () => visitor.frames().find((one) => one.url().includes(`/embed/${number}`)));
  await until("the frame plays", () => frame.evaluate(() => document.querySelector("hls-video")?.currentTime > 0.5));
  await stage.snap("embed", visitor);
  // Pages of the site itself may not be framed.
  const refused = await visitor.request.get(`${stage.url}/watch/${number}`);
  assert.equal(refused.headers()["x-frame-options"], "DENY");
  await visitor.context().close();
  other.close();
  stage.forgetComplaints();

  const document = await (await fetch(`${stage.url}/watch/${number}`)).text();
  for (const [name, content] of [
    ["og:title", "Big Buck Bunny, the trailer"],
    ["og:video", `${stage.url}/embed/${number}`],
    ["og:url", `${stage.url}/watch/${number}`],
  ]) {
    assert.ok(document.includes(`<meta property="${name}" content="${content}">`), `${name} is missing in ${document}`);
  }
  const image = /property="og:image" content="([^"]+)"/.exec(document)[1];
  const picture = await fetch(image);
  assert.equal(picture.headers.get("content-type"), "image/jpeg");

  const discovered = /type="application\/json\+oembed" href="([^"]+)"/.exec(document)[1];
  const oembed = await (await fetch(`${discovered}&maxwidth=320`)).json();
  assert.equal(oembed.type, "video");
  assert.equal(oembed.width, 320);
  assert.equal(oembed.title, "Big Buck Bunny, the trailer");
  assert.match(oembed.html, new RegExp(`<iframe src="${stage.url}/embed/${number}" width="320" height="\\d+"`));
}
