/** Tags as people type them. */

/** What stands between commas, without the `#` in front; nothing that says nothing. */
export function split(words: string): string[] {
  const all = words.split(",").map((word) => word.trim().replace(/^#+/, "").trim());
  return all.filter((word) => word !== "");
}

/** What makes two tags the same, as far as this page can tell; the server knows it exactly. */
export const tagKey = (tag: string) => tag.normalize("NFKC").toLowerCase();

/** The tags with `more`, unless they are there. */
export function withTags(tags: readonly string[], more: readonly string[]): string[] {
  const keys = new Set(tags.map(tagKey));
  return [...tags, ...more.filter((tag) => !keys.has(tagKey(tag)))];
}

export function withoutTags(tags: readonly string[], less: readonly string[]): string[] {
  const keys = new Set(less.map(tagKey));
  return tags.filter((tag) => !keys.has(tagKey(tag)));
}
