/**
 * Texts. English comes with the app, but for what single pages bring along; other languages are loaded when
 * wanted. A language is one file beside this one, named by its tag: it is offered as soon as it is there.
 *
 * Our own, since we use blanks and plurals and nothing else of what libraries for this weigh.
 */

import { useSyncExternalStore } from "react";
import en from "./en.json";
import type account from "./en.account.json";
import type admin from "./en.admin.json";
// English texts that the server sends, so that nobody has to load them; other languages translate them.
import type failures from "./en.failures.json";
import type settings from "./en.settings.json";
import type studio from "./en.studio.json";
import type tags from "./en.tags.json";

type Texts = typeof en & typeof admin & typeof account & typeof studio & typeof tags & typeof settings & typeof failures;
type Singular<K extends string> = K extends `${infer Base}_one` | `${infer Base}_other` ? Base : K;
type Paths<T> = { [K in keyof T & string]: T[K] extends string ? Singular<K> : `${K}.${Paths<T[K]>}` }[keyof T & string];

/** The name of a text, e.g. `action.save`; of one with plurals, without the form. */
export type Key = Paths<Texts>;
/** What fills a text's blanks. `count` chooses the form, `defaultValue` stands for a text that there is not. */
export type Blanks = Readonly<Record<string, string | number>>;
export type Translate = (key: Key, blanks?: Blanks) => string;

interface Tree {
  [name: string]: string | Tree;
}

const FILES = import.meta.glob<{ default: Tree }>(["./*.json", "!./en.json", "!./en.*.json"]);
const tagOf = (path: string) => path.slice("./".length, -".json".length);

/** Tag and own name of each language. */
export const LANGUAGES: ReadonlyMap<string, string> = new Map(
  ["en", ...Object.keys(FILES).map(tagOf)].map((tag) => [tag, nameOf(tag)]),
);

const KEY = "clipsy.language";
const texts = new Map<string, Tree>([["en", structuredClone(en)]]);
const listeners = new Set<() => void>();

interface Spoken {
  t: Translate;
  language: string;
}

let spoken = speaking("en");

/** The text in the language of the page. */
export const t: Translate = (key, blanks) => spoken.t(key, blanks);
/** Tag of the language of the page. */
export const language = (): string => spoken.language;
/** Calls back when the language changes; gives back how to stop that. */
export function onLanguage(listener: () => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Texts for a component, which is drawn again when the language changes. */
export function useTranslation(): Spoken {
  const now = () => spoken;
  return useSyncExternalStore(onLanguage, now, now);
}

/** Adds English texts that come with a page. */
export function addTexts(more: Tree) {
  merge(texts.get("en") ?? {}, more);
}

export async function startTexts() {
  const wanted = chosen() ?? preferred(navigator.languages);
  if (wanted !== "en") await speak(wanted).catch(() => undefined);
}

/** Changes the language of the page. */
export async function speak(tag: string) {
  const load = FILES[`./${tag}.json`];
  if (load && !texts.has(tag)) texts.set(tag, (await load()).default);
  spoken = speaking(tag);
  document.documentElement.lang = tag;
  for (const listener of listeners) listener();
}

/** Changes the language and keeps it for the next visit. */
export async function choose(tag: string) {
  try {
    localStorage.setItem(KEY, tag);
  } catch {
    // Then it holds for this visit.
  }
  await speak(tag);
}

/** The first of the browser's languages that there are texts in. */
export function preferred(languages: readonly string[]): string {
  for (const tag of languages) {
    const base = tag.split("-")[0]?.toLowerCase() ?? "";
    if (LANGUAGES.has(base)) return base;
  }
  return "en";
}

function speaking(tag: string): Spoken {
  const plurals = new Intl.PluralRules(tag);
  const t: Translate = (key, blanks = {}) => {
    const { count } = blanks;
    const form = typeof count === "number" ? `${key}_${plurals.select(count)}` : key;
    const found = lookUp(tag, form) ?? lookUp(tag, key) ?? lookUp("en", form) ?? lookUp("en", `${key}_other`) ?? lookUp("en", key);
    const text = found ?? String(blanks["defaultValue"] ?? key);
    return text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => String(blanks[name] ?? ""));
  };
  return { t, language: tag };
}

function lookUp(tag: string, key: string): string | undefined {
  let node: string | Tree | undefined = texts.get(tag);
  for (const name of key.split(".")) {
    if (node === undefined || typeof node === "string" || !Object.hasOwn(node, name)) return undefined;
    node = node[name];
  }
  return typeof node === "string" ? node : undefined;
}

function merge(into: Tree, more: Tree) {
  for (const [name, value] of Object.entries(more)) {
    const there = into[name];
    if (typeof value === "object" && typeof there === "object") merge(there, value);
    else into[name] = value;
  }
}

function nameOf(tag: string): string {
  const name = new Intl.DisplayNames([tag], { type: "language" }).of(tag) ?? tag;
  return name.charAt(0).toLocaleUpperCase(tag) + name.slice(1);
}

function chosen(): string | null {
  try {
    const stored = localStorage.getItem(KEY);
    return stored !== null && LANGUAGES.has(stored) ? stored : null;
  } catch {
    return null;
  }
}
