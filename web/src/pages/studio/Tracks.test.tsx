import { renderToStaticMarkup } from "react-dom/server";
import { beforeAll, expect, it } from "vitest";
import type { VideoLiveFragment } from "../../gql/graphql";
import { speak, startTexts } from "../../i18n";
import { Tracks } from "./Tracks";

type Notes = Pick<VideoLiveFragment, "tracks" | "warnings">;

const picture = { kind: "VIDEO", index: 0, codec: "H.264", language: null } as const;
const sound = (index: number, language: string | null) => ({ kind: "AUDIO", index, codec: "AAC", language }) as const;

beforeAll(async () => {
  await startTexts();
  await import("./texts");
});

/** What is read, line by line. */
function read(video: Notes): string[] {
  const page = document.createElement("div");
  page.innerHTML = renderToStaticMarkup(<Tracks video={video} />);
  return [...page.querySelectorAll("h2, li, p")].map((line) => [...line.querySelectorAll("span:not(:has(*))")].map((part) => part.textContent).join(" | ") || line.textContent);
}

it("says nothing where there is nothing to say", () => {
  expect(read({ tracks: null, warnings: [] })).toEqual([]);
  expect(read({ tracks: { video: picture, audio: sound(0, "en"), leftAside: [] }, warnings: [] })).toEqual([]);
});

it("tells what is used and what is not, as it lies in the file", async () => {
  const leftAside = [
    { ...sound(0, "eng"), reason: "NOT_DEFAULT" as const },
    { ...sound(2, "x y z"), reason: "COMMENTARY" as const },
  ];
  const video = { tracks: { video: picture, audio: sound(1, "deu"), leftAside }, warnings: [] };
  expect(read(video)).toEqual([
    "Tracks",
    "Picture | H.264 | used",
    "Sound 1 | AAC · English | the file marks another one as the default | not used",
    "Sound 2 | AAC · German | used",
    "Sound 3 | AAC · x y z | it is a commentary | not used",
  ]);
  await speak("de");
  expect(read(video)[3]).toBe("Ton 2 | AAC · Deutsch | verwendet");
  await speak("en");
});

it("says that a video is silent, and why", () => {
  const leftAside = [{ ...sound(0, null), reason: "NO_DECODER" as const }];
  const told = read({ tracks: { video: picture, audio: null, leftAside }, warnings: [] });
  expect(told.slice(2)).toEqual(["Sound | AAC | it cannot be decoded here | not used", "The video has no sound."]);
});

it("has words for warnings, and shows those of a newer server as they come", () => {
  const warnings = [
    { code: "DAMAGED_INPUT", message: "internal words" },
    { code: "FROM_THE_FUTURE", message: "the picture hums" },
  ] as Notes["warnings"];
  expect(read({ tracks: null, warnings })).toEqual(["Notes", "Parts of the file are damaged and were skipped.", "the picture hums"]);
});
