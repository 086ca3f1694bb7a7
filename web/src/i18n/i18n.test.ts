import { expect, it } from "vitest";
import de from "./de.json";
import en from "./en.json";
import account from "./en.account.json";
import admin from "./en.admin.json";
import studio from "./en.studio.json";
import { preferred } from "./index";

const flat = (node: unknown, path = ""): [string, string][] =>
  typeof node === "string" ? [[path, node]] : Object.entries(node as object).flatMap(([key, value]) => flat(value, `${path}.${key}`));
const blanks = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]).sort();

it("has every text in both languages, with the same blanks", () => {
  const german = new Map(flat(de));
  const english = flat({ ...en, ...account, ...admin, ...studio });
  expect([...german.keys()].sort()).toEqual(english.map(([key]) => key).sort());
  for (const [key, text] of english) {
    expect(german.get(key), key).not.toBe("");
    expect(blanks(german.get(key) ?? ""), key).toEqual(blanks(text));
  }
});

it("picks the first language it speaks", () => {
  expect(preferred(["fr-FR", "de-AT", "en"])).toBe("de");
  expect(preferred(["ja"])).toBe("en");
});
