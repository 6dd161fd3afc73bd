/** What a person reads of a measurement: by kind, by side, and more on request, on a phone as on a desk. */
import { signed } from '../src/ui/numbers';
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

test('once there is a reward model, the best of n replies of SFT stands beside the models, and is measured if one wants', async ({
  nudge,
  page,
}) => {
  await nudge.open({ backend: 'wasm' });
  await nudge.repliesArrived();
  await nudge.goTo('Compare');
  const column = page.getByRole('region', { name: 'Best of n' });
  const measure = page.getByRole('checkbox', { name: /^Measure best of 4 as well/ });
  await expect(page.getByRole('region', { name: 'SFT' })).toContainText(/\w/);
  await expect(column).toHaveCount(0);
  await expect(measure).toHaveCount(0);
  await nudge.letLabelerRank();
  await nudge.set('rewardModel', { epochs: 2 });
  await nudge.train('rewardModel');

  await nudge.goTo('Compare');
  await expect(page.getByText('These replies are of earlier models')).toBeVisible();
  await page.getByRole('textbox', { name: 'Prompt' }).fill('Where does Mira live?');
  await page.getByRole('button', { name: 'Ask all' }).click();
  await expect(column).toContainText('The reward model picks one of four replies of SFT. No training.');
  await expect(page.getByText('These replies are of earlier models')).toHaveCount(0);
  const scoresOf = async (): Promise<number[]> =>
    (await column.getByRole('listitem').allInnerTexts()).map((text) =>
      Number(/score ([+−]?[\d.]+)/.exec(text)?.[1]?.replace('−', '-')),
    );
  await expect(column.getByRole('listitem').first()).toBeHidden();
  await column.getByText('All 4, best first').click();
  const four = await scoresOf();
  expect(four).toEqual([...four].sort((a, b) => b - a));
  expect(four).toHaveLength(4);
  await expect(column.locator('.reply')).toContainText(`score ${signed(four[0])}`);
  await expect(column).toContainText('at most 0.64 nats a reply');

  await column.getByRole('combobox', { name: 'Best of how many' }).selectOption('8');
  await expect(column).toContainText('one of eight replies');
  await column.getByText('All 8, best first').click();
  const eight = await scoresOf();
  expect(eight).toHaveLength(8);
  // The first four of them are those of before.
  expect(Math.max(...eight)).toBeGreaterThanOrEqual(Math.max(...four));
  await page.getByRole('checkbox', { name: 'Show what each word adds to the score' }).check();
  await expect(column.locator('.reply [title]').first()).toBeVisible();

  await page.getByRole('combobox', { name: 'Prompts' }).selectOption('30');
  const eightAsWell = page.getByRole('checkbox', { name: 'Measure best of 8 as well' });
  await expect(eightAsWell).not.toBeChecked();
  await eightAsWell.check();
  await page.getByRole('button', { name: 'Measure', exact: true }).click();
  await expect(page.getByText('Best of 8 answers held-out prompts')).toBeVisible({ timeout: 60_000 });
  await page
    .getByRole('region', { name: 'Measured on held-out prompts' })
    .getByRole('button', { name: 'Stop' })
    .click();
  await expect(page.getByTestId('measurements')).toHaveCount(0);
  await page.getByRole('button', { name: 'Measure', exact: true }).click();
  const right = page.getByRole('table', { name: 'Right replies by kind of task' });
  await expect(right).toBeVisible({ timeout: 120_000 });
  await expect(right.getByRole('columnheader')).toHaveText([/Kind of task/, 'Base', 'SFT', 'Best of 8']);
  await expect(page.getByText('Best of 8 wins against SFT')).toBeVisible();
  await page.getByText('Words, likeness and text', { exact: true }).click();
  const more = page.getByRole('table', { name: 'Words, likeness and text' });
  await expect(more.getByRole('row', { name: /^KL/ })).toContainText('≤ 1.20');

  for (const [width, height] of [
    [1280, 800],
    [390, 844],
  ] as const) {
    await page.setViewportSize({ width, height });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.getByRole('textbox', { name: 'Prompt' }).scrollIntoViewIfNeeded();
      const path = test.info().outputPath(`best-of-${width}-${colorScheme}.png`);
      await page.screenshot({ path, animations: 'disabled' });
    }
  }

  await nudge.saved();
  await page.reload();
  await nudge.ready();
  await nudge.goTo('Compare');
  await expect(page.getByText('Best of 8 wins against SFT')).toBeVisible();
  await expect(column).toContainText('one of eight replies', { timeout: 60_000 });
});
