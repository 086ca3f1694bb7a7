/** The GraphQL client: normalised cache, tokens, one socket for subscriptions. */

import { Client, fetchExchange, subscriptionExchange } from "urql";
import { authExchange } from "@urql/exchange-auth";
import { cacheExchange, type Cache } from "@urql/exchange-graphcache";
import type { MyVideosSubscription } from "../gql/graphql";
import { base } from "../ui/format";
import type { Session } from "./session";
import { openLive, type Live } from "./socket";

export interface Api {
  client: Client;
  live: Live;
}

/** A client for whoever is signed in now; another person gets another one, with an empty cache. */
export function openApi(session: Session): Api {
  const live = openLive(session, socketUrl(globalThis.location));
  const client = new Client({
    url: `${base}/graphql`,
    preferGetMethod: false,
    fetchOptions: {
      credentials: "same-origin",
      headers: { Accept: "application/graphql-response+json, application/json" },
    },
    exchanges: [
      cache(),
      authExchange((utils) =>
        Promise.resolve({
          addAuthToOperation(operation) {
            const token = session.currentToken();
            return token
              ? utils.appendHeaders(operation, { Authorization: `Bearer ${token}` })
              : operation;
          },
          willAuthError: () => session.expiresSoon(),
          didAuthError: (error, operation) =>
            operation.kind !== "subscription" &&
            session.currentToken() !== null &&
            error.graphQLErrors.some((one) => one.extensions["code"] === "UNAUTHENTICATED"),
          async refreshAuth() {
            await session.refresh().catch(() => null);
          },
        }),
      ),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription(request) {
          return {
            subscribe(sink) {
              const unsubscribe = live.listen(
                {
                  query: request.query ?? "",
                  variables: (request.variables ?? {}) as Record<string, unknown>,
                },
                {
                  next: (value) => sink.next(value as Parameters<typeof sink.next>[0]),
                  error: (error) => sink.error(error as Parameters<typeof sink.error>[0]),
                  complete: () => sink.complete(),
                },
              );
              return { unsubscribe };
            },
          };
        },
      }),
    ],
  });
  return { client, live };
}

function cache() {
  const part = () => null;
  return cacheExchange({
    // Things without an id belong to what they hang on.
    keys: {
      Captions: part,
      Failure: part,
      Freeable: part,
      LeftAside: part,
      Playback: part,
      Progress: part,
      Queue: () => "queue",
      ServerInfo: () => "server",
      Setting: part,
      Source: part,
      StorageUsage: part,
      ThroughputSample: part,
      Track: part,
      Tracks: part,
      UserError: part,
      VideoChange: part,
      VideoProgress: part,
      Warning: part,
    },
    updates: {
      Subscription: {
        myVideos(result, _args, store) {
          const change = (result as unknown as MyVideosSubscription).myVideos;
          if (change.kind === "CREATED" || change.kind === "DELETED") forgetLists(store);
          if (change.kind === "DELETED") store.invalidate({ __typename: "Video", id: change.videoId });
        },
      },
      Mutation: {
        deleteVideo(result, args, store) {
          if (!(result as { deleteVideo: { deletedId: string | null } }).deleteVideo.deletedId) return;
          forgetLists(store);
          store.invalidate({ __typename: "Video", id: (args as { input: { id: string } }).input.id });
        },
        retryVideo: (_result, _args, store) => forgetLists(store),
        createUser: (_result, _args, store) => forgetField(store, "users"),
        deleteUser(_result, _args, store) {
          forgetField(store, "users");
          forgetLists(store);
        },
      },
    },
  });
}

function forgetLists(store: Cache) {
  forgetField(store, "videos");
  forgetField(store, "failures");
  forgetField(store, "storageUsage");
}

function forgetField(store: Cache, name: string) {
  for (const field of store.inspectFields("Query")) {
    if (field.fieldName === name) store.invalidate("Query", field.fieldName, field.arguments);
  }
}

function socketUrl(page: Location): string {
  return `${page.origin.replace("http", "ws")}${base}/graphql`;
}

