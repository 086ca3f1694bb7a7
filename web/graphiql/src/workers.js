// The editor's helpers run in workers of our own: by default they would come from elsewhere.
const FILES = { json: 'json.worker.js', graphql: 'graphql.worker.js' };

globalThis.MonacoEnvironment = {
  getWorker: (_, label) =>
    new Worker(new URL(FILES[label] ?? 'editor.worker.js', import.meta.url), { name: label }),
};
