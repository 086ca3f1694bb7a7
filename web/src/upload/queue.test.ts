import { beforeEach, describe, expect, it } from "vitest";
import { createQueue, retryMs, SET_ASIDE_MS, titleOf, type Problem, type Queue, type SendEvents } from "./queue";

/** A server and a clock that do what the test says, when it says so. */
function world() {
  let now = 0;
  let online = true;
  let timers: { at: number; task: () => void }[] = [];
  const held: string[] = [];
  let made = 0;
  const sends: { file: File; id: string; events: SendEvents; stopped: boolean }[] = [];
  const removed: string[] = [];
  const edited: [string, string, string][] = [];
  const creates: { resolve: (made: { id: string; url: string } | Problem) => void }[] = [];
  let hold = false;
  const queue: Queue = createQueue({
    parallel: 2,
    now: () => now,
    online: () => online,
    isSame: (_id, file) => Promise.resolve(!file.type.includes("other")),
    later(ms, task) {
      const timer = { at: now + ms, task };
      timers.push(timer);
      return () => {
        timers = timers.filter((one) => one !== timer);
      };
    },
    transport: {
      create: () =>
        new Promise((resolve) => {
          if (hold) creates.push({ resolve });
          else resolve({ id: `id${made}`, url: `/api/uploads/id${made++}` });
        }),
      send(file, id, _url, events) {
        const one = { file, id, events, stopped: false };
        sends.push(one);
        return () => {
          one.stopped = true;
        };
      },
      hold(id) {
        held.push(id);
        return () => void held.splice(held.indexOf(id), 1);
      },
      edit: (id, details) => {
        edited.push([id, details.title, details.tags.join()]);
        return Promise.resolve();
      },
      remove: (id) => {
        removed.push(id);
        return Promise.resolve();
      },
    },
  });
  return {
    queue,
    sends,
    held,
    removed,
    edited,
    creates,
    hold: () => (hold = true),
    goOffline: () => (online = false),
    goOnline: () => {
      online = true;
      queue.cameOnline();
    },
    pass(ms: number) {
      now += ms;
      const due = timers.filter((one) => one.at <= now);
      timers = timers.filter((one) => one.at > now);
      for (const one of due) one.task();
    },
  };
}

const file = (name: string, size = 1000) => new File([new Uint8Array(size)], name);
const settle = () => new Promise((resolve) => setTimeout(resolve));
const lost: Problem = { code: "network", message: "", passing: true };
const refused: Problem = { code: "refused", message: "too large", passing: false };

