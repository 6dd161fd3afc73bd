/** What the page keeps in the browser: there after a reload, gone when it is to be forgotten. */
import { readFileSync } from 'node:fs';
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

test('thumbs and how strong preferences are: given by key and click, there after a reload, undone, saved as files', async ({
  nudge,
  page,
}) => {
  const { keyboard } = page;
  const [first, second, third] = [0, 1, 2].map((place) => nudge.replyButtons.nth(place));
  const next = page.getByRole('button', { name: 'Next', exact: true });
  await nudge.open({ backend: 'wasm', seed: 3 });
  await nudge.ask('Where does Mira live?');
  await nudge.repliesArrived();

  // Thumbs alone: a key as it is typed on a US keyboard, and a click.
  await expect(next).toBeDisabled();
  await first!.focus();
  await keyboard.press('Shift+Equal');
  await expect(first!).toHaveAccessibleName(/no rank yet, thumb up/);
  await expect(next).toBeEnabled();
  await keyboard.press('Minus');
  await expect(first!).toHaveAccessibleName(/thumb down/);
  await keyboard.press('Minus');
  await expect(first!).not.toHaveAccessibleName(/thumb/);
  await expect(next).toBeDisabled();
  const letter = (await second!.getAttribute('data-reply')) ?? '';
  const thumbUp = page.getByRole('button', { name: `Thumb up for reply ${letter}` });
  await thumbUp.click();
  await expect(thumbUp).toHaveAttribute('aria-pressed', 'true');
  await third!.focus();
  await keyboard.press('Minus');

  // Strength can be said once all have a rank.
  await expect(page.getByRole('button', { name: /^Call reply/ })).toHaveCount(0);
  await first!.focus();
  await nudge.rankWithKeys();
  await first!.focus();
  await keyboard.press('Shift+Period');
  await expect(first!).toHaveAccessibleName(/rank 1, much better than the next/);
  await expect(nudge.replies.getByText('much better than the next', { exact: true })).toBeVisible();
  const strong = page.getByRole('button', { name: `Call reply ${letter} much better than the next` });
  await strong.click();
  await expect(strong).toHaveAttribute('aria-pressed', 'true');
  await expect(page.getByText('it teaches nothing while the reward model’s margin (in Train) is 0')).toBeVisible();
  await strong.click();
  await expect(strong).toHaveAttribute('aria-pressed', 'false');
  await nudge.saved();
  await page.reload();
  await nudge.ready();
  await nudge.repliesArrived();
  await expect(first!).toHaveAccessibleName(/rank 1, much better than the next/);
  await expect(second!).toHaveAccessibleName(/rank 2, thumb up/);
  await expect(third!).toHaveAccessibleName(/rank 3, thumb down/);

  await next.click();
  await expect.poll(() => nudge.rankingCount()).toBe(1);
  await nudge.repliesArrived();
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(first!).toHaveAccessibleName(/rank 1, much better than the next/);
  await expect(second!).toHaveAccessibleName(/rank 2, thumb up/);
  await next.click();
  await expect.poll(() => nudge.rankingCount()).toBe(1);

  await nudge.goTo('Train');
  const data = page.getByRole('region', { name: 'Rankings and files' });
  await expect(data).toContainText('2 thumbs: 1 up, 1 down.');
  const thumbs = await savedLines(page, 'Thumbs (TRL, JSONL)');
  const asked = [{ role: 'user', content: 'Where does Mira live?' }];
  expect(thumbs).toMatchObject([{ prompt: asked }, { prompt: asked }]);
  expect(thumbs.map(({ label }) => label).sort()).toEqual([false, true]);
  const margins = (await savedLines(page, 'Rankings (TRL, JSONL)')).map(({ margin }) => margin);
  expect(margins.sort()).toEqual([1, 1, 2, 2, 3, 4]);

  // What was saved is read again: thumbs of single replies, which are no rankings.
  const file = thumbs.map((row) => JSON.stringify(row)).join('\n');
  await page
    .getByLabel('Choose a file')
    .setInputFiles({ name: 'thumbs.jsonl', mimeType: 'application/jsonl', buffer: Buffer.from(file) });
  await expect(page.getByTestId('import-outcome')).toHaveText('thumbs.jsonl: 2 thumbs kept.');
  await expect(data).toContainText('4 thumbs: 2 up, 2 down.');
  expect(await nudge.rankingCount()).toBe(1);
});

/** What a button saves, line by line. */
async function savedLines(page: Page, button: string): Promise<Record<string, unknown>[]> {
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: button }).click();
  const text = readFileSync(await (await download).path(), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

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
