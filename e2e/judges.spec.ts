/** What the reward model knows, on the page: several models, a rule that replies are flagged by, credit word by word. */
import { expect, test } from './fixtures';

test('several reward models and a rule model train from rankings and flags, and Compare shows what each word adds', async ({
  nudge,
  page,
}) => {
  await nudge.open({ backend: 'wasm' });
  await nudge.repliesArrived();
  await nudge.letLabelerRank();
  await nudge.set('rewardModel', { epochs: 2, members: 3 });
  const form = page.getByRole('region', { name: 'Reward model', exact: true });
  await form.getByRole('checkbox', { name: /Rule model/ }).check();
  await nudge.train('rewardModel');
  const report = page.getByTestId('reward-model-report');
  await expect(report).toContainText(/Each by itself\s*\d+%, \d+%, \d+%/);
  await expect(report).toContainText('Breaches of the rule caught');

  await nudge.goTo('Compare');
  await page.getByRole('textbox', { name: 'Prompt' }).fill('Where does Mira live?');
  await page.getByRole('button', { name: 'Ask all' }).click();
  const credit = page.getByRole('checkbox', { name: 'Show what each word adds to the score' });
  await expect(credit).toBeEnabled({ timeout: 60_000 });
  const reply = page.getByRole('region', { name: 'SFT' }).getByRole('listitem').first();
  await expect(reply).toContainText('score');
  const said = await reply.locator('> span').first().innerText();
  await credit.check();
  const words = reply.locator('[title]');
  await expect(words.first()).toBeVisible();
  const numbers = await words.evaluateAll((all) =>
    all.map((word) => Number(word.getAttribute('title')?.replace('−', '-'))),
  );
  const score = Number(/score ([+−]?[\d.]+)/.exec(await reply.innerText())?.[1]?.replace('−', '-'));
  // Every number is rounded to two places.
  expect(Math.abs(numbers.reduce((sum, number) => sum + number, 0) - score)).toBeLessThan(0.005 * (numbers.length + 1));
  expect(numbers.length).toBeGreaterThan(2);
  await page.screenshot({ path: test.info().outputPath('credit.png') });
  await credit.uncheck();
  await expect(reply.locator('> span').first()).toHaveText(said);
});
