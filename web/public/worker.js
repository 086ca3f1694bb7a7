// Takes what other apps share with this one: the files wait in a cache until the page for uploads takes them.
// Nothing else goes through here, so that pages are never older than the server.

const KEPT = "clipsy-shared";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const share = new URL("share", self.registration.scope);
  if (event.request.method !== "POST" || event.request.url !== share.href) return;
  event.respondWith(keep(event.request));
});

async function keep(request) {
  const form = await request.formData();
  const cache = await caches.open(KEPT);
  for (const file of form.getAll("videos")) {
    if (!(file instanceof File)) continue;
    const headers = { "Content-Type": file.type || "video/mp4", "X-Name": encodeURIComponent(file.name) };
    await cache.put(new URL(`shared/${crypto.randomUUID()}`, self.registration.scope), new Response(file, { headers }));
  }
  return Response.redirect(new URL("upload", self.registration.scope), 303);
}
