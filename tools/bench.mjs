/**
 * `npm run bench`: times this engine and its peers in one run, in one browser. Builds the page of tools/bench, opens it
 * in a headless browser, and prints what it measured.
 *
 * Ends with 0 when everything was measured, 1 when something failed or a training is broken, 2 when an argument cannot
 * be used.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { build, preview } from 'vite';
import { readBenchArguments, USAGE } from './benchArguments.mjs';
import { reportTables, withMeasured } from './benchReport.mjs';
import { launchFlags, requireBrowser } from './browser.mjs';
import { atTheEnd, runCommand } from './command.mjs';
import { simdKernels } from './simdKernels.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const benchRoot = path.join(root, 'tools/bench');
const PAGE = path.join(root, 'BENCHMARKS.md');

/** A page that is isolated gets timers of 5 microseconds instead of 100. */
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};
/** Timestamps of the GPU are otherwise rounded to 100 microseconds. */
const BENCH_FLAGS = ['--enable-webgpu-developer-features'];

const read = readBenchArguments(process.argv.slice(2));
const { options } = read;
await runCommand(read, USAGE, bench);

async function bench() {
  const { report, broken } = await Promise.race([options.node ? inNode() : inBrowser(), outOfTime()]);
  console.log(`\n${reportTables(report)}`);
  if (options.json) writeFileSync(options.json, `${JSON.stringify(report, null, 1)}\n`);
  if (options.markdown && broken.length === 0) {
    const asked = process.argv.slice(2);
    // Where the JSON went is nobody else's business.
    const told = asked.filter((arg, i) => !arg.startsWith('--json') && asked[i - 1] !== '--json');
    const command = ['npm run bench --', ...told].join(' ');
    const date = new Date().toISOString().slice(0, 10);
    const page = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '# Benchmarks\n';
    writeFileSync(PAGE, withMeasured(page, report, { date, command }));
  }
  for (const sentence of broken) console.error(`\nBroken training. ${sentence}.`);
  return broken.length > 0 || Object.keys(report.failed).length > 0 ? 1 : 0;
}

async function inBrowser() {
  const address = await serve();
  const browser = await chromium.launch({
    executablePath: await requireBrowser(),
    args: [...launchFlags, ...BENCH_FLAGS],
    handleSIGINT: false,
    handleSIGTERM: false,
  });
  atTheEnd(() => browser.close());
  const page = await browser.newPage();
  const say = progress();
  page.on('console', (message) => {
    if (message.text().startsWith('bench: ')) say(message.text().slice('bench: '.length));
    else if (message.type() === 'error') console.error(`The page says: ${message.text()}`);
  });
  page.on('pageerror', (error) => console.error(`The page says: ${error.message}`));
  const ended = new Promise((_, reject) => {
    page.on('crash', () => reject(new Error('The page crashed. Was there too little memory?')));
    browser.on('disconnected', () => reject(new Error('The browser ended before the bench did.')));
  });
  await page.goto(address);
  return Promise.race([page.evaluate((wanted) => globalThis.bench(wanted), options.bench), ended]);
}

/** Builds the bench's page into a folder of its own, and serves it. */
async function serve() {
  const outDir = mkdtempSync(path.join(tmpdir(), 'nudge-bench-'));
  atTheEnd(() => rmSync(outDir, { recursive: true, force: true }));
  console.log('Building the bench ...');
  const config = { root: benchRoot, configFile: false, base: './', publicDir: false };
  await build({
    ...config,
    logLevel: 'error',
    plugins: [simdKernels()],
    worker: { format: 'es', plugins: () => [simdKernels()] },
    // Not minified: tfjs names its pipelines after their classes.
    build: { outDir, emptyOutDir: true, target: 'es2023', minify: false, chunkSizeWarningLimit: 10_000 },
  });
  const server = await preview({
    ...config,
    logLevel: 'warn',
    build: { outDir },
    preview: { host: '127.0.0.1', port: 0, strictPort: true, headers: ISOLATION },
  });
  atTheEnd(() => server.close());
  return `http://127.0.0.1:${server.httpServer.address().port}`;
}

/** This engine alone, in a Node of its own on Dawn. */
async function inNode() {
  try {
    createRequire(import.meta.url).resolve('webgpu');
  } catch {
    throw new Error(
      '--node needs the package "webgpu" (140 MB), which is not installed: npm install --no-save webgpu@0.6.2',
    );
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'nudge-bench-'));
  atTheEnd(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'report.json');
  const args = ['tools/run.mjs', 'tools/bench/node.ts', JSON.stringify(options.bench), file];
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
  atTheEnd(() => child.kill());
  await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error('The bench failed in Node; see above.'))));
  });
  return JSON.parse(readFileSync(file, 'utf8'));
}

function outOfTime() {
  return new Promise((_, reject) => {
    const sentence = `The bench took longer than ${options.timeLimit} minutes. Give it more with --time-limit MINUTES.`;
    const timer = setTimeout(() => reject(new Error(sentence)), options.timeLimit * 60_000);
    atTheEnd(() => clearTimeout(timer));
  });
}

/** One line that is overwritten on a terminal; line by line in a log. */
function progress() {
  const started = performance.now();
  return (words) => {
    const line = `${((performance.now() - started) / 1000).toFixed(0).padStart(5)} s  ${words}`;
    if (process.stdout.isTTY) process.stdout.write(`\r\u001b[2K${line}`);
    else console.log(line);
  };
}
