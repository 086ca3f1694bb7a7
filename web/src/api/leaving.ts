/** What is asked of the server while the page is being left. */

import { stringifyDocument, type TypedDocumentNode } from "urql";
import { base } from "../ui/format";
import { session } from "./session";

/** Sends a mutation whose answer nobody waits for: the browser delivers it even when the page is gone. */
export function sendNow<Result, Variables>(mutation: TypedDocumentNode<Result, Variables>, variables: Variables) {
  const token = session.currentToken();
  if (!token) return;
  void fetch(`${base}/graphql`, {
    method: "POST",
    keepalive: true,
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: stringifyDocument(mutation), variables }),
  }).catch(() => undefined);
}
