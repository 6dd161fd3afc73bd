/**
 * `npm run demo`: the whole loop without a hand on it. Builds the site, opens it in a headless browser, lets its
 * autopilot run (SFT, a simulated labeler that ranks, the reward model, PPO, a measurement on held-out prompts), and
 * prints what came of it. The numbers come from the page's own worker; nothing here trains or measures.
 *
 * Ends with 0 when the loop ended with a whole report, 1 when it failed, 2 when an argument cannot be used.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { build, preview } from 'vite';
import { launchFlags, requireBrowser } from './browser.mjs';
import { atTheEnd, runCommand } from './command.mjs';
import { readDemoArguments, USAGE } from './demoArguments.mjs';
import { missingFigures, reportTable } from './demoReport.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
/** The page is asked this often where it stands. */
const LOOK_EVERY_MS = 500;
/** Where lines cannot be overwritten (a log), one is written at most this often. */
const LOG_EVERY_MS = 15_000;

const read = readDemoArguments(process.argv.slice(2));
const { options } = read;
await runCommand(read, USAGE, demo);

async function demo() {
  console.log(`Nudge demo: ${options.preset}, seed ${options.seed}, backend ${options.backend}`);
  const address = await serve();
  const page = await openBrowser();
  const query = new URLSearchParams({
    autopilot: '1',
    preset: options.preset,
    backend: options.backend,
    seed: String(options.seed),
  });
  for (const name of ['rankings', 'prompts']) if (options[name] !== null) query.set(name, String(options[name]));
  const report = await Promise.race([watch(page, `${address}/?${query}`), brokenDown(page), outOfTime()]);

  console.log(`\n${reportTable(report)}`);
  if (options.json) writeFileSync(options.json, `${JSON.stringify(report, null, 1)}\n`);
  const missing = missingFigures(report);
  if (missing.length === 0) return 0;
  console.error(`\nThe report lacks figures: ${missing.join(', ')}.`);
  return 1;
}

/** Builds the site into a folder of its own, so that a site which is being served from `dist` is left alone. */
async function serve() {
  const outDir = mkdtempSync(path.join(tmpdir(), 'nudge-demo-'));
  atTheEnd(() => rmSync(outDir, { recursive: true, force: true }));
  console.log('Building the site ...');
  await build({ root, logLevel: 'error', build: { outDir, emptyOutDir: true, sourcemap: false } });
  const server = await preview({
    root,
    logLevel: 'warn',
    build: { outDir },
    preview: { host: '127.0.0.1', port: 0, strictPort: true },
  });
  atTheEnd(() => server.close());
  return `http://127.0.0.1:${server.httpServer.address().port}`;
}

async function openBrowser() {
  const browser = await chromium.launch({
    executablePath: await requireBrowser(),
    args: launchFlags,
    handleSIGINT: false,
    handleSIGTERM: false,
  });
  atTheEnd(() => browser.close());
  return browser.newPage();
}

/** Opens the page and follows its autopilot to the end; returns the report. */
async function watch(page, address) {
  page.on('pageerror', (error) => console.error(`\nThe page says: ${error.message}`));
  await page.goto(address);
  const say = progressLines();
  for (;;) {
    const seen = await page.evaluate(lookAtPage);
    if (seen.state === 'done') {
      say('', true);
      return JSON.parse(seen.report);
    }
    if (seen.state === 'failed') throw new Error(`The loop failed. ${seen.problem}`);
    if (seen.state === 'stopped') throw new Error(`The loop was stopped before its end. ${seen.problem}`.trim());
    if (seen.state !== 'running' && seen.problem) throw new Error(`The page could not start. ${seen.problem}`);
    say(seen.progress);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** Runs in the page: where the loop stands, in the page's own words. */
function lookAtPage() {
  const words = (selector) => document.querySelector(selector)?.textContent.replace(/\s+/g, ' ').trim() ?? '';
  const output = document.querySelector('[data-testid=autopilot-report]');
  return {
    state: output?.dataset.state ?? 'starting',
    report: output?.querySelector('pre')?.textContent ?? '',
    progress: words('[data-testid=autopilot-progress]'),
    // The loop's own error, else what the page says at its top.
    problem: words('section[aria-labelledby=autopilot-title] [role=alert]') || words('[role=log] .notice.error > div'),
  };
}

/** Rejects when the page or the browser ends by itself. */
function brokenDown(page) {
  return new Promise((_, reject) => {
    page.on('crash', () => reject(new Error('The page crashed. Was there too little memory?')));
    page.on('close', () => reject(new Error('The page was closed before the loop ended.')));
    page
      .context()
      .browser()
      .on('disconnected', () => reject(new Error('The browser ended before the loop did.')));
  });
}

function outOfTime() {
  return new Promise((_, reject) => {
    const { timeLimit } = options;
    const sentence = `The loop took longer than ${timeLimit} minutes. Give it more with --time-limit MINUTES.`;
    const timer = setTimeout(() => reject(new Error(sentence)), timeLimit * 60_000);
    atTheEnd(() => clearTimeout(timer));
  });
}

/**
 * Writes each stage on a line of its own; within a stage the line is overwritten on a terminal, and written again only
 * now and then in a log.
 */
function progressLines() {
  const started = performance.now();
  let stage = '';
  let shown = '';
  let lastLine = 0;
  return (words, over = false) => {
    if (over && process.stdout.isTTY && shown) process.stdout.write('\n');
    if (words === '' || words === shown) return;
    const now = performance.now();
    const line = `${((now - started) / 1000).toFixed(0).padStart(5)} s  ${words}`;
    const newStage = words.split(':')[0] !== stage;
    if (process.stdout.isTTY) process.stdout.write(`${newStage && shown ? '\n' : '\r\u001b[2K'}${line}`);
    else if (newStage || now - lastLine >= LOG_EVERY_MS) console.log(line);
    else return;
    stage = words.split(':')[0];
    shown = words;
    lastLine = now;
  };
}
