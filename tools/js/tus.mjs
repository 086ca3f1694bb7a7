// Uploads one file with tus-js-client, as the job on the command line says, and tells what happens.
//
//     node tools/js/tus.mjs JOB
//
// JOB is a JSON object:
//
//     endpoint, token   where to, and whose bearer token
//     file, metadata    what, and the values of Upload-Metadata
//     chunk             bytes per PATCH; without it, all that is left goes in one
//     parallel          parts that are sent side by side and then concatenated
//     inCreation        true sends the first bytes with the request that makes the upload
//     deferLength       true tells the length with the last bytes only; needs a chunk
//     pauseAt           pauses when so many bytes were acknowledged, and goes on
//     leaveAt           ends itself there, as a person does who closes the program
//     memory            file that remembers uploads, by which a later run goes on
//     patience          ms without any sign of life after which it begins again where it was
//     tries             failures in a row after which it gives up (1000)
//
// One JSON object a line is written: "response" for every answer, "paused", "impatient", "again", "left",
// and at the end "done" with the upload's address and its video. A failure ends it with status 1.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { PassThrough } from "node:stream";
import { DetailedError, FileUrlStorage, Upload } from "tus-js-client";

const job = JSON.parse(process.argv[2]);
const DELAY_MS = 30;
// What tus-js-client needs to be done with a request that was aborted: going on any earlier, it would
// take that request's error for one of the next.
const BREATH_MS = 200;

const tell = (event, facts = {}) => process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`);

let acknowledged = 0;
let failures = 0;
let impatience;
let over = false;
let paused = false;
let video = null;

let stream = createReadStream(job.file);
// Of a file it would know the length.
if (job.deferLength) stream = stream.pipe(new PassThrough());
const { size } = await stat(job.file);
const upload = new Upload(stream, options());
if (job.memory) {
  const [previous] = await upload.findPreviousUploads();
  if (previous) {
    tell("remembered", { url: previous.uploadUrl });
    upload.resumeFromPreviousUpload(previous);
  }
}
upload.start();
alive();

function options() {
  const more = {};
  if (job.chunk) more.chunkSize = job.chunk;
  if (job.parallel) more.parallelUploads = job.parallel;
  if (job.inCreation) more.uploadDataDuringCreation = true;
  if (job.deferLength) more.uploadLengthDeferred = true;
  if (job.memory) more.urlStorage = new FileUrlStorage(job.memory);
  return {
    endpoint: job.endpoint,
    headers: { Authorization: `Bearer ${job.token}` },
    metadata: job.metadata ?? {},
    retryDelays: Array(job.tries ?? 1000).fill(DELAY_MS),
    removeFingerprintOnSuccess: true,
    ...more,
    onBeforeRequest: alive,
    onProgress: alive,
    onAfterResponse(request, response) {
      alive();
      const offset = response.getHeader("Upload-Offset");
      video = response.getHeader("Clipsy-Video-Id") ?? video;
      tell("response", {
        method: request.getMethod(),
        url: request.getURL(),
        status: response.getStatus(),
        offset: offset === undefined ? null : Number(offset),
        video,
      });
    },
    onChunkComplete(_, accepted) {
      acknowledged = accepted;
      // The next chunk is on its way when this takes effect.
      if (job.leaveAt && accepted >= job.leaveAt) setTimeout(leave, 1);
      else if (job.pauseAt && !paused && accepted >= job.pauseAt && accepted < size) setTimeout(pause, 1);
    },
    onError: fail,
    onSuccess() {
      finish();
      tell("done", { url: upload.url, video });
    },
  };
}

async function pause() {
  if (paused || over) return;
  paused = true;
  await upload.abort();
  tell("paused", { acknowledged });
  setTimeout(() => upload.start(), BREATH_MS);
}

async function leave() {
  if (over) return;
  finish();
  await upload.abort();
  tell("left", { acknowledged, url: upload.url });
  process.exit(0);
}

// Node.js waits for ever on a connection that went silent, and tus-js-client with it.
function alive() {
  clearTimeout(impatience);
  if (!job.patience || over) return;
  impatience = setTimeout(async () => {
    tell("impatient");
    await upload.abort();
    setTimeout(() => {
      upload.start();
      alive();
    }, BREATH_MS);
  }, job.patience);
}

function finish() {
  over = true;
  clearTimeout(impatience);
}

function fail(error) {
  const status = error instanceof DetailedError ? error.originalResponse?.getStatus() : undefined;
  // It does not repeat the request that puts parts together: a person presses a button here.
  if (status === undefined && ++failures < (job.tries ?? 1000)) {
    tell("again", { message: String(error.message) });
    setTimeout(() => upload.start(), DELAY_MS);
    return;
  }
  finish();
  tell("failed", { status: status ?? null, message: String(error.message) });
  process.exit(1);
}
