// What runs in the browser: @uppy/tus as an application uses it. tools/js/uppy.mjs bundles it, opens it
// and calls `window.upload`; `window.tell` comes from there as well.

import Uppy from "@uppy/core";
import Tus from "@uppy/tus";

const DELAY_MS = 30;
let acknowledged = 0;

window.upload = async (job) => {
  const uppy = new Uppy({ autoProceed: false });
  let paused = false;
  let leaving = false;
  let underWay = 0;
  let video = null;
  uppy.use(Tus, {
    endpoint: job.endpoint,
    headers: { Authorization: `Bearer ${job.token}` },
    chunkSize: job.chunk ?? Infinity,
    retryDelays: Array(job.tries ?? 1000).fill(DELAY_MS),
    allowedMetaFields: true,
    // One chunk is on its way when the page is left; a fast server would have taken all that is left as well.
    onBeforeRequest: () => (leaving && underWay++ ? new Promise(() => {}) : undefined),
    onAfterResponse(request, response) {
      const offset = response.getHeader("Upload-Offset");
      video = response.getHeader("Clipsy-Video-Id") ?? video;
      window.tell("response", {
        method: request.getMethod(),
        url: request.getURL(),
        status: response.getStatus(),
        offset: offset == null ? null : Number(offset),
        video,
      });
    },
    onChunkComplete(_, accepted) {
      acknowledged = accepted;
      // The next chunk is on its way when this takes effect.
      if (job.leaveAt && !leaving && accepted >= job.leaveAt) {
        leaving = true;
        setTimeout(() => window.tell("leaving", { acknowledged: accepted }), 1);
      } else if (job.pauseAt && !paused && accepted >= job.pauseAt) {
        paused = true;
        setTimeout(pause, 1);
      }
    },
  });
  const file = document.querySelector("input").files[0];
  const id = uppy.addFile({ name: file.name, type: file.type, data: file, meta: job.metadata });

  function pause() {
    uppy.pauseResume(id);
    window.tell("paused", { acknowledged });
    setTimeout(() => uppy.pauseResume(id), 200);
  }

  const { successful, failed } = await uppy.upload();
  if (failed.length) window.tell("failed", { message: String(failed[0].error) });
  else window.tell("done", { url: successful[0].uploadURL, video });
};
