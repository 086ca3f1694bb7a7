/**
 * The upload queue: which files go up, how far they are, what is next.
 *
 * It knows nothing of GraphQL, tus or React; those come in as `Transport`. Every change replaces the
 * items it touches, so that views can compare by identity.
 */

import type { Visibility } from "../gql/graphql";
import { Meter } from "./meter";

/**
 * `waiting` for its turn · `starting`: being announced to the server · `sending` · `paused` by the
 * person · `offline`: the network is away, tried again by itself · `needsFile`: known to the server
 * from before, the file has to be chosen again · `done` · `failed`: needs the person.
 */
export type Phase =
  | "waiting"
  | "starting"
  | "sending"
  | "paused"
  | "offline"
  | "needsFile"
  | "done"
  | "failed";

export interface Details {
  title: string;
  description: string;
  visibility: Visibility;
  tags: readonly string[];
}

export interface Item extends Details {
  /** Names the item for as long as the tab lives. */
  key: string;
  filename: string;
  size: number;
  phase: Phase;
  /** Bytes on their way or stored. */
  sent: number;
  /** Bytes a second, over the last seconds. */
  rate: number | null;
  etaSeconds: number | null;
  /** Set once the server knows the upload. */
  uploadId: string | null;
  url: string | null;
  problem: Problem | null;
  /** Number of the video, once all bytes are there. */
  video: number | null;
}

/** Why something did not work. `passing`: worth trying again without the person. */
export interface Problem {
  code: string;
  message: string;
  passing: boolean;
}

/** An unfinished upload as the server tells of it. */
export interface Unfinished extends Details {
  id: string;
  url: string;
  filename: string;
  offset: number;
  length: number | null;
}

export interface SendEvents {
  progress: (sent: number) => void;
  done: (video: number | null) => void;
  failed: (problem: Problem) => void;
}

export interface Transport {
  create: (file: File, details: Details) => Promise<{ id: string; url: string } | Problem>;
  /** Sends what the server does not have yet; gives back how to stop. */
  send: (file: File, uploadId: string, url: string, events: SendEvents) => () => void;
  /** Tells other tabs that this one looks after the upload; gives back how to let go of it. */
  hold: (uploadId: string) => () => void;
  /** Tells the server details that changed while it made the upload. */
  edit: (uploadId: string, details: Details) => Promise<void>;
  /** `leaving`: the page is being left, so that nothing can be waited for. */
  remove: (uploadId: string, leaving?: boolean) => Promise<void>;
}

export interface QueueParts {
  transport: Transport;
  now: () => number;
  /** Calls back after `ms`; gives back how to cancel. */
  later: (ms: number, task: () => void) => () => void;
  online: () => boolean;
  /** Files that are sent at the same time. */
  parallel: number;
  /** Whether a file, equal in name and size, is the one whose upload was begun. */
  isSame: (uploadId: string, file: File) => Promise<boolean>;
}

interface Work {
  file: File | null;
  stop: (() => void) | null;
  letGo: (() => void) | null;
  meter: Meter;
  failures: number;
  lastShown: number;
}

const SHOW_EVERY_MS = 200;
/** How long an upload that was taken off the list can be brought back, in milliseconds. */
export const SET_ASIDE_MS = 8_000;

