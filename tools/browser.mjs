/**
 * Finds the Chromium that tests and the demo drive, and the flags it is started with.
 */
import { accessSync, constants, existsSync } from 'node:fs';
import path from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'microsoft-edge'];

/**
 * The path of a Chromium, or null where there is none.
 *
 * Looked for in this order: `CHROMIUM_PATH`, the one that Playwright installed, one on the `PATH`.
 * @returns {Promise<string | null>}
 * @throws when `CHROMIUM_PATH` names a file that cannot be run: a wrong wish is not passed over in silence
 */
export async function findBrowser() {
  const wished = process.env.CHROMIUM_PATH;
  if (wished) {
    if (isExecutable(wished)) return wished;
    throw new Error(`CHROMIUM_PATH is ${wished}, which cannot be run. Give the path of a Chromium, or unset it.`);
  }
  const { chromium } = await import('playwright');
  const installed = chromium.executablePath();
  if (installed && existsSync(installed)) return installed;
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    for (const name of NAMES) {
      const candidate = path.join(folder, name);
      if (folder !== '' && isExecutable(candidate)) return candidate;
    }
  }
  return null;
}

/** As `findBrowser`, for those who cannot go on without. */
export async function requireBrowser() {
  const found = await findBrowser();
  if (found !== null) return found;
  throw new Error('No Chromium was found. Run "node tools/prepare.mjs --browser", or set CHROMIUM_PATH to one.');
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Flags for a headless Chromium with WebGPU. By default SwiftShader computes it, so that every machine gives the same
 * numbers; `NUDGE_GPU=1` takes the real GPU instead.
 */
export const launchFlags = [
  '--enable-unsafe-webgpu',
  ...(process.env.NUDGE_GPU === '1'
    ? ['--enable-features=Vulkan', '--ignore-gpu-blocklist']
    : ['--use-webgpu-adapter=swiftshader']),
  // Chromium's sandbox refuses to start as root; every other user keeps it.
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  // Containers often have a /dev/shm of 64 MB, which a model's buffers outgrow.
  '--disable-dev-shm-usage',
  // Nothing but the page talks to the network.
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-domain-reliability',
  '--disable-sync',
  '--metrics-recording-only',
  '--no-first-run',
  '--no-pings',
];
