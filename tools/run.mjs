/**
 * Runs a TypeScript tool in Node: `node tools/run.mjs FILE.ts [arguments]` calls the file's `main(args: string[])`.
 *
 * The file goes through Vite as the site does, so imports without an extension, `?raw` shaders and tfjs work.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createServer, createServerModuleRunner } from 'vite';
import { simdKernels } from './simdKernels.mjs';
import { TFJS_BUNDLED, TFJS_INLINE } from './tfjsInNode.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const [file, ...args] = process.argv.slice(2);
if (file === undefined) {
  console.error('Expected a TypeScript file: node tools/run.mjs FILE.ts [arguments].');
  process.exit(2);
}

const server = await createServer({
  root,
  configFile: false,
  cacheDir: path.join(root, 'node_modules/.vite/run'),
  appType: 'custom',
  logLevel: 'warn',
  plugins: [simdKernels()],
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true, include: [] },
  ssr: { noExternal: [TFJS_INLINE], optimizeDeps: { include: TFJS_BUNDLED } },
});
const runner = createServerModuleRunner(server.environments.ssr, { hmr: false });
try {
  const tool = await runner.import(path.resolve(file));
  if (typeof tool.main !== 'function') throw new Error(`${file} has no exported function main(args: string[]).`);
  await tool.main(args);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await runner.close();
  await server.close();
}
