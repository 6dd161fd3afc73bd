/** Where there is no WebGPU. */
import { launchFlags, requireBrowser } from '../tools/browser.mjs';
import { expect, test } from './fixtures';

const withoutWebGpu = [...launchFlags.filter((flag) => !flag.includes('webgpu')), '--disable-features=WebGPU'];
test.use({ launchOptions: { executablePath: await requireBrowser(), args: withoutWebGpu } });

test('without WebGPU the page says so, answers and trains on WASM', async ({ nudge, page }) => {
  await nudge.open();
  await expect(nudge.statusLine).toContainText('nano · WASM');
  await nudge.statusLine.click();
  const session = page.getByRole('region', { name: 'Session' });
  await expect(session).toContainText('WASM SIMD');
  await expect(session).toContainText('Everything runs on your processor');
  await expect(session).toContainText(/WebGPU/);
  await page.keyboard.press('Escape');

  await nudge.letLabelerRank();
  await nudge.set('rewardModel', { epochs: 1 });
  await nudge.train('rewardModel');
  await nudge.set('ppo', { updates: 1, batchSize: 8, minibatchSize: 8, ppoEpochs: 1, maxNewTokens: 16 });
  await nudge.train('ppo');
  expect(await nudge.chartValues('Score')).toHaveLength(1);
});

test('a backend that was asked for and is not there is named, with what was taken instead', async ({ nudge, page }) => {
  await nudge.open({ backend: 'webgpu' });
  await expect(nudge.statusLine).toContainText('WASM');
  await nudge.statusLine.click();
  await expect(page.getByRole('region', { name: 'Session' })).toContainText(/WebGPU/);
});
