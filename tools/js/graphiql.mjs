// The GraphiQL page in a real browser:
//
//   node graphiql.mjs '{"url": "http://…", "username": …, "password": …, "query": …,
//                       "expect": …, "subscription": …, "mutation": …, "screenshot": …}'
//
// Signs in, runs the query until the result shows `expect`, then the subscription; when its first
// result shows, the mutation is sent and a second result awaited. Tells which hosts were asked, what
// the browser complained of, and what was shown.

import { chromium } from 'playwright-core';

const args = JSON.parse(process.argv[2]);
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
const told = { hosts: [], complaints: [], failed: [] };
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(60_000);
  const host = (url) => (/^(data|blob):/.test(url) ? url.slice(0, 5) : new URL(url).host);
  const note = (url) => told.hosts.includes(host(url)) || told.hosts.push(host(url));
  page.on('request', (request) => note(request.url()));
  page.on('websocket', (socket) => note(socket.url()));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) told.complaints.push(message.text());
  });
  page.on('pageerror', (error) => told.complaints.push(String(error)));
  page.on('response', (response) => {
    if (response.status() >= 400) told.failed.push(`${response.status()} ${response.url()}`);
  });

  const answer = await page.goto(`${args.url}/graphiql`);
  told.status = answer.status();
  const editor = page.locator('.graphiql-editor .monaco-editor').first();
  await editor.waitFor();
  const response = page.locator('.graphiql-response');
  const shows = (text) =>
    page.waitForFunction(
      (text) =>
        (globalThis.__MONACO?.editor.getModels() ?? []).some(
          (model) => /response/.test(model.uri.path) && model.getValue().includes(text),
        ),
      text,
    );
  const shown = () =>
    page.evaluate(
      () =>
        globalThis.__MONACO.editor
          .getModels()
          .find((model) => /response/.test(model.uri.path))
          ?.getValue() ?? '',
    );
  const write = async (text) => {
    await editor.click();
    await page.keyboard.press('Control+a');
    await page.keyboard.press('Delete');
    await page.evaluate((text) => {
      const model = globalThis.__MONACO.editor
        .getModels()
        .find((model) => /operation|query/.test(model.uri.path));
      model.setValue(text);
    }, text);
  };
  const run = () => page.locator('.graphiql-execute-button').click();

  await page.getByLabel('User name').fill(args.username);
  await page.getByLabel('Password').fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('[role=alert]', { hasText: /\S/ }).first().waitFor();
  told.refusal = await page.locator('.bar [role=alert]').textContent();
  // What was wrong on purpose does not count.
  told.complaints = [];
  told.failed = [];
  await page.getByLabel('Password').fill(args.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText(`Signed in as ${args.username}`).waitFor();

  await write(args.query);
  await run();
  await shows(args.expect);
  told.result = await shown();
  if (args.screenshot) await page.screenshot({ path: args.screenshot });

  await write(args.subscription);
  await run();
  await page.waitForFunction((before) => {
    const model = globalThis.__MONACO.editor
      .getModels()
      .find((model) => /response/.test(model.uri.path));
    return model.getValue() !== before && model.getValue().includes('"data"');
  }, told.result);
  told.first = await shown();
  await page.evaluate(
    async ([mutation, token]) => {
      const headers = { 'content-type': 'application/json' };
      if (token) headers.authorization = `Bearer ${token}`;
      await fetch('/graphql', { method: 'POST', headers, body: JSON.stringify(mutation) });
    },
    [args.mutation, args.token],
  );
  await page.waitForFunction((before) => {
    const model = globalThis.__MONACO.editor
      .getModels()
      .find((model) => /response/.test(model.uri.path));
    return model.getValue() !== before && model.getValue().includes('"data"');
  }, told.first);
  told.second = await shown();
  if (args.screenshot) {
    await page.screenshot({ path: args.screenshot.replace('.png', '-subscription.png') });
  }
  await run();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
} catch (error) {
  told.error = String(error);
  if (args.screenshot) {
    const [page] = browser.contexts().flatMap((context) => context.pages());
    await page?.screenshot({ path: args.screenshot }).catch(() => {});
  }
}
await browser.close();
process.stdout.write(`${JSON.stringify(told)}\n`, () => process.exit(0));
