/**
 * Installs what is missing, so that `npm start` and `npm test` work on a fresh clone: `node tools/prepare.mjs
 * [--browser]`. Uses Node alone, because it runs before anything is installed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const OLDEST_NODE = [20, 19];

checkNode();
if (!dependenciesAreCurrent()) {
  console.log('Installing dependencies (npm ci) ...');
  if (!run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund']))
    fail('npm ci failed; its own words are above. Is the network there?');
}
if (process.argv.includes('--browser')) await ensureBrowser();

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    fail(`Nudge needs Node ${OLDEST_NODE.join('.')} or newer; this is ${process.versions.node}.`);
  }
}

/** npm writes node_modules/.package-lock.json last, so its age is that of the last whole installation. */
function dependenciesAreCurrent() {
  const installed = path.join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installed)) return false;
  return statSync(installed).mtimeMs >= statSync(path.join(root, 'package-lock.json')).mtimeMs;
}

async function ensureBrowser() {
  const { findBrowser } = await import('./browser.mjs');
  try {
    if ((await findBrowser()) !== null) return;
  } catch (error) {
    fail(error.message);
  }
  console.log('No Chromium was found. Asking Playwright for one ...');
  run(process.execPath, [path.join(root, 'node_modules/playwright/cli.js'), 'install', 'chromium']);
  if ((await findBrowser()) !== null) return;
  if (process.getuid?.() === 0 && existsSync('/etc/debian_version')) {
    console.log("Playwright could not install one. Asking the system's package manager ...");
    run('apt-get', ['update', '-qq']);
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium']);
    if ((await findBrowser()) !== null) return;
  }
  fail('No Chromium was found and none could be installed. Install Chromium or Chrome, or set CHROMIUM_PATH to one.');
}

function run(command, args) {
  // On Windows npm is a .cmd file, which only a shell can start; the arguments are all our own.
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  return result.status === 0;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
