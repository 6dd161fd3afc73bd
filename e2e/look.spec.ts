/**
 * What the three places look like, on a desktop and on a phone, light and dark, and that axe finds nothing there.
 *
 * `UPDATE_SCREENSHOTS=1` trains for longer and writes e2e/screenshots, which the README shows.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Page } from '@playwright/test';
import axe from 'axe-core';
import { expect, test } from './fixtures';
import { NudgePage } from './nudgePage';
import type { PlaceName } from './nudgePage';

const KEEP = process.env.UPDATE_SCREENSHOTS === '1';
const PLACES: readonly PlaceName[] = ['Chat', 'Train', 'Compare'];
const SCREENS = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

/** One page for all: what it shows takes a while to come about. */
let nudge: NudgePage;

test.beforeAll(async ({ browser, baseURL }) => {
  test.setTimeout(600_000);
  const context = await browser.newContext({
    viewport: SCREENS.desktop,
    reducedMotion: 'reduce',
    baseURL: baseURL ?? '',
  });
  nudge = new NudgePage(await context.newPage());
  await nudge.open({ backend: KEEP ? 'webgpu' : 'wasm', seed: 3 });
  await nudge.rankPrompts(2);
  for (let i = 0; i < (KEEP ? 4 : 1); i++) await nudge.letLabelerRank();
  await nudge.set('rewardModel', { epochs: KEEP ? 6 : 2 });
  await nudge.train('rewardModel');
  await nudge.set('ppo', { updates: KEEP ? 24 : 6, batchSize: KEEP ? 64 : 16, minibatchSize: KEEP ? 32 : 16 });
  await nudge.train('ppo', 500_000);
  await measure(nudge.page);
  await prepareChat(nudge.page);
});

test.afterAll(async () => {
  await nudge.page.context().close();
});

/** Four replies of which two are ranked. */
async function prepareChat(page: Page): Promise<void> {
  await nudge.goTo('Chat');
  await page.getByRole('button', { name: 'Another', exact: true }).click();
  await nudge.repliesArrived();
  await nudge.ask('Where does Mira live?');
  await nudge.repliesArrived();
  await nudge.replyButtons.nth(1).focus();
  await page.keyboard.press('1');
  await page.keyboard.press('2');
  await expect(page.getByTestId('reply-now')).not.toBeEmpty();
}

async function measure(page: Page): Promise<void> {
  await nudge.goTo('Compare');
  await expect(page.getByRole('button', { name: 'Ask all' })).toBeVisible({ timeout: 60_000 });
  await page.getByRole('combobox', { name: 'Prompts' }).selectOption(KEEP ? '100' : '30');
  await page.getByRole('button', { name: 'Measure' }).click();
  await expect(page.getByTestId('measurements')).toBeVisible({ timeout: 240_000 });
}

for (const [screen, viewport] of Object.entries(SCREENS)) {
  for (const scheme of ['light', 'dark'] as const) {
    test(`${screen}, ${scheme}: the places show themselves, and axe finds nothing`, async () => {
      const { page } = nudge;
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme: scheme });
      for (const place of PLACES) {
        await nudge.goTo(place);
        // Charts are drawn one after the other.
        if (place === 'Train') await expect(page.getByRole('figure').locator('canvas')).toHaveCount(8);
        await expectPicture(page, `${place.toLowerCase()}-${screen}-${scheme}`);
        await expectAccessible(page, place);
      }
      await nudge.goTo('Chat');
      await nudge.statusLine.click();
      await expectAccessible(page, 'what the session is');
      await nudge.statusLine.click();
      const drawer = page.getByRole('button', { name: /^What the model is thinking/ });
      if (await drawer.isVisible()) {
        await drawer.click();
        await expectAccessible(page, 'the drawer');
        await drawer.click();
      }
      await nudge.goTo('Train');
      for (const summary of await page.getByText(/^(As a table|Settings)$/).all()) await summary.click();
      await expectAccessible(page, 'tables and settings');
    });
  }
}

async function expectPicture(page: Page, name: string): Promise<void> {
  const folder = KEEP ? path.resolve('e2e/screenshots') : test.info().outputDir;
  mkdirSync(folder, { recursive: true });
  const png = await page.screenshot({ path: path.join(folder, `${name}.png`), animations: 'disabled' });
  const colours = await page.evaluate(coloursOf, `data:image/png;base64,${png.toString('base64')}`);
  expect(colours, `${name} shows something`).toBeGreaterThan(50);
}

/** Runs in the page: how many colours a picture has. */
async function coloursOf(picture: string): Promise<number> {
  const bitmap = await createImageBitmap(await (await fetch(picture)).blob());
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
  if (!context) throw new Error('A canvas is needed to look at a picture.');
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  return new Set(new Uint32Array(data.buffer)).size;
}

async function expectAccessible(page: Page, what: string): Promise<void> {
  await page.evaluate(`typeof axe === 'undefined' && (() => { ${axe.source} })()`);
  const violations = await page.evaluate(async () => {
    const { violations, passes } = await window.axe.run(document, { resultTypes: ['violations'] });
    if (passes.length < 10) throw new Error(`Expected axe to check the page, but only ${passes.length} rules applied.`);
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
  });
  expect(violations, what).toEqual([]);
}

declare global {
  interface Window {
    axe: typeof axe;
  }
}
