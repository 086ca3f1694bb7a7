// The made-up data of the stand-in server, and what moves it.

const RUNGS = [
  ["1080p", 1920, 1080, 4800],
  ["720p", 1280, 720, 2400],
  ["480p", 854, 480, 1200],
  ["360p", 640, 360, 700],
];
const TITLES = [
  "Sunrise over the harbour",
  "Quarterly review, recorded",
  "How the ladder works: one decode, four qualities",
  "Kayak trip, day 3",
  "Lecture 12: Eigenvalues and what they are good for in image compression",
  "<b>Not bold</b> <img src=x onerror=alert(1)>",
  "Grandmother's plum cake",
  "Ausflug an die Müritz",
  "Bike workshop: truing a wheel",
  "Concert, second half",
  "Time lapse of the building site",
  "Unboxing nothing at all",
];

const listeners = new Set();
const changed = (video) => {
  for (const listener of listeners) listener(video);
};
const minutesAgo = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();

const admin = {
  __typename: "User",
  id: "VXNlcjox",
  username: "admin",
  email: "admin@example.org",
  role: "ADMIN",
  active: true,

  createdAt: minutesAgo(90_000),
  storageBytes: 48_300_000_000,
  quotaBytes: 100_000_000_000,
};
const guest = { ...admin, id: "VXNlcjoy", username: "marta", role: "USER", email: "marta@example.org", storageBytes: 3_100_000_000, quotaBytes: null };

let nextNumber = 1;
const videos = [];
const uploads = new Map();
let paused = false;

function addVideo(title, state, extra = {}) {
  const number = nextNumber++;
  const video = {
    __typename: "Video",
    id: Buffer.from(`Video:${number}`).toString("base64url"),
    number,
    title,
    tags: number % 3 === 0 ? ["Holidays", "Phone"] : [],
    captions: [],
    captionsUploadUrl: `/api/videos/${number}/captions/{language}.vtt`,
    description: number % 3 === 0 ? "What happens here, and why.\n\nRecorded with a phone." : "",
    visibility: number % 5 === 0 ? "PRIVATE" : "PUBLIC",
    state,
    owner: number % 4 === 0 ? guest : admin,
    duration: 55.1,
    width: 1280,
    height: 720,
    fps: 24,
    views: number * number * 7,
    createdAt: minutesAgo(number * number * 13),
    updatedAt: minutesAgo(3),
    url: `/watch/${number}`,
    embedUrl: `/embed/${number}`,
    canEdit: true,
    attempts: 1,
    speed: 2 + Math.random() * 3,
    done: 0,
    failure: null,
    tracks: null,
    warnings: [],
    ...extra,
    get playable() {
      return this.state === "READY" || (this.state === "PROCESSING" && this.done > 40);
    },
    get canCancel() {
      return this.state === "QUEUED" || this.state === "PROCESSING";
    },
    get canRetry() {
      return this.state === "FAILED" || this.state === "CANCELLED";
    },
    get source() {
      return { filename: `${this.title}.mp4`, contentType: "video/mp4", bytes: 913_000_000 + number, sha256: "9f".repeat(32), downloadUrl: null };
    },
    picture: null,
    get thumbnailChosen() {
      return this.picture !== null;
    },
    get thumbnailUrl() {
      return this.picture ?? (this.playable ? "/media/sample/thumbnail.jpg" : null);
    },
    get playback() {
      if (!this.playable) return null;
      return { hlsUrl: "/media/sample/master.m3u8", thumbnailUrl: this.thumbnailUrl, storyboardUrl: "/media/sample/storyboard.vtt", expiresAt: null };
    },
    get progress() {
      if (this.state === "QUEUED") {
        const place = videos.filter((one) => one.state === "QUEUED").indexOf(this) + 1;
        return { percent: 0, etaSeconds: null, queuePosition: place, stage: "queued", speed: null };
      }
      if (this.state !== "PROCESSING") return null;
      return { percent: this.done, etaSeconds: (100 - this.done) * 1.5, queuePosition: null, stage: this.done < 3 ? "probing" : "transcoding", speed: this.speed };
    },
    get renditions() {
      return RUNGS.map(([name, width, height, bitrateKbps], index) => {
        const percent = Math.min(100, this.done * (1 + index * 0.12));
        const rendition =
          this.state === "READY" || percent >= 100 ? "DONE" : this.state === "PROCESSING" ? "RUNNING" : this.state === "FAILED" && index === 0 ? "FAILED" : "WAITING";
        return {
          id: `R${number}-${name}`,
          name,
          width,
          height,
          bitrateKbps,
          state: rendition,
          percent,
          fps: rendition === "RUNNING" ? this.speed * 24 * (1 + index * 0.1) : null,
          speed: rendition === "RUNNING" ? this.speed * (1 + index * 0.1) : null,
          etaSeconds: (100 - percent) * 1.5,
          bytes: rendition === "WAITING" ? 0 : Math.round((percent / 100) * bitrateKbps * 125 * 55),
          codecs: "avc1.640028,mp4a.40.2",
          encoder: rendition === "WAITING" ? null : "x264",
          attempt: this.attempts,
          error: rendition === "FAILED" ? "the encoder stopped" : null,
        };
      });
    },
    get jobs() {
      return [job(this)];
    },
  };
  videos.push(video);
  return video;
}

