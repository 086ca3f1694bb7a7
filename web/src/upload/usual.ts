/** Who may see new uploads, as chosen on the page for uploads; nobody else until then. */

import type { Visibility } from "../gql/graphql";

const KEY = "clipsy.visibility";

export function usualVisibility(): Visibility {
  try {
    const stored = localStorage.getItem(KEY);
    return stored === "PUBLIC" || stored === "UNLISTED" ? stored : "PRIVATE";
  } catch {
    return "PRIVATE";
  }
}

export function keepVisibility(visibility: Visibility) {
  try {
    localStorage.setItem(KEY, visibility);
  } catch {
    // Then it holds for this visit of the page.
  }
}
