/** Texts. English comes with the app, but for what single pages bring along; other languages are loaded when wanted. */

import i18n from "i18next";
import { initReactI18next } from "react-i18next";
import en from "./en.json";

export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof LANGUAGES;

const KEY = "clipsy.language";
const LOADERS: Partial<Record<Language, () => Promise<{ default: unknown }>>> = {
  de: () => import("./de.json"),
};

export async function startTexts() {
  await i18n.use(initReactI18next).init({
    lng: "en",
    fallbackLng: "en",
    resources: { en: { translation: en } },
    // React escapes what it shows.
    interpolation: { escapeValue: false },
    returnNull: false,
  });
  const wanted = chosen() ?? preferred(navigator.languages);
  if (wanted !== "en") await speak(wanted).catch(() => undefined);
}

/** Changes the language of the page. */
export async function speak(language: Language) {
  const load = LOADERS[language];
  if (load && !i18n.hasResourceBundle(language, "translation")) {
    i18n.addResourceBundle(language, "translation", (await load()).default);
  }
  await i18n.changeLanguage(language);
  document.documentElement.lang = language;
}

/** Changes the language and keeps it for the next visit. */
export async function choose(language: Language) {
  try {
    localStorage.setItem(KEY, language);
  } catch {
    // Then it holds for this visit.
  }
  await speak(language);
}

/** The first of the browser's languages that there are texts in. */
export function preferred(languages: readonly string[]): Language {
  for (const tag of languages) {
    const base = tag.split("-")[0]?.toLowerCase() ?? "";
    if (base in LANGUAGES) return base as Language;
  }
  return "en";
}

function chosen(): Language | null {
  try {
    const stored = localStorage.getItem(KEY);
    return stored !== null && stored in LANGUAGES ? (stored as Language) : null;
  } catch {
    return null;
  }
}