export function createQueue(parts: QueueParts) {
  let items: readonly Item[] = [];
  let next = 1;
  const works = new Map<string, Work>();
  /** Gives up what was set aside. */
  const aside = new Set<(leaving: boolean) => void>();
  const listeners = new Set<() => void>();

  function change(key: string, patch: Partial<Item>) {
    items = items.map((item) => (item.key === key ? { ...item, ...patch } : item));
    for (const listener of listeners) listener();
  }

  function insert(item: Omit<Item, "key">, file: File | null): string {
    const key = String(next++);
    works.set(key, { file, stop: null, letGo: null, meter: new Meter(), failures: 0, lastShown: 0 });
    items = [...items, { ...item, key }];
    for (const listener of listeners) listener();
    return key;
  }

  const find = (key: string) => items.find((item) => item.key === key);

  /** Stops what runs for an item, without saying why. */
  function halt(key: string) {
    const work = works.get(key);
    work?.stop?.();
    if (work) work.stop = null;
  }

  /** Stops it and leaves it to others. */
  function abandon(key: string) {
    halt(key);
    works.get(key)?.letGo?.();
    works.delete(key);
  }

  /** Starts what waits, as far as there is room. */
  function pump() {
    const busy = items.filter((item) => item.phase === "starting" || item.phase === "sending").length;
    const waiting = items.filter((item) => item.phase === "waiting");
    for (const item of waiting.slice(0, Math.max(0, parts.parallel - busy))) void begin(item.key);
  }

  async function begin(key: string) {
    const item = find(key);
    const work = works.get(key);
    if (!item || !work?.file) return;
    const { file } = work;
    let { uploadId, url } = item;
    if (!uploadId || !url) {
      change(key, { phase: "starting", problem: null });
      let made: Awaited<ReturnType<Transport["create"]>>;
      try {
        made = await parts.transport.create(file, item);
      } catch (error) {
        made = { code: "network", message: String(error), passing: true };
      }
      const now = find(key);
      if (!now) {
        // Cancelled while the server was making it.
        if ("id" in made) void parts.transport.remove(made.id).catch(() => undefined);
        return;
      }
      if (!("id" in made)) return failed(key, made);
      ({ id: uploadId, url } = made);
      change(key, { uploadId, url });
      const same = (["title", "description", "visibility", "tags"] as const).every((one) => now[one] === item[one]);
      if (!same) void parts.transport.edit(uploadId, now).catch(() => undefined);
      if (now.phase !== "starting") return pump();
    }
    change(key, { phase: "sending", problem: null });
    work.meter = new Meter();
    work.letGo ??= parts.transport.hold(uploadId);
    const stop = parts.transport.send(file, uploadId, url, {
      progress: (sent) => progress(key, sent),
      done: (video) => done(key, video),
      failed: (problem) => failed(key, problem),
    });
    if (find(key)?.phase === "sending") work.stop = stop;
    else stop();
  }

  function progress(key: string, sent: number) {
    const item = find(key);
    const work = works.get(key);
    if (item?.phase !== "sending" || !work) return;
    const now = parts.now();
    work.meter.add(now, sent);
    work.failures = 0;
    if (now - work.lastShown < SHOW_EVERY_MS) return;
    work.lastShown = now;
    const rate = work.meter.rate();
    change(key, { sent, rate, etaSeconds: rate ? (item.size - sent) / rate : null });
  }

  function done(key: string, video: number | null) {
    const work = works.get(key);
    const item = find(key);
    if (!work || !item) return;
    work.stop = null;
    work.file = null;
    work.letGo?.();
    change(key, { phase: "done", sent: item.size, rate: null, etaSeconds: null, problem: null, video });
    pump();
  }

  function failed(key: string, problem: Problem) {
    const work = works.get(key);
    const item = find(key);
    if (!work || !item || (item.phase !== "sending" && item.phase !== "starting")) return;
    work.stop = null;
    if (!problem.passing) {
      change(key, { phase: "failed", rate: null, etaSeconds: null, problem });
      return pump();
    }
    work.failures += 1;
    change(key, { phase: "offline", rate: null, etaSeconds: null, problem });
    work.stop = parts.later(retryMs(work.failures), () => {
      work.stop = null;
      if (find(key)?.phase === "offline" && parts.online()) wake(key);
    });
    pump();
  }

  function wake(key: string) {
    halt(key);
    change(key, { phase: "waiting", problem: null });
    pump();
  }

  function takeUp(file: File, details?: Partial<Details>) {
    insert(
      {
        filename: file.name,
        size: file.size,
        phase: "waiting",
        sent: 0,
        rate: null,
        etaSeconds: null,
        uploadId: null,
        url: null,
        problem: null,
        video: null,
        title: titleOf(file.name),
        description: "",
        visibility: "PRIVATE",
        tags: [],
        ...details,
      },
      file,
    );
    pump();
  }

  return {
    get: () => items,
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },

    /** Takes files up. One that the server knows half of goes on where it was. */
    add(files: Iterable<File>, details?: Partial<Details>) {
      for (const file of files) {
        const known = items.find((item) => item.phase === "needsFile" && fits(item, file));
        if (known) {
          void this.provide(known.key, file).then((taken) => {
            if (taken || !find(known.key)) return;
            // Equal in name and size, and yet another video.
            change(known.key, { problem: null });
            takeUp(file, details);
          });
          continue;
        }
        takeUp(file, details);
      }
    },

    /** Gives an upload from before its file back. Refuses a different file. */
    async provide(key: string, file: File): Promise<boolean> {
      const item = find(key);
      const work = works.get(key);
      if (item?.phase !== "needsFile" || !item.uploadId || !work) return false;
      if (!fits(item, file)) {
        change(key, { problem: otherFile(file) });
        return false;
      }
      work.file = file;
      change(key, { phase: "starting", problem: null });
      // Where nothing was kept to compare with, name and size have to do.
      const same = await parts.isSame(item.uploadId, file).catch(() => true);
      if (!works.has(key)) return false;
      if (!same) {
        work.file = null;
        change(key, { phase: "needsFile", problem: otherFile(file) });
        return false;
      }
      if (find(key)?.phase === "starting") wake(key);
      return true;
    },

    /** Shows what the server knows of from before this page was loaded. */
    restore(uploads: Unfinished[]) {
      for (const upload of uploads) {
        if (items.some((item) => item.uploadId === upload.id)) continue;
        insert(
          {
            filename: upload.filename,
            size: upload.length ?? 0,
            phase: "needsFile",
            sent: upload.offset,
            rate: null,
            etaSeconds: null,
            uploadId: upload.id,
            url: upload.url,
            problem: null,
            video: null,
            title: upload.title,
            description: upload.description,
            visibility: upload.visibility,
            tags: upload.tags,
          },
          null,
        );
      }
    },

    pause(key: string) {
      const item = find(key);
      if (!item || !["waiting", "starting", "sending", "offline"].includes(item.phase)) return;
      halt(key);
      change(key, { phase: "paused", rate: null, etaSeconds: null, problem: null });
      pump();
    },

    resume(key: string) {
      const item = find(key);
      if (item?.phase !== "paused" && item?.phase !== "offline" && item?.phase !== "failed") return;
      const work = works.get(key);
      // What the server does not know any more begins anew; the rest goes on where it was.
      if (item.phase === "failed" && item.problem?.code === "gone") {
        change(key, { uploadId: null, url: null, sent: 0 });
        work?.letGo?.();
        if (work) work.letGo = null;
      }
      if (work) work.failures = 0;
      wake(key);
    },

    /** Stops an upload and has the server throw away what it has of it. */
    cancel(key: string) {
      const item = find(key);
      abandon(key);
      items = items.filter((one) => one.key !== key);
      for (const listener of listeners) listener();
      if (item?.uploadId && item.phase !== "done") {
        void parts.transport.remove(item.uploadId).catch(() => undefined);
      }
      pump();
    },

    /**
     * Takes an upload off the list. What the server has of it is thrown away a little later, unless what is
     * given back is called: then it goes on.
     */
    setAside(key: string): () => void {
      const item = find(key);
      const work = works.get(key);
      if (!item || !work) return () => undefined;
      halt(key);
      items = items.filter((one) => one.key !== key);
      for (const listener of listeners) listener();
      pump();
      const giveUp = (leaving: boolean) => {
        stop();
        aside.delete(giveUp);
        abandon(key);
        if (item.uploadId && item.phase !== "done") void parts.transport.remove(item.uploadId, leaving).catch(() => undefined);
      };
      const stop = parts.later(SET_ASIDE_MS, () => giveUp(false));
      aside.add(giveUp);
      return () => {
        stop();
        aside.delete(giveUp);
        // The tab's uploads were cleared meanwhile.
        if (!works.has(key)) return;
        if (item.phase === "starting") {
          // What the server makes of the first try is thrown away: the item is no longer there.
          abandon(key);
          insert({ ...item, phase: "waiting" }, work.file);
        } else {
          const goesOn = item.phase === "sending" || item.phase === "offline";
          items = [...items, goesOn ? { ...item, phase: "waiting" } : item];
          for (const listener of listeners) listener();
        }
        pump();
      };
    },

    /** The page is being left: what was set aside cannot be brought back any more. */
    left() {
      for (const giveUp of aside) giveUp(true);
    },

    /** Takes finished ones off the list. */
    tidy() {
      for (const item of items) if (item.phase === "done") works.delete(item.key);
      items = items.filter((item) => item.phase !== "done");
      for (const listener of listeners) listener();
    },

    /** Notes what the server has accepted as the new details. */
    noteDetails(key: string, details: Partial<Details>) {
      change(key, details);
    },

    /** The network is gone: what is on its way would only hang until it timed out. */
    wentOffline() {
      for (const item of items) {
        if (item.phase !== "sending") continue;
        halt(item.key);
        change(item.key, { phase: "offline", rate: null, etaSeconds: null, problem: { code: "network", message: "", passing: true } });
      }
    },

    /** The network came back: all that waits for it goes on. */
    cameOnline() {
      for (const item of items) {
        if (item.phase !== "offline") continue;
        halt(item.key);
        change(item.key, { phase: "waiting", problem: null });
      }
      pump();
    },

    /** Whether leaving the page would stop something. */
    busy: () => items.some((item) => ["waiting", "starting", "sending", "offline"].includes(item.phase)),

    /** Another person signed in, or nobody: nothing of this one may stay. */
    clear() {
      for (const key of [...works.keys()]) abandon(key);
      items = [];
      for (const listener of listeners) listener();
    },
  };
}

export type Queue = ReturnType<typeof createQueue>;

function otherFile(file: File): Problem {
  return { code: "other_file", message: file.name, passing: false };
}

function fits(item: Item, file: File): boolean {
  return item.filename === file.name && item.size === file.size;
}

/** One second, doubling to half a minute. */
export function retryMs(failures: number): number {
  return Math.min(30_000, 1_000 * 2 ** (failures - 1));
}

/** `My_clip.final.mp4` becomes `My clip.final`: underscores stand for blanks where there are no blanks. */
export function titleOf(filename: string): string {
  const dot = filename.lastIndexOf(".");
  const name = dot > 0 ? filename.slice(0, dot) : filename;
  const spaced = /\s/.test(name) ? name : name.replaceAll("_", " ");
  return spaced.replace(/\s+/g, " ").trim() || filename;
}
