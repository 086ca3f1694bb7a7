import { expect, it } from "vitest";
import { notAVideo } from "./check";

const file = (name: string, bytes: number[] | string) => new File([typeof bytes === "string" ? bytes : new Uint8Array(bytes)], name);
const BOX = [0, 0, 0, 32, 0x66, 0x74, 0x79, 0x70, 0x69, 0x73, 0x6f, 0x6d];

it("refuses what is surely no video, by what is in it whatever its name", async () => {
  expect(await notAVideo(file("notes.txt", "Milk, bread, a rabbit"))).toBe("text");
  expect(await notAVideo(file("holiday.mp4", "Not found: ü\n"))).toBe("text");
  expect(await notAVideo(file("scan.mov", "%PDF-1.7"))).toBe("document");
  expect(await notAVideo(file("photo.mp4", [0xff, 0xd8, 0xff, 0xe0, 0, 1]))).toBe("picture");
  expect(await notAVideo(file("nothing.mp4", []))).toBe("empty");
  expect(await notAVideo(file("song.m4a", BOX))).toBe("sound");
});

it("sends everything else", async () => {
  expect(await notAVideo(file("holiday.mp4", BOX))).toBeNull();
  expect(await notAVideo(file("odd", [0x1a, 0x45, 0xdf, 0xa3, 0x93]))).toBeNull();
  expect(await notAVideo(file("noise.mkv", [0xde, 0xad, 0, 1, 2, 3, 0xbe, 0xef]))).toBeNull();
});
