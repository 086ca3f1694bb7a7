import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Where `npm run dev` finds the server: the real one, or `npm run dev:mock`. */
const server = process.env["CLIPSY_SERVER"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: {
    alias: [
      // The element imports the full build; our streams need nothing that the light one lacks
      // (no alternate audio, no DRM, subtitles come as side files).
      { find: /^hls\.js\/dist\/hls\.mjs$/, replacement: "hls.js/dist/hls.light.mjs" },
    ],
  },
  // Addresses in code are relative to it; the server completes those in the documents.
  base: "./",
  build: {
    outDir: "dist/site",
    target: "es2023",
    sourcemap: false,
    // No data: URLs, so that the content security policy needs none for fonts and scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: "manifest.json",
    rolldownOptions: {
      input: { index: here("index.html"), embed: here("embed.html") },
    },
  },
  server: {
    host: "127.0.0.1",
    proxy: Object.fromEntries(
      ["/graphql", "/api", "/media", "/oembed"].map((path) => [path, { target: server, ws: true }]),
    ),
  },
});
