/**
 * Compares the GraphQL schema with the one of the last release, as docs/VERSIONS.md promises.
 *
 *     node web/tools/schema-diff.mjs [RELEASED] [CURRENT]
 *
 * Fails on what would break a client, unless docs/released/breaking.txt has its line: those are for the next
 * major version. What was removed has to have been deprecated in the release.
 */

import { existsSync, readFileSync } from "node:fs";
import { buildSchema, findBreakingChanges, findDangerousChanges } from "graphql";

const root = new URL("../../", import.meta.url);
const path = (name, usual) => (name ? name : new URL(usual, root));
const [released, current] = [
  [process.argv[2], "docs/released/schema.graphql"],
  [process.argv[3], "schema.graphql"],
].map(([name, usual]) => buildSchema(readFileSync(path(name, usual), "utf8")));

const listed = new URL("docs/released/breaking.txt", root);
const agreed = existsSync(listed) ? readFileSync(listed, "utf8").split("\n").map((line) => line.trim()) : [];

const deprecated = ({ type, description }) => {
  if (type !== "FIELD_REMOVED") return false;
  const [typeName, field] = description.split(" ")[0].split(".");
  return released.getType(typeName)?.getFields?.()[field]?.deprecationReason !== undefined;
};
const breaking = findBreakingChanges(released, current).filter((change) => !deprecated(change) && !agreed.includes(change.description));
// New values of enums and members of unions: clients were told to expect them.
const dangerous = findDangerousChanges(released, current);
for (const { description } of dangerous) console.log(`new for clients: ${description}`);
for (const { description } of breaking) console.error(`breaks clients: ${description}`);
if (breaking.length > 0) {
  console.error("Deprecate instead, or, before a major version, add the lines to docs/released/breaking.txt (docs/VERSIONS.md).");
  process.exit(1);
}
console.log("The GraphQL schema keeps what the last release promised.");
