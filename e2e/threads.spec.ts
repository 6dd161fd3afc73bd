/** WebAssembly in a page that its host isolates from other origins: only there may it have threads. */
import type { AddressInfo } from 'node:net';
import { preview } from 'vite';
import type { Browser, Page } from '@playwright/test';
import { expect, test } from './fixtures';
import { NudgePage } from './nudgePage';

const CORES = 4;

/** Tells the worker of so many cores, whatever the machine has. */
async function pretendCores(page: Page): Promise<void> {
  await page.route(/\/worker-[^/]*\.js$/, async (route) => {
    const response = await route.fetch();
    const pretence = `Object.defineProperty(navigator, 'hardwareConcurrency', { value: ${CORES} });`;
    await route.fulfill({ response, body: `${pretence}\n${await response.text()}` });
  });
}

/** The losses of a short fine-tuning on WASM, and how the page names what computed them. */
async function fineTune(nudge: NudgePage): Promise<{ losses: number[]; device: string }> {
  await nudge.open({ backend: 'wasm' });
  await nudge.set('sft', { examples: 48, epochs: 1 });
  await nudge.train('sft');
  const losses = await nudge.chartValues('Loss');
  await nudge.statusLine.click();
  const device = await nudge.page.getByRole('region', { name: 'Session' }).innerText();
  return { losses, device };
}

test('WASM has threads where the page is isolated, one elsewhere, and computes the same with either', async ({
  nudge,
  browser,
}) => {
  await pretendCores(nudge.page);
  const alone = await fineTune(nudge);
  expect(alone.device).toContain('WASM SIMD, 1 thread');
  await nudge.page.close();

  await inIsolation(browser, {}, async (isolated) => {
    const together = await fineTune(isolated);
    expect(together.device).toMatch(/WASM SIMD, [2-9] threads/);
    expect(together.losses).toHaveLength(3);
    together.losses.forEach((loss, step) => expect(loss).toBeCloseTo(alone.losses[step] as number, 3));
  });
});

test('WASM has one thread where the page is isolated and its host forbids what threads are made of', async ({
  browser,
}) => {
  await inIsolation(browser, { 'Content-Security-Policy': "worker-src 'self'" }, async (isolated) => {
    await isolated.open({ backend: 'wasm' });
    await isolated.statusLine.click();
    await expect(isolated.page.getByRole('region', { name: 'Session' })).toContainText('WASM SIMD, 1 thread');
  });
});

/** The page from a host that sends the two headers, and others, and tells it of enough cores. */
async function inIsolation(
  browser: Browser,
  others: Record<string, string>,
  body: (nudge: NudgePage) => Promise<void>,
): Promise<void> {
  const headers = {
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
    ...others,
  };
  const server = await preview({ preview: { host: '127.0.0.1', port: 0, headers }, logLevel: 'error' });
  try {
    const { port } = server.httpServer.address() as AddressInfo;
    const context = await browser.newContext({ baseURL: `http://127.0.0.1:${port}` });
    const page = await context.newPage();
    await pretendCores(page);
    await body(new NudgePage(page));
    await context.close();
  } finally {
    await server.close();
  }
}