describe("the upload queue", () => {
  let at: ReturnType<typeof world>;
  const phases = () => at.queue.get().map((item) => item.phase);
  const first = () => {
    const item = at.queue.get()[0];
    if (!item) throw new Error("the queue is empty");
    return item;
  };
  const send = (index: number) => {
    const one = at.sends[index];
    if (!one) throw new Error(`nothing was sent as number ${index}`);
    return one;
  };

  beforeEach(() => {
    at = world();
  });

  it("keeps hold of an upload, moving or not, until it is done or gone", async () => {
    at.queue.add([file("a.mp4"), file("b.mp4")]);
    await settle();
    expect(at.held).toEqual(["id0", "id1"]);
    at.queue.pause(at.queue.get()[0]?.key ?? "");
    send(1).events.failed(lost);
    expect(at.held).toEqual(["id0", "id1"]);
    at.pass(1_000);
    expect(at.held).toEqual(["id0", "id1"]);
    send(2).events.done(7);
    expect(at.held).toEqual(["id0"]);
    at.queue.clear();
    expect(at.held).toEqual([]);
  });

  it("sends two at a time, the next when one is done", async () => {
    at.queue.add([file("a.mp4"), file("b.mp4"), file("c.mp4")]);
    await settle();
    expect(phases()).toEqual(["sending", "sending", "waiting"]);
    send(0).events.done(7);
    await settle();
    expect(phases()).toEqual(["done", "sending", "sending"]);
    expect(first()).toMatchObject({ video: 7, sent: 1000 });
    expect(at.queue.busy()).toBe(true);
  });

  it("pauses and goes on with the same upload", async () => {
    at.queue.add([file("a.mp4")]);
    await settle();
    const { uploadId, key } = first();
    at.queue.pause(key);
    expect(send(0).stopped).toBe(true);
    expect(phases()).toEqual(["paused"]);
    expect(at.queue.busy()).toBe(false);
    at.queue.resume(key);
    await settle();
    expect(phases()).toEqual(["sending"]);
    expect(send(1).id).toBe(uploadId);
  });

  it("tells how fast and how long, and not more often than people can read", async () => {
    at.queue.add([file("a.mp4", 10_000)]);
    await settle();
    for (let step = 1; step <= 40; step += 1) {
      at.pass(100);
      send(0).events.progress(step * 100);
    }
    const item = first();
    expect(item.rate).toBeCloseTo(1000, -1);
    expect(item.etaSeconds).toBeCloseTo(6, 0);
    const before = item.sent;
    send(0).events.progress(4001);
    expect(first().sent).toBe(before);
  });

  it("waits for the network by itself and goes on when it is back", async () => {
    at.queue.add([file("a.mp4")]);
    await settle();
    at.goOffline();
    send(0).events.failed(lost);
    expect(phases()).toEqual(["offline"]);
    expect(at.queue.busy()).toBe(true);
    at.pass(60_000);
    await settle();
    expect(phases()).toEqual(["offline"]);
    at.goOnline();
    await settle();
    expect(phases()).toEqual(["sending"]);
    expect(send(1).id).toBe(send(0).id);
  });

  it("stops at once when the browser says that the network is gone", async () => {
    at.queue.add([file("a.mp4"), file("b.mp4"), file("c.mp4")]);
    await settle();
    at.goOffline();
    at.queue.wentOffline();
    expect(phases()).toEqual(["offline", "offline", "waiting"]);
    expect(send(0).stopped && send(1).stopped).toBe(true);
    at.goOnline();
    await settle();
    expect(phases()).toEqual(["sending", "sending", "waiting"]);
  });

  it("tries again by itself, each time later", async () => {
    at.queue.add([file("a.mp4")]);
    await settle();
    send(0).events.failed(lost);
    at.pass(999);
    expect(phases()).toEqual(["offline"]);
    at.pass(1);
    await settle();
    expect(phases()).toEqual(["sending"]);
    send(1).events.failed(lost);
    at.pass(1_999);
    expect(phases()).toEqual(["offline"]);
    at.pass(1);
    await settle();
    expect(phases()).toEqual(["sending"]);
    expect(retryMs(50)).toBe(30_000);
  });

  it("leaves what is refused to the person, and goes on where it was when told to", async () => {
    at.queue.add([file("a.mp4")]);
    await settle();
    send(0).events.failed(refused);
    expect(first()).toMatchObject({ phase: "failed", problem: refused });
    at.pass(100_000);
    expect(phases()).toEqual(["failed"]);
    at.queue.resume(first().key);
    await settle();
    expect(send(1).id).toBe(send(0).id);
  });

  it("starts over what the server has forgotten, when told to", async () => {
    at.queue.add([file("a.mp4")]);
    await settle();
    send(0).events.failed({ code: "gone", message: "", passing: false });
    at.queue.resume(first().key);
    await settle();
    expect(send(1).id).not.toBe(send(0).id);
    expect(at.held).toEqual([send(1).id]);
  });

  it("brings back what was taken off the list, for a while", async () => {
    at.queue.add([file("a.mp4")]);
    await settle();
    const bringBack = at.queue.setAside(at.queue.get()[0]?.key ?? "");
    expect(at.queue.get()).toEqual([]);
    expect(at.sends[0]?.stopped).toBe(true);
    at.pass(SET_ASIDE_MS - 1);
    expect(at.removed).toEqual([]);
    bringBack();
    await settle();
    expect(at.queue.get()[0]?.phase).toBe("sending");
    expect(at.sends[1]?.id).toBe(at.sends[0]?.id);
    at.pass(SET_ASIDE_MS);
    expect(at.removed).toEqual([]);

    const late = at.queue.setAside(at.queue.get()[0]?.key ?? "");
    at.pass(SET_ASIDE_MS);
    expect(at.removed).toEqual([at.sends[0]?.id]);
    expect(at.held).toEqual([]);
    late();
    expect(at.queue.get()).toEqual([]);
  });

  it("does not wait with what was taken off the list when the page is left", async () => {
    at.queue.add([file("a.mp4"), file("b.mp4")]);
    await settle();
    at.queue.setAside(first().key);
    const bringBack = at.queue.setAside(first().key);
    bringBack();
    at.queue.left();
    expect(at.removed).toEqual(["id0"]);
    at.pass(SET_ASIDE_MS);
    expect(at.removed).toEqual(["id0"]);
  });

  it("begins anew with what was taken off while the server was making it", async () => {
    at.hold();
    at.queue.add([file("a.mp4")]);
    await settle();
    const bringBack = at.queue.setAside(at.queue.get()[0]?.key ?? "");
    bringBack();
    at.creates[0]?.resolve({ id: "first", url: "/1" });
    at.creates[1]?.resolve({ id: "second", url: "/2" });
    await settle();
    expect(at.removed).toEqual(["first"]);
    expect(at.sends.map((one) => one.id)).toEqual(["second"]);
  });

  it("has the server throw away what is cancelled, also while it is being made", async () => {
    at.queue.add([file("a.mp4")]);
    await settle();
    at.queue.cancel(first().key);
    expect(send(0).stopped).toBe(true);
    expect(at.removed).toEqual(["id0"]);

    at.hold();
    at.queue.add([file("b.mp4")]);
    at.queue.cancel(first().key);
    at.creates[0]?.resolve({ id: "late", url: "/late" });
    await settle();
    expect(at.removed).toEqual(["id0", "late"]);
    expect(at.queue.get()).toEqual([]);
  });

  it("does not send what was paused while the server made it", async () => {
    at.hold();
    at.queue.add([file("a.mp4")]);
    at.queue.pause(first().key);
    at.creates[0]?.resolve({ id: "x", url: "/x" });
    await settle();
    expect(phases()).toEqual(["paused"]);
    expect(at.sends).toEqual([]);
    at.queue.resume(first().key);
    await settle();
    expect(send(0).id).toBe("x");
  });

  it("tells the server what was edited while it made the upload", async () => {
    at.hold();
    at.queue.add([file("a.mp4")]);
    at.queue.noteDetails(first().key, { title: "Better" });
    at.queue.noteDetails(first().key, { tags: ["Sea", "Sun"] });
    at.creates[0]?.resolve({ id: "x", url: "/x" });
    await settle();
    expect(at.edited).toEqual([["x", "Better", "Sea,Sun"]]);
  });

  describe("after a reload", () => {
    beforeEach(() => {
      at.queue.restore([
        { id: "old", url: "/old", filename: "a.mp4", offset: 630, length: 1000, title: "A", description: "", visibility: "PRIVATE", tags: [] },
      ]);
    });

    const impostor = () => new File([new Uint8Array(1000)], "a.mp4", { type: "video/other" });

    it("asks for the file and goes on where it was", async () => {
      expect(first()).toMatchObject({ phase: "needsFile", sent: 630, size: 1000 });
      expect(at.queue.busy()).toBe(false);
      expect(await at.queue.provide(first().key, file("a.mp4"))).toBe(true);
      await settle();
      expect(send(0).id).toBe("old");
    });

    it("refuses another file, also one of the same name and size", async () => {
      expect(await at.queue.provide(first().key, file("a.mp4", 999))).toBe(false);
      expect(first()).toMatchObject({ phase: "needsFile", problem: { code: "other_file" } });
      expect(await at.queue.provide(first().key, impostor())).toBe(false);
      expect(first()).toMatchObject({ phase: "needsFile", problem: { code: "other_file" } });
      expect(at.sends).toEqual([]);
    });

    it("uploads another file of the same name and size by itself", async () => {
      at.queue.add([impostor()]);
      await settle();
      expect(phases()).toEqual(["needsFile", "sending"]);
      expect(first().problem).toBeNull();
      expect(send(0).id).not.toBe("old");
    });

    it("stays paused or gone when that happens while the file is looked at", async () => {
      const provided = at.queue.provide(first().key, file("a.mp4"));
      at.queue.pause(first().key);
      expect(await provided).toBe(true);
      expect(phases()).toEqual(["paused"]);
      at.queue.resume(first().key);
      await settle();
      expect(send(0).id).toBe("old");
    });

    it("recognises the file when it is dropped anew", async () => {
      at.queue.add([file("a.mp4"), file("b.mp4")]);
      await settle();
      expect(at.queue.get().length).toBe(2);
      expect(at.sends.find((one) => one.file.name === "a.mp4")?.id).toBe("old");
    });

    it("shows each upload once", () => {
      at.queue.restore([{ id: "old", url: "/old", filename: "a.mp4", offset: 640, length: 1000, title: "A", description: "", visibility: "PRIVATE", tags: [] }]);
      expect(at.queue.get().length).toBe(1);
    });
  });

  it("forgets everything when another person comes", async () => {
    at.queue.add([file("a.mp4")]);
    await settle();
    at.queue.clear();
    expect(send(0).stopped).toBe(true);
    expect(at.queue.get()).toEqual([]);
    send(0).events.done(1);
    expect(at.queue.get()).toEqual([]);
  });
});

it("titles are file names without their ending", () => {
  expect(titleOf("My clip.final.mp4")).toBe("My clip.final");
  expect(titleOf(".hidden")).toBe(".hidden");
  expect(titleOf("plain")).toBe("plain");
});
