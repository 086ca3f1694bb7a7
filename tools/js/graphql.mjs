// Other people's clients of GraphQL, against a server that is running.
//
//   node graphql.mjs SCENARIO '{"url": "http://…/graphql", …}'
//
// Writes one JSON document to standard output. What each scenario takes and tells is at its
// function; `say` writes a line in between, for a test that has something to do then.

import { serverAudits } from 'graphql-http';
import { createClient as sseClient } from 'graphql-sse';
import { createClient as wsClient } from 'graphql-ws';
import WebSocket from 'ws';

const PATIENCE_MS = 30_000;

const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** All audits of npm graphql-http: those that did not pass, and how many did. */
async function audits({ url }) {
  const results = [];
  for (const audit of serverAudits({ url })) results.push(await audit.fn());
  const failed = results.filter(({ status }) => status !== 'ok');
  return {
    ok: results.length - failed.length,
    failed: await Promise.all(
      failed.map(async ({ id, name, status, reason, response }) => {
        const body = await response?.text?.().catch(() => '');
        return { id, name, status, reason, http: response?.status, body };
      }),
    ),
  };
}

/** Sends a request as JSON; the answer's body. */
async function post({ url, token }, request) {
  const headers = { 'content-type': 'application/json' };
  if (token) headers.authorization = `Bearer ${token}`;
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(request) });
  return answer.json();
}

function watch(args, options) {
  const closed = [];
  const client = wsClient({
    url: args.url?.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: () => (args.token ? { Authorization: `Bearer ${args.token}` } : {}),
    retryAttempts: 0,
    on: { closed: (event) => closed.push({ code: event.code, reason: event.reason }) },
    ...options,
  });
  return { client, closed };
}

const told = (error) =>
  Array.isArray(error)
    ? { errors: error.map(({ message, extensions }) => ({ message, extensions })) }
    : { code: error?.code, reason: error?.reason, message: error?.message };

/**
 * npm graphql-ws: runs `request` and collects `take` results (all if it is missing). After the
 * first result, `then` is sent as a mutation.
 */
async function ws(args) {
  const { client, closed } = watch(args, args.keep_alive ? { keepAlive: args.keep_alive } : {});
  const results = [];
  let error;
  try {
    for await (const result of client.iterate(args.request)) {
      results.push(result);
      if (args.say) say(result);
      if (results.length === 1 && args.then) await post(args, args.then);
      if (results.length === args.take) break;
    }
  } catch (thrown) {
    error = told(thrown);
  }
  await client.dispose();
  return { results, error, closed };
}

/**
 * npm graphql-ws: the same, but it connects again, with the next of `tokens` and to the next of `urls`
 * if there are some.
 */
async function reconnect(args) {
  let connections = 0;
  let tries = 0;
  const next = () => args.urls[tries++ % args.urls.length].replace(/^http/, 'ws');
  const { client, closed } = watch(args, {
    connectionParams: () => {
      const token = args.tokens?.[Math.min(connections, args.tokens.length - 1)];
      connections += 1;
      return token ? { Authorization: `Bearer ${token}` } : {};
    },
    ...(args.urls && { url: next }),
    retryAttempts: 100,
    retryWait: () => pause(50),
    shouldRetry: () => true,
  });
  const results = [];
  let error;
  try {
    for await (const result of client.iterate(args.request)) {
      results.push(result);
      say(result);
      if (results.length === args.take) break;
    }
  } catch (thrown) {
    error = told(thrown);
  }
  await client.dispose();
  return { results, error, closed, connections };
}

/** npm graphql-sse in its distinct connections mode: as `ws`. */
async function sse(args) {
  const client = sseClient({
    url: args.url,
    headers: () => (args.token ? { Authorization: `Bearer ${args.token}` } : {}),
    retryAttempts: 0,
  });
  const results = [];
  let error;
  try {
    for await (const result of client.iterate(args.request)) {
      results.push(result);
      if (args.say) say(result);
      if (results.length === 1 && args.then) await post(args, args.then);
      if (results.length === args.take) break;
    }
  } catch (thrown) {
    error = { message: thrown.message, status: thrown.response?.status };
  }
  client.dispose();
  return { results, error };
}

