/** What the page keeps in the browser: there after a reload, gone when it is to be forgotten. */
import type { Page } from '@playwright/test';
import { expect, test } from './fixtures';

test('what is ranked and typed in the very moment of leaving is there after a reload', async ({ nudge, page }) => {
  await nudge.open({ backend: 'wasm' });
  await nudge.ask('What can you tell me about Mira?');
  await nudge.repliesArrived();
  await nudge.saved();
  await nudge.replyButtons.nth(1).focus();
  await page.keyboard.press('1');
  const texts = await nudge.repliesArrived();
  await nudge.message.fill('And Leo');
  await page.reload();
  await nudge.ready();
  expect(await nudge.repliesArrived()).toEqual(texts);
  await expect(nudge.replyButtons.nth(1)).toHaveAccessibleName(/rank 1/);
  await expect(nudge.message).toHaveValue('And Leo');
});

/** The chances of the SFT model's next tokens: a fingerprint of its weights. */
function chances(page: Page): Promise<(number | undefined)[]> {
  return page.evaluate(async () => {
    const conversation = [{ role: 'user' as const, text: 'Where does Mira live?' }];
    const { tokens } = await window.nudge.session.call('chat.inspect', { conversation, count: 5 });
    return tokens.map(({ probability }) => probability.sft);
  });
}

test('loaded weights are there after a reload, what was measured before them says so, and all of it can be forgotten', async ({
  nudge,
  page,
}) => {
  await nudge.open({ backend: 'wasm' });
  const shipped = await chances(page);
  await nudge.rankPrompts(1);
  await nudge.goTo('Compare');
  await page.evaluate(() => (window.nudge.comparison.heldOutPrompts = 2));
  const measure = page.getByRole('button', { name: 'Measure', exact: true });
  await measure.click();
  await expect(page.getByTestId('measurements')).toBeVisible({ timeout: 120_000 });
  const earlier = page.getByText('Measured on earlier models: they have changed since.');
  await expect(earlier).toHaveCount(0);

  await nudge.goTo('Train');
  await page.getByLabel('SFT from safetensors').setInputFiles('public/models/nano/base.safetensors');
  await expect(page.getByText('base.safetensors is the SFT model now.')).toBeVisible();
  const loaded = await chances(page);
  expect(loaded).not.toEqual(shipped);
  await nudge.saved();
  await page.reload();
  await nudge.ready();
  // Which words are asked about depends on the base model too, which comes a moment after the first reply.
  await expect.poll(() => chances(page)).toEqual(loaded);
  await nudge.goTo('Compare');
  await expect(earlier).toBeVisible();
  await page.getByRole('button', { name: 'Measure again' }).click();
  await expect(earlier).toHaveCount(0);
  await expect(measure).toBeVisible({ timeout: 120_000 });
  await expect(earlier).toHaveCount(0);

  await nudge.statusLine.click();
  const session = page.getByRole('region', { name: 'Session' });
  await session.getByRole('radio', { name: 'Dark' }).check();
  const forget = session.getByRole('button', { name: 'Forget everything', exact: true });
  await forget.click();
  const question = session.getByRole('group', { name: 'Forget everything?' });
  await expect(question).toContainText('1 ranking; the models trained or loaded here (SFT)');
  const download = page.waitForEvent('download');
  await question.getByRole('button', { name: 'Save a copy first' }).click();
  expect((await download).suggestedFilename()).toBe('nudge-export.json');
  await expect(question.getByRole('status')).toHaveText('Saved nudge-export.json.');
  await question.getByRole('button', { name: 'Keep it' }).click();
  await expect(forget).toBeFocused();
  expect(await nudge.rankingCount()).toBe(1);

  await forget.click();
  const begunAnew = page.waitForEvent('load');
  await question.getByRole('button', { name: 'Yes, forget everything' }).click();
  await begunAnew;
  await nudge.ready();
  expect(await nudge.rankingCount()).toBe(0);
  expect(await chances(page)).toEqual(shipped);
  await expect(page.getByRole('tab', { name: 'Chat' })).toHaveAttribute('aria-selected', 'true');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'light');
  expect(await page.evaluate(() => window.nudge.comparison.measured)).toBeNull();
});
