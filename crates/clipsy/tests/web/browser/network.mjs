// A network between the browser and the server on which uploads take their time, and which can be lost.
//
// The browser's own tools for that will not do: what they hold back is sent all at once when the page goes
// away or the network does, so that an upload may be done that was to be cut.

import { once } from "node:events";
import { createConnection, createServer } from "node:net";

/** Opens an address that leads to `url`; what is sent to it arrives at so many bytes a second. */
export async function slowNetwork(url, bytesPerSecond) {
  const { hostname, port } = new URL(url);
  const sockets = new Set();
  let rate = bytesPerSecond;
  let lost = false;

  const server = createServer((browser) => {
    if (lost) return browser.destroy();
    const service = createConnection(Number(port), hostname);
    const both = [browser, service];
    for (const socket of both) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        for (const other of both) other.destroy();
      });
    }
    service.pipe(browser);
    browser.on("data", (bytes) => {
      service.write(bytes);
      if (!rate) return;
      browser.pause();
      setTimeout(() => browser.resume(), (bytes.length / rate) * 1000);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** Ends what is under way. What a page that is left has sent does not go on arriving. */
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    /** Ends it and refuses what comes. */
    lose() {
      lost = true;
      this.cut();
    },
    comeBack() {
      lost = false;
    },
    /** 0 for as fast as it goes. */
    be(bytesPerSecond) {
      rate = bytesPerSecond;
    },
  };
}
