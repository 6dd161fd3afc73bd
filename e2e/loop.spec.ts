/** The way through, as a person goes it, on WebGPU. */
import { expect, test } from './fixtures';

test('a person chats, ranks by keyboard, trains on WebGPU, sees another reply, and finds all of it after a reload', async ({
  nudge,
  page,
}) => {
  test.setTimeout(300_000);
  await nudge.open({ backend: 'webgpu' });
  await expect(nudge.statusLine).toContainText('WebGPU');

  // Two rankings, the second in the middle of a conversation.
  await nudge.rankPrompts(1);
  await nudge.repliesArrived();
  await nudge.ask('Where is the boat?');
  await nudge.repliesArrived();
  await nudge.replyButtons.first().focus();
  await nudge.rankWithKeys();
  await page.getByRole('button', { name: 'Answer the best' }).click();
  await expect(nudge.history.getByRole('listitem')).toHaveCount(2);
  const conversation = await nudge.history.getByRole('listitem').allTextContents();
  await nudge.letLabelerRank();
  expect(await nudge.rankingCount()).toBe(52);

  await nudge.set('rewardModel', { epochs: 1 });
  await nudge.train('rewardModel');
  await expect(page.getByTestId('reward-model-report')).toContainText(/Held-out pair accuracy\s*\d/);

  await nudge.set('ppo', {
    updates: 3,
    batchSize: 16,
    ppoEpochs: 2,
    minibatchSize: 8,
    maxNewTokens: 24,
    learningRate: 0.0015,
  });
  await nudge.train('ppo');
  const scores = await nudge.chartValues('Score');
  expect(scores).toHaveLength(3);
  expect(new Set(scores).size, 'the chart of scores moves').toBeGreaterThan(1);
  const kl = await nudge.chartValues('KL');
  expect(kl[0], 'before the first step the policy is the SFT model').toBeCloseTo(0, 2);
  expect(Math.abs(kl.at(-1) ?? 0)).toBeGreaterThan(0.01);

  await nudge.goTo('Compare');
  const columns = page.getByRole('region', { name: /^(SFT|RLHF policy)$/ });
  await page.getByRole('textbox', { name: 'Prompt' }).fill('Where does Mira keep her boat?');
  await page.getByRole('button', { name: 'Ask all' }).click();
  await expect(page.getByRole('button', { name: 'Ask all' })).toBeVisible({ timeout: 60_000 });
  const [before, after] = await columns.getByRole('list').allInnerTexts();
  // The same prompt and the same dice: only the weights differ.
  expect(after).not.toBe(before);

  await nudge.saved();
  await page.reload();
  await nudge.ready();
  expect(await nudge.rankingCount()).toBe(52);
  await nudge.goTo('Chat');
  await expect(nudge.history.getByRole('listitem')).toHaveText(conversation);
  await nudge.goTo('Train');
  await expect(nudge.stage('rewardModel')).toContainText('From 4');
  await nudge.stage('ppo').getByRole('button').first().click();
  expect(await nudge.chartValues('Score')).toEqual(scores);
  await nudge.goTo('Compare');
  await expect(page.getByRole('region', { name: 'RLHF policy' }).getByRole('listitem').first()).toContainText('KL', {
    timeout: 60_000,
  });
});
