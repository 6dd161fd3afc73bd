/** What a person reads of a measurement: by kind, by side, and more on request, on a phone as on a desk. */
import { expect, test } from './fixtures';

test('a measurement says what each model gets right, side by side, and fits a phone', async ({ nudge, page }) => {
  await nudge.open({ backend: 'wasm' });
  await nudge.goTo('Compare');
  await expect(page.getByRole('button', { name: 'Ask all' })).toBeVisible({ timeout: 60_000 });
  await page.getByRole('combobox', { name: 'Prompts' }).selectOption('100');
  await page.getByRole('combobox', { name: 'Judge' }).selectOption('Strict');
  await page.getByRole('button', { name: 'Measure', exact: true }).click();
  const right = page.getByRole('table', { name: 'Right replies by kind of task' });
  await expect(right).toBeVisible({ timeout: 120_000 });
  await expect(right.getByRole('columnheader')).toHaveText([/Kind of task/, 'Base', 'SFT']);
  await expect(right.getByRole('rowheader')).toHaveCount(15);
  await expect(page.getByText('the likeliest reply to each; gold score and wins as the strict labeler')).toBeVisible();
  await expect(page.getByText('SFT wins against base')).toBeVisible();

  await page.getByText('Never asked', { exact: true }).click();
  await expect(right.getByRole('rowheader')).toHaveText([/Facts of the town/]);
  await page.keyboard.press('ArrowLeft');
  await expect(page.getByRole('radio', { name: 'New combination' })).toBeChecked();
  await expect(right.getByRole('rowheader', { name: /Facts of the town/ })).toHaveCount(0);

  const more = page.getByRole('table', { name: 'Words, likeness and text' });
  await expect(more).toBeHidden();
  await page.getByText('Words, likeness and text', { exact: true }).click();
  await expect(more.getByRole('rowheader')).toHaveText(['Perplexity', 'Distinct-1', 'Distinct-2', 'BLEU-2', 'ROUGE-L']);

  await page.setViewportSize({ width: 390, height: 844 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  for (const table of [right, more]) expect((await table.boundingBox())?.width).toBeLessThanOrEqual(390);
});
