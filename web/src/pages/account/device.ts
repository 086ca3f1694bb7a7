/** What a browser calls itself, in the words that people use for it. */

const BROWSERS: readonly [RegExp, string][] = [
  [/Edg(?:e|A|iOS)?\//, "Edge"],
  [/OPR\//, "Opera"],
  [/SamsungBrowser\//, "Samsung Internet"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/Chrome\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const SYSTEMS: readonly [RegExp, string][] = [
  [/Windows/, "Windows"],
  [/Android/, "Android"],
  [/iPhone|iPad/, "iOS"],
  [/Mac OS X/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
];

/** Browser and system; of what is no browser the beginning of what it says, empty if that is nothing. */
export function deviceName(agent: string): string {
  const of = (known: readonly [RegExp, string][]) => known.find(([mark]) => mark.test(agent))?.[1];
  const found = [of(BROWSERS), of(SYSTEMS)].filter((part) => part !== undefined);
  return found.length > 0 ? found.join(" · ") : agent.slice(0, 60);
}
