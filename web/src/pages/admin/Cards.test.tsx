import { renderToStaticMarkup } from "react-dom/server";
import { beforeAll, expect, it } from "vitest";
import type { WorkerFieldsFragment } from "../../gql/admin/graphql";
import { speak, startTexts } from "../../i18n";
import { Cards } from "./Cards";

type Card = WorkerFieldsFragment["cards"][number];

const silent: Card = {
  id: "c1",
  name: "renderD128",
  label: "Arc A380",
  sessions: 1,
  sessionLimit: null,
  encoderLoad: null,
  decoderLoad: null,
  load: null,
  memoryUsedBytes: null,
  memoryBytes: null,
};
const card: Card = {
  ...silent,
  id: "c2",
  name: "GPU-1",
  label: "NVIDIA L4",
  sessions: 3,
  sessionLimit: 8,
  encoderLoad: 62,
  decoderLoad: 0,
  load: 100,
  memoryUsedBytes: 3 * 2 ** 30,
  memoryBytes: 24 * 2 ** 30,
};

beforeAll(async () => {
  await startTexts();
  await import("./texts");
});

/** What is read, line by line. */
function read(cards: Card[]): string[] {
  const page = document.createElement("div");
  page.innerHTML = renderToStaticMarkup(<Cards cards={cards} />);
  return [...page.querySelectorAll("span")].map((part) => part.textContent);
}

it("shows nothing where there are no cards", () => {
  expect(renderToStaticMarkup(<Cards cards={[]} />)).toBe("");
});

it("tells sessions, load and memory, in both languages", async () => {
  expect(read([card])).toEqual(["NVIDIA L4", "3 of 8 sessions · encoder 62 % · decoder 0 % · load 100 % · memory 3.2 GB of 25.8 GB"]);
  await speak("de");
  expect(read([card])[1]).toMatch(/^3 von 8 Sitzungen · Encoder 62 % · Decoder 0 % · Auslastung 100 % · Speicher /);
  await speak("en");
});

it("leaves out what a driver does not tell", () => {
  expect(read([silent, { ...silent, id: "c3", sessions: 4, load: 7 }])).toEqual(["Arc A380", "1 session", "Arc A380", "4 sessions · load 7 %"]);
});
