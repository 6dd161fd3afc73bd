import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { defineConfig } from '@playwright/test';
import { launchFlags, requireBrowser } from './tools/browser.mjs';

// Playwright reads this file in its workers too; the environment carries the port from the first reading to them.
process.env.NUDGE_E2E_PORT ??= String(await freePort());
const port = Number(process.env.NUDGE_E2E_PORT);
const address = `http://127.0.0.1:${port}`;

export default defineConfig({
  testDir: 'e2e',
  // A model is trained in most of these, on a software GPU.
  timeout: 240_000,
  expect: { timeout: 30_000 },
  workers: 1,
  retries: 0,
  forbidOnly: true,
  outputDir: 'test-results',
  use: {
    baseURL: address,
    headless: true,
    trace: 'off',
    video: 'off',
    screenshot: 'off',
    viewport: { width: 1280, height: 800 },
    launchOptions: { executablePath: await requireBrowser(), args: launchFlags },
  },
  webServer: {
    command: 'node tools/start.mjs',
    url: address,
    env: { PORT: String(port) },
    timeout: 120_000,
    reuseExistingServer: false,
  },
});

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port: found } = server.address() as AddressInfo;
      server.close(() => resolve(found));
    });
  });
}
