import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import de from "./de.json";
import en from "./en.json";
import account from "./en.account.json";
import admin from "./en.admin.json";
import failures from "./en.failures.json";
import settings from "./en.settings.json";
import studio from "./en.studio.json";
import tags from "./en.tags.json";
import { addTexts, LANGUAGES, preferred, speak, t } from "./index";

const flat = (node: unknown, path = ""): [string, string][] =>
  typeof node === "string" ? [[path, node]] : Object.entries(node as object).flatMap(([key, value]) => flat(value, `${path}.${key}`));
const blanks = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]).sort();

it("has every text in both languages, with the same blanks", () => {
  const german = new Map(flat(de));
  const english = [...new Map([en, account, admin, failures, studio, tags, settings].flatMap((texts) => flat(texts)))];
  expect([...german.keys()].sort()).toEqual(english.map(([key]) => key).sort());
  for (const [key, text] of english) {
    expect(german.get(key), key).not.toBe("");
    expect(blanks(german.get(key) ?? ""), key).toEqual(blanks(text));
  }
});

it("has the words of the server for every way in which a video can fail", () => {
  const rust = readFileSync("../crates/domain/src/failure.rs", "utf8");
  const codes = [...rust.matchAll(/Self::\w+ => "([a-z_]+)",/g)].map((match) => match[1]);
  expect(codes.length).toBeGreaterThan(10);
  for (const code of Object.keys(failures.failed)) expect(codes).toContain(code);
  for (const { message, advice } of Object.values(failures.failed)) {
    expect(rust).toContain(message);
    expect(rust).toContain(advice);
  }
});

it("picks the first language it speaks", () => {
  expect(preferred(["fr-FR", "de-AT", "en"])).toBe("de");
  expect(preferred(["ja"])).toBe("en");
});

it("offers every language that there is a file of, by its own name", () => {
  expect([...LANGUAGES]).toEqual([["en", "English"], ["de", "Deutsch"]]);
});

it("fills blanks, chooses forms, and falls back to English", async () => {
  expect(t("video.views", { count: 1, shown: "1" })).toBe("1 view");
  expect(t("video.views", { count: 2, shown: "{{count}}" })).toBe("{{count}} views");
  await speak("de");
  expect(t("action.save")).toBe("Speichern");
  expect(t("video.views", { count: 1, shown: "1" })).toBe("1 Aufruf");
  addTexts({ action: { onlyEnglish: "only here" } });
  expect(t("action.onlyEnglish" as "action.save")).toBe("only here");
  expect(t("toString" as "action.save", { defaultValue: "x" })).toBe("x");
  await speak("en");
});
