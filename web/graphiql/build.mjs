// Bundles the page into dist/, each file compressed as it will be sent. crates/graph embeds them.

import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const out = 'dist';
await mkdir(out, { recursive: true });
for (const name of await readdir(out)) {
  if (name !== '.gitkeep') await rm(`${out}/${name}`);
}

const common = {
  bundle: true,
  minify: true,
  legalComments: 'eof',
  logLevel: 'warning',
  write: false,
  outdir: out,
  define: { 'process.env.NODE_ENV': '"production"' },
  loader: { '.ttf': 'file' },
  target: ['chrome109', 'firefox115', 'safari16'],
};
const page = await build({
  ...common,
  entryPoints: ['src/main.jsx'],
  format: 'esm',
  splitting: true,
  jsx: 'automatic',
  assetNames: '[name]-[hash]',
  chunkNames: 'chunk-[hash]',
});
const workers = await build({
  ...common,
  entryPoints: {
    'editor.worker': 'monaco-editor/esm/vs/editor/editor.worker.js',
    'json.worker': 'monaco-editor/esm/vs/language/json/json.worker.js',
    'graphql.worker': 'monaco-graphql/esm/graphql.worker.js',
  },
  format: 'iife',
});

const files = [...page.outputFiles, ...workers.outputFiles].map(({ path, contents }) => [
  path.replace(/^.*\//, ''),
  contents,
]);
files.push(['index.html', await readFile('src/index.html')]);
let bytes = 0;
for (const [name, contents] of files) {
  const packed = gzipSync(contents, { level: 9 });
  bytes += packed.length;
  await writeFile(`${out}/${name}.gz`, packed);
}
console.log(`graphiql: ${files.length} files, ${Math.round(bytes / 1024)} KiB compressed`);
