import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { simdKernels } from './tools/simdKernels.mjs';
import { threadedWasm } from './tools/threadedWasm.mjs';

export default defineConfig({
  // Relative, so that one build works at any path of any static host.
  base: './',
  // A file that is missing is a 404 and not the page: a model that is not there must not load as HTML.
  appType: 'mpa',
  plugins: [svelte({ configFile: false }), simdKernels()],
  worker: { format: 'es', plugins: () => [threadedWasm(), simdKernels()] },
  build: { target: 'es2023', sourcemap: true, chunkSizeWarningLimit: 1500 },
});
