/** Tags that begin like what is typed: the viewer's own first, then those that everybody sees. */

import { useQuery } from "urql";
import { TagSuggestionsDocument } from "../gql/graphql";
import { useSettled } from "../api/hooks";

export function useTagSuggestions(typed: string): string[] {
  const start = typed.trim();
  const settled = useSettled(start, 150);
  const wanted = start !== "" && settled !== "";
  const [{ data, stale }] = useQuery({
    query: TagSuggestionsDocument,
    variables: { start: settled },
    // Tags come and go while the page is open.
    requestPolicy: "cache-and-network",
    pause: !wanted,
  });
  // What begins otherwise belongs to what was typed before.
  return wanted && (!stale || start === settled) ? (data?.tagSuggestions ?? []) : [];
}
