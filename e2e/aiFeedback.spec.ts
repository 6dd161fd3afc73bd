/** AI feedback: principles rank and revise in place of a person, and SFT and reward model learn from it. */
import { expect, test } from './fixtures';

test('principles revise replies into demonstrations, and rank prompts, as many as are on', async ({ nudge, page }) => {
  await nudge.open({ backend: 'wasm' });
  await nudge.repliesArrived();
  await nudge.goTo('Train');
  await page.getByText('AI feedback: principles in place of a person').click();
  const principles = page.getByRole('group', { name: 'Principles' }).getByRole('checkbox');
  await expect(principles).toHaveCount(8);
  await page.getByRole('button', { name: /^Let them revise/ }).click();
  await expect(page.getByTestId('ai-feedback-done')).toContainText('demonstrations now', { timeout: 60_000 });
  await expect(page.getByRole('list', { name: 'Revised replies' }).getByRole('listitem')).toHaveCount(5);
  await expect(page.getByRole('region', { name: 'Rankings and files' })).not.toContainText('0 demonstrations');
  const before = await nudge.rankingCount();
  await page.getByRole('button', { name: /^Let them rank/ }).click();
  await expect.poll(() => nudge.rankingCount(), { timeout: 60_000 }).toBe(before + 50);
  for (const principle of await principles.all()) await principle.uncheck();
  await expect(page.getByRole('button', { name: /^Let them rank/ })).toBeDisabled();
});

test('the reward model says how sure it is, and is checked on what the policy says now', async ({ nudge, page }) => {
  await nudge.open({ backend: 'wasm' });
  await nudge.letLabelerRank();
  await nudge.train('rewardModel');
  const panel = page.getByRole('region', { name: 'Reward model', exact: true });
  await expect(panel.getByTestId('reward-model-report')).toContainText('Calibration error');
  await panel.getByText('How sure it is').click();
  await expect(panel.getByRole('row').nth(1)).toContainText('%');
  await nudge.set('ppo', { updates: 2, batchSize: 8, minibatchSize: 8, ppoEpochs: 1 });
  await nudge.train('ppo');
  await nudge.stage('rewardModel').getByRole('button').first().click();
  await panel.getByRole('button', { name: 'Check it on new replies' }).click();
  await expect(panel.getByTestId('drift-check')).toContainText('by the policy as it is now', { timeout: 120_000 });
});
