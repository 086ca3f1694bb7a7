import { beforeEach, expect, it } from "vitest";
import { actionFor, stepSpeed, wantsKey } from "./keys";
import { keepPlace, placeOf } from "./memory";
import { parseStoryboard, tileAt } from "./storyboard";

const press = (key: string, more = {}) => actionFor({ key, ctrlKey: false, metaKey: false, altKey: false, ...more });

it("keys do what the help says, and nothing together with others", () => {
  expect(press("k")).toEqual({ do: "toggle" });
  expect(press("K")).toEqual({ do: "toggle" });
  expect(press("7")).toEqual({ do: "jump", share: 0.7 });
  expect(press("j")).toEqual({ do: "seek", by: -10 });
  expect(press("f", { ctrlKey: true })).toBeNull();
  expect(press("q")).toBeNull();
});

it("keys are left to those who type", () => {
  document.body.innerHTML = `<input><button></button><div role="dialog"><p tabindex="0"></p></div><p tabindex="0"></p>
    <div role="dialog"><p tabindex="0"></p><media-controller></media-controller></div>`;
  const [input, button, inDialog, plain, besidePlayer] = document.querySelectorAll("input, button, p");
  expect(wantsKey(input ?? null, "k")).toBe(true);
  expect(wantsKey(button ?? null, " ")).toBe(true);
  expect(wantsKey(button ?? null, "k")).toBe(false);
  expect(wantsKey(inDialog ?? null, "k")).toBe(true);
  expect(wantsKey(plain ?? null, " ")).toBe(false);
  expect(wantsKey(besidePlayer ?? null, "k")).toBe(false);
});

it("speeds go step by step and end somewhere", () => {
  expect(stepSpeed(1, 1)).toBe(1.25);
  expect(stepSpeed(2, 1)).toBe(2);
  expect(stepSpeed(0.5, -1)).toBe(0.5);
});

beforeEach(() => localStorage.clear());

it("remembers where one was, but not the beginning or the end", () => {
  keepPlace("1", 42.7, 600);
  expect(placeOf("1")).toBe(42);
  keepPlace("1", 3, 600);
  expect(placeOf("1")).toBe(0);
  keepPlace("1", 42, 600);
  keepPlace("1", 595, 600);
  expect(placeOf("1")).toBe(0);
});

it("reads storyboards, relative to where they are", () => {
  const tiles = parseStoryboard(
    "WEBVTT\r\n\r\n00:00:00.000 --> 00:00:02.000\r\nsheet_000.jpg#xywh=0,0,160,90\r\n\r\n00:02.000 --> 00:04.000\nsheet_000.jpg#xywh=160,0,160,90\n\nNOTE nothing\n\n00:04.000 --> 00:05.000\nno picture\n",
    "http://x/media/s/abc/videos/processed/1/storyboard.vtt",
  );
  expect(tiles).toEqual([
    { start: 0, end: 2, url: "http://x/media/s/abc/videos/processed/1/sheet_000.jpg", x: 0, y: 0, width: 160, height: 90 },
    { start: 2, end: 4, url: "http://x/media/s/abc/videos/processed/1/sheet_000.jpg", x: 160, y: 0, width: 160, height: 90 },
  ]);
  expect(tileAt(tiles, 3)?.x).toBe(160);
  expect(tileAt(tiles, 99)?.x).toBe(160);
  expect(parseStoryboard("<html>", "http://x/")).toEqual([]);
});
