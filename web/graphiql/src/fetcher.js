// Runs what GraphiQL asks: subscriptions over a WebSocket, all else as HTTP requests.

import { getOperationAST, parse } from 'graphql';
import { createClient } from 'graphql-ws';

/** A fetcher for one session, or for nobody; `dispose` closes its socket. */
export function createFetcher(session) {
  const url = new URL('/graphql', location.href);
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
    const document = options?.documentAST ?? parse(request.query);
    const operation = getOperationAST(document, request.operationName);
    return operation?.operation === 'subscription'
      ? client.iterate(request)
      : ask(request, options?.headers);
  };
  return { fetcher, dispose: () => client.dispose() };
}
