// Runs what GraphiQL asks: subscriptions over a WebSocket, all else as HTTP requests.

import { Kind, parse } from 'graphql';
import { createClient } from 'graphql-ws';

/**
 * What is to be run. The editor notices a little later than the text changes which operations there
 * are, so a name that is not in the text is left out. What cannot be read the server may explain.
 */
function operationOf({ query, operationName }) {
  try {
    const { definitions } = parse(query);
    const operations = definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
    const named = operations.find(({ name }) => name && name.value === operationName);
    return { kind: (named ?? operations[0])?.operation, operationName: named && operationName };
  } catch {
    return {};
  }
}

/** A fetcher for one session, or for nobody; `dispose` closes its socket. */
export function createFetcher(session) {
  // Bundled, this lies in graphiql/, wherever that is.
  const url = new URL('../graphql', import.meta.url);
  const client = createClient({
    url: url.href.replace(/^http/, 'ws'),
    lazy: true,
    connectionParams: async () =>
      session ? { Authorization: `Bearer ${await session.token()}` } : {},
  });

  async function ask(request, extra) {
    const headers = {
      accept: 'application/graphql-response+json, application/json;q=0.9',
      'content-type': 'application/json',
      ...extra,
    };
    if (session) headers.authorization ??= `Bearer ${await session.token()}`;
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(request) });
    return response.json();
  }

  const fetcher = (request, options) => {
    const { kind, operationName } = operationOf(request);
    const asked = { ...request, operationName };
    return kind === 'subscription' ? client.iterate(asked) : ask(asked, options?.headers);
  };
  return { fetcher, dispose: () => client.dispose() };
}