function job(video) {
  const state = { PROCESSING: "RUNNING", READY: "DONE" }[video.state] ?? video.state;
  return {
    __typename: "Job",
    id: `J${video.number}`,
    state: state === "UPLOADING" ? "QUEUED" : state,
    priority: 0,
    attempt: video.attempts,
    failures: 0,
    worker: state === "QUEUED" ? null : "studio-1",
    createdAt: video.createdAt,
    startedAt: state === "QUEUED" ? null : video.createdAt,
    finishedAt: ["DONE", "FAILED"].includes(state) ? minutesAgo(1) : null,
    failure: video.failure,
    nextAttemptAt: null,
    video,
  };
}

for (let index = 0; index < 60; index += 1) {
  addVideo(TITLES[index % TITLES.length] + (index < TITLES.length ? "" : ` (${index})`), "READY", index === 3 ? { width: 720, height: 1280 } : {});
}
const failure = {
  code: "corrupt_input",
  message: "The file is damaged and could not be read to its end.",
  advice: "Play it to see how far it goes, or export it again and upload the new file.",
  stage: "decode",
  retryable: true,
  detail: "qtdemux: no moov atom",
  log: ["ERROR demux: could not find moov", "ERROR no more data at 1048576"],
};
addVideo("Broken tape", "FAILED", { failure, createdAt: minutesAgo(4) });
const track = (kind, index, codec, language = null) => ({ kind, index, codec, language });
addVideo("Interview with two sounds", "READY", {
  createdAt: minutesAgo(3),
  tracks: {
    video: track("VIDEO", 0, "H.264 (High Profile)"),
    audio: track("AUDIO", 1, "MPEG-4 AAC", "de"),
    leftAside: [
      { ...track("VIDEO", 1, "JPEG"), reason: "SINGLE_PICTURE" },
      { ...track("AUDIO", 0, "MPEG-4 AAC", "en"), reason: "NOT_DEFAULT" },
    ],
  },
  warnings: [{ code: "TRUNCATED", message: "the source ends after 41.0 s of 55.1 s; what is there was used" }],
});
addVideo("Cancelled by hand", "CANCELLED", { createdAt: minutesAgo(5) });
addVideo("Processing now", "PROCESSING", { done: 12, createdAt: minutesAgo(2) });
addVideo("Waits for its turn", "QUEUED", { createdAt: minutesAgo(1) });
addVideo("Waits longer", "QUEUED", { createdAt: minutesAgo(0) });

setInterval(() => {
  const running = videos.filter((video) => video.state === "PROCESSING");
  for (const video of running) {
    video.done = Math.min(99.4, video.done + 0.6);
    if (video.done > 99) video.state = "READY";
    changed(video);
  }
  const waiting = videos.find((video) => video.state === "QUEUED");
  if (running.length === 0 && waiting && !paused) {
    waiting.state = "PROCESSING";
    changed(waiting);
  }
}, 400);

/** Values as they come, until nobody listens any more. */
async function* feed(select, first = []) {
  const pending = [...first];
  let wake = () => {};
  const listener = (video) => {
    const value = select(video);
    if (value) pending.push(value);
    wake();
  };
  listeners.add(listener);
  try {
    for (;;) {
      while (pending.length > 0) yield pending.shift();
      await new Promise((resolve) => (wake = resolve));
    }
  } finally {
    listeners.delete(listener);
  }
}