/**
 * Opens each of `sockets` with `protocols` and `headers`, sends its `messages` (texts as they are,
 * `{binary: …}` as bytes, `{wait: type}` waits for a message of that type) and tells what came and
 * how it was closed. A socket with `take` is closed by us after so many messages.
 */
async function raw({ url, sockets }) {
  const one = ({ protocols = ['graphql-transport-ws'], headers, messages = [], take }) =>
    new Promise((done) => {
      const socket = new WebSocket(url.replace(/^http/, 'ws'), protocols, { headers });
      const received = [];
      let pings = 0;
      let arrived = () => {};
      const timer = setTimeout(() => {
        socket.terminate();
        done({ received, pings, error: 'no end' });
      }, PATIENCE_MS);
      const end = (result) => {
        clearTimeout(timer);
        done({ received, pings, protocol: socket.protocol, ...result });
      };
      socket.on('ping', () => (pings += 1));
      socket.on('message', (data) => {
        received.push(JSON.parse(data.toString()));
        arrived();
        if (received.length === take) socket.close(1000, 'enough');
      });
      socket.on('unexpected-response', (_, response) => end({ status: response.statusCode }));
      socket.on('error', (error) => end({ error: error.message }));
      socket.on('close', (code, reason) => end({ code, reason: reason.toString() }));
      socket.on('open', async () => {
        for (const message of messages) {
          if (typeof message === 'string') {
            socket.send(message);
          } else if (message.wait) {
            while (!received.some(({ type }) => type === message.wait)) {
              await new Promise((then) => (arrived = then));
            }
          } else if (message.binary) {
            socket.send(Buffer.from(message.binary));
          } else if (message.repeat) {
            for (let n = 0; n < message.repeat; n += 1) {
              socket.send(message.text.replaceAll('NUMBER', String(n)));
            }
          } else {
            socket.send(JSON.stringify(message));
          }
        }
      });
    });
  return Promise.all(sockets.map(one));
}

/** Opens `count` sockets and tells how many of them were let in. */
async function crowd({ url, count }) {
  const sockets = [];
  const opened = [];
  for (let n = 0; n < count; n += 1) {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), ['graphql-transport-ws']);
    sockets.push(socket);
    opened.push(
      new Promise((done) => {
        socket.on('open', () => done(101));
        socket.on('unexpected-response', (_, response) => done(response.statusCode));
        socket.on('error', () => done(0));
      }),
    );
  }
  const statuses = await Promise.all(opened);
  for (const socket of sockets) socket.terminate();
  return { statuses };
}

/** Subscribes and then does not read; says `subscribed`, reads on when a line comes in. */
async function slow({ url, request }) {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), ['graphql-transport-ws']);
  const received = [];
  await new Promise((done) => socket.on('open', done));
  socket.send(JSON.stringify({ type: 'connection_init' }));
  await new Promise((done) => socket.once('message', done));
  let last;
  socket.on('message', (data) => {
    const message = JSON.parse(data.toString());
    received.push(message.payload?.data ? Object.values(message.payload.data)[0].number : message);
    last?.(message);
  });
  socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: request }));
  await new Promise((done) => (last = done));
  socket.pause();
  say({ subscribed: true });
  await new Promise((done) => process.stdin.once('data', done));
  await new Promise((done) => {
    last = ({ type }) => type === 'complete' && done();
    socket.resume();
  });
  socket.terminate();
  return { received: received.slice(0, -1) };
}

const scenarios = { audits, ws, reconnect, sse, raw, crowd, slow };
const [, , scenario, args] = process.argv;
const result = await scenarios[scenario](JSON.parse(args));
// Only when all is written: a pipe takes less than some results at once.
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
