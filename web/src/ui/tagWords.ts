/** Tags as people type them. */

/** Most tags of a video, and most characters of one, as the server has them. */
export const MOST = 30;
export const LONGEST = 50;

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

/** The code of what the server would say against them, as far as this page can tell; null for nothing. */
export function tagProblem(tags: readonly string[]): "too_many_tags" | "tag_too_long" | null {
  if (tags.some((tag) => Array.from(tag.normalize("NFKC")).length > LONGEST)) return "tag_too_long";
  return tags.length > MOST ? "too_many_tags" : null;
}