const find = (id) => videos.find((video) => video.id === id || String(video.number) === id) ?? null;
const done = (fields) => ({ ...fields, userErrors: [] });
const page = (list, first, after) => {
  const start = after ? Number(after) : 0;
  const nodes = list.slice(start, start + (first ?? 20));
  const end = start + nodes.length;
  return { nodes, edges: [], totalCount: list.length, pageInfo: { hasNextPage: end < list.length, hasPreviousPage: start > 0, startCursor: String(start), endCursor: String(end) } };
};
const queue = () => ({
  paused,
  queued: videos.filter((video) => video.state === "QUEUED").length,
  running: videos.filter((video) => video.state === "PROCESSING").length,
  failed: videos.filter((video) => video.state === "FAILED").length,
  concurrency: 1,
  oldestQueuedAt: minutesAgo(2),
  jobs: videos.filter((video) => ["QUEUED", "PROCESSING"].includes(video.state)).map(job),
});
const cards = [
  { id: "C1", name: "GPU-5c2a6f0e", label: "NVIDIA L4", kind: "nvidia", jobs: 1, sessions: 4, sessionLimit: 8, encoderLoad: 62, decoderLoad: 18, load: 35, memoryUsedBytes: 3.2e9, memoryBytes: 24e9 },
  { id: "C2", name: "renderD129", label: "Intel Arc A380", kind: "va", jobs: 0, sessions: 0, sessionLimit: null, encoderLoad: null, decoderLoad: null, load: null, memoryUsedBytes: null, memoryBytes: null },
];
const worker = () => ({ id: "W1", host: "studio-1", startedAt: minutesAgo(300), lastSeenAt: minutesAgo(0), slots: 2, busy: 1, encoders: ["x264"], cards, draining: false, version: "0.1.0", jobs: [] });
const session = (context) => {
  context.setCookie("clipsy_refresh=1; HttpOnly; SameSite=Strict; Path=/graphql");
  return done({ accessToken: "mock", refreshToken: null, expiresAt: minutesAgo(-15), viewer: admin });
};

