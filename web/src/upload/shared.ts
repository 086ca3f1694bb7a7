/** What other apps shared with this one, which `public/worker.js` keeps until it is taken here. */

import { base } from "../ui/format";

const KEPT = "clipsy-shared";

/** Receives what is shared with this site, which is only offered where it is installed. */
export function receiveShared() {
  if (!("serviceWorker" in navigator) || !import.meta.env.PROD) return;
  const register = () => {
    navigator.serviceWorker.register(`${base}/worker.js`).catch(() => undefined);
  };
  if (matchMedia("(display-mode: standalone)").matches) register();
  else addEventListener("appinstalled", register, { once: true });
}

/** The shared files, each given out once. */
export async function sharedFiles(): Promise<File[]> {
  if (!("caches" in globalThis)) return [];
  const cache = await caches.open(KEPT);
  const files: File[] = [];
  for (const request of await cache.keys()) {
    const response = await cache.match(request);
    await cache.delete(request);
    if (!response) continue;
    const name = decodeURIComponent(response.headers.get("X-Name") ?? "video.mp4");
    files.push(new File([await response.blob()], name, { type: response.headers.get("Content-Type") ?? "" }));
  }
  return files;
}
