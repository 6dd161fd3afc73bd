/**
 * Vite plugin: `import bytes from '../../shaders/simd/index.ts?simd'` is the kernels of `shaders/simd/` as a WebAssembly module.
 *
 * `?simd&shared` is the build for memory that threads share. The module's bytes stand in the JavaScript in base64, so
 * that a browser, a worker and Node load them alike; it is small, and an `import()` of its own.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const sources = path.join(root, 'shaders/simd');
const cache = path.join(root, 'node_modules/.cache/simd');
const REQUEST = /[\\/]simd[\\/]index\.ts\?simd(&\w+)*$/;

/** Most pages of 64 KiB that the shared memory of tfjs-wasm may have. */
const MOST_PAGES = 65536;

/** @returns {import('vite').Plugin} */
export function simdKernels() {
  return {
    name: 'nudge:simd-kernels',
    enforce: 'pre',
    async load(id) {
      if (!REQUEST.test(id)) return null;
      for (const file of readdirSync(sources)) this.addWatchFile(path.join(sources, file));
      const query = new URLSearchParams(id.slice(id.indexOf('?')));
      const bytes = await compileKernels({ shared: query.has('shared') });
      const text = JSON.stringify(bytes.toString('base64'));
      return `export default Uint8Array.from(atob(${text}), (letter) => letter.charCodeAt(0));`;
    },
  };
}

/**
 * Compiles `shaders/simd/`, or takes what was compiled of the same text before.
 * @param {{ shared?: boolean }} build
 * @returns {Promise<Buffer>}
 */
export async function compileKernels({ shared = false } = {}) {
  const options = [
    ...['--runtime', 'stub', '--importMemory', '--noAssert', '--optimizeLevel', '3', '--shrinkLevel', '0'],
    ...['--use', 'abort=', '--enable', 'simd'],
    ...(shared ? ['--enable', 'threads', '--sharedMemory', '--maximumMemory', `${MOST_PAGES}`] : []),
  ];
  const texts = readdirSync(sources)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => [file, readFileSync(path.join(sources, file), 'utf8')]);
  const manifest = readFileSync(path.join(root, 'node_modules/assemblyscript/package.json'), 'utf8');
  const { version } = JSON.parse(manifest);
  const own = readFileSync(fileURLToPath(import.meta.url), 'utf8');
  const key = createHash('sha256')
    .update(JSON.stringify([texts, options, version, own]))
    .digest('hex')
    .slice(0, 16);
  const kept = path.join(cache, `${key}.wasm`);
  if (existsSync(kept)) return readFileSync(kept);
  const bytes = await compile(new Map(texts), options);
  mkdirSync(cache, { recursive: true });
  // Whole or not at all, since tests compile side by side.
  const part = `${kept}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  writeFileSync(part, bytes);
  renameSync(part, kept);
  return bytes;
}

/** @param {Map<string, string>} texts */
async function compile(texts, options) {
  const { default: asc } = await import('assemblyscript/asc');
  let bytes = null;
  const { error, stderr } = await asc.main(['index.ts', '--outFile', 'kernels.wasm', ...options], {
    // AssemblyScript's `@inline` before a function is not TypeScript, which formatters and linters read.
    readFile: (name) => texts.get(path.basename(name))?.replaceAll('/* @inline */', '@inline') ?? null,
    writeFile: (name, contents) => {
      if (name.endsWith('.wasm')) bytes = Buffer.from(contents);
    },
    listFiles: () => [],
  });
  if (error || bytes === null)
    throw new Error(`shaders/simd/ does not compile.\n${stderr.toString()}${error?.message ?? ''}`);
  return bytes;
}