export const root = {
  viewer: (_args, context) => (context.signedIn ? { ...admin, uploads: [...uploads.values()].filter((upload) => !upload.video) } : null),
  video: ({ id }) => find(id),
  videos({ first, after, filter, orderBy }) {
    const words = filter?.search?.toLowerCase() ?? "";
    const list = videos
      .filter((video) => video.title.toLowerCase().includes(words))
      .filter((video) => !filter?.states || filter.states.includes(video.state))
      .filter((video) => !filter?.mine || video.owner === admin)
      .toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
    if (orderBy?.field === "TITLE") list.sort((a, b) => a.title.localeCompare(b.title));
    return page(list, first, after);
  },
  upload: ({ id }) => uploads.get(id) ?? null,
  tagSuggestions: ({ startingWith }) => ["Holidays", "Phone"].filter((tag) => tag.toLowerCase().startsWith(startingWith.toLowerCase())),
  queue,
  workers: () => [worker()],
  encoders: () => [
    { id: "x264", label: "x264 on the CPU", kind: "software", works: true, reason: null, advice: null, preferred: true, element: "x264enc", host: "studio-1" },
    { id: "nvenc", label: "NVENC", kind: "nvenc", works: false, reason: "libcuda.so.1 cannot be loaded.", advice: "Install the NVIDIA driver and give the container the GPU.", preferred: false, element: "nvh264enc", host: "studio-1" },
  ],
  failures: ({ first, after }) => page(videos.filter((video) => video.state === "FAILED"), first, after),
  throughput: ({ minutes }) =>
    Array.from({ length: minutes }, (_, index) => {
      const finished = Math.max(0, Math.round(2 * Math.sin(index / 6) + 1));
      return { at: minutesAgo(minutes - index), finished, failed: index % 23 === 0 ? 1 : 0, mediaSeconds: finished * 140, encodeSeconds: finished * 60 };
    }),
  storageUsage: () => ({ originalsBytes: 61e9, renditionsBytes: 43e9, uploadsBytes: 1.2e9, freeBytes: 310e9, videos: videos.length, largest: videos.slice(0, 8), thumbnailsBytes: 4e6, freeable: { garbage: 3, garbageBytes: 2.1e9, failedVideos: 1, failedBytes: 4e8, idleUploads: 2, idleBytes: 7e8 } }),
  settings: () => [
    { name: "listen", flag: "--listen", variable: "CLIPSY_LISTEN", about: "Address to listen on", value: "127.0.0.1:8000", secret: false, source: "DEFAULT" },
    { name: "metrics_token", flag: null, variable: "CLIPSY_METRICS_TOKEN", about: "Token that those have to send who fetch figures", value: null, secret: true, source: "ENVIRONMENT" },
  ],
  audit: () => [],
  users: ({ search }) => page([admin, guest].filter((user) => user.username.includes(search ?? "")), 50),
  serverInfo: () => ({ version: "0.1.0", name: "Clipsy", maxUploadBytes: 50e9, tusUrl: "/api/uploads/", anonymousBrowsing: true }),

  signIn: ({ input }, context) =>
    input.username === "admin" ? session(context) : { userErrors: [{ code: "invalid", message: "No active account found with the given credentials", field: null }] },
  refreshSession: (_args, context) => (context.cookie ? session(context) : { userErrors: [{ code: "signed_out", message: "No session.", field: null }] }),
  signOut(_args, context) {
    context.setCookie("clipsy_refresh=; Max-Age=0; Path=/graphql");
    return done({ ok: true });
  },
  changePassword(_args, context) {

    return session(context);
  },
  createUpload({ input }) {
    const id = Math.random().toString(16).slice(2).padEnd(32, "0");
    const upload = { tags: [], ...input, __typename: "Upload", id, url: `http://clipsy.example/api/uploads/${id}`, offset: 0, createdAt: minutesAgo(0), expiresAt: minutesAgo(-1440), video: null };
    uploads.set(id, upload);
    return done({ upload });
  },
  updateUpload: ({ input }) => done({ upload: Object.assign(uploads.get(input.id), input) }),
  deleteUpload({ input }) {
    uploads.delete(input.id);
    return done({ deletedId: input.id });
  },
  updateVideo({ input: { id, ...fields } }) {
    const video = Object.assign(find(id), fields);
    changed(video);
    return done({ video });
  },
  deleteVideo({ input }) {
    videos.splice(videos.indexOf(find(input.id)), 1);
    return done({ deletedId: input.id });
  },
  cancelVideo({ input }) {
    const video = Object.assign(find(input.id), { state: "CANCELLED" });
    changed(video);
    return done({ video });
  },
  retryVideo({ input }) {
    const video = find(input.id);
    Object.assign(video, { state: "QUEUED", failure: null, done: 0, attempts: video.attempts + 1 });
    changed(video);
    return done({ video });
  },
  chooseThumbnail({ input }) {
    // There is one picture only; the address is new all the same.
    const video = Object.assign(find(input.id), { picture: `/media/sample/thumbnail.jpg?at=${input.atSeconds}` });
    changed(video);
    return done({ video });
  },
  resetThumbnail({ input }) {
    const video = Object.assign(find(input.id), { picture: null });
    changed(video);
    return done({ video });
  },
  createUser: () => done({ user: { ...guest, id: "VXNlcjoz", username: "new" } }),
  updateUser: () => done({ user: guest }),
  pauseQueue() {
    paused = true;
    changed(null);
    return done({ queue: queue() });
  },
  resumeQueue() {
    paused = false;
    changed(null);
    return done({ queue: queue() });
  },

  videoProgress({ id }) {
    const video = find(id);
    let seq = 0;
    const tell = () => ({ videoProgress: { ...video.progress, seq: ++seq, video, state: video.state, playable: video.playable, attempt: 1, renditions: video.renditions } });
    return feed((one) => one === video && tell(), [tell()]);
  },
  myVideos: () => feed((video) => video && !video.told && (video.told = true) && { myVideos: { kind: "UPDATED", videoId: video.id, video } }),
  queueChanged: () => feed(() => ({ queueChanged: queue() }), [{ queueChanged: queue() }]),
  workerChanged: () => feed(() => null, [{ workerChanged: worker() }]),
};

/** As much of tus as one upload needs; the bytes are thrown away. */
export async function tus(request, response, id) {
  const upload = uploads.get(id);
  if (!upload) return response.writeHead(404).end();
  if (request.method === "PATCH") {
    try {
      for await (const chunk of request) upload.offset += chunk.length;
    } catch {
      // The connection was cut; what came before it counts.
      return;
    }
    if (upload.offset === upload.length) {
      upload.video ??= addVideo(upload.title, "QUEUED", { done: 0, visibility: upload.visibility, createdAt: minutesAgo(0) });
      response.setHeader("Clipsy-Video-Id", upload.video.number);
    }
  }
  response.writeHead(request.method === "PATCH" ? 204 : 200, { "Tus-Resumable": "1.0.0", "Upload-Offset": upload.offset, "Upload-Length": upload.length }).end();
}
