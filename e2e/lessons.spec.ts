/** Break it: a lesson run in the page, and a policy made by another method than PPO. */
import { readFileSync } from 'node:fs';
import { expect, test } from './fixtures';

test('a lesson trains with the mistake and without, and finds the sign that tells of it', async ({ nudge, page }) => {
  await nudge.open({ backend: 'wasm' });
  await nudge.goTo('Train');
  const lesson = page.getByRole('region', { name: 'Break it' });
  await lesson
    .getByRole('combobox', { name: 'Mistake' })
    .selectOption({ label: 'Too few rankings (too little preference data)' });
  await expect(lesson).toContainText('learns the few by heart');
  await lesson.getByRole('button', { name: 'Break it' }).click();
  await expect(lesson.getByTestId('lesson-verdict')).toContainText('The sign is there, and the cure removes it.', {
    timeout: 180_000,
  });
  await expect(lesson.getByRole('row', { name: /^Held-out pair accuracy/ })).toContainText('!');
  // What is left behind is the cured model.
  await expect(nudge.stage('rewardModel')).toContainText('From');
  await lesson.getByRole('combobox', { name: 'Mistake' }).selectOption({ index: 0 });
  await expect(lesson.getByTestId('lesson-verdict')).toHaveCount(0);
});

test('a lesson can be stopped, and says so', async ({ nudge, page }) => {
  await nudge.open({ backend: 'wasm' });
  await nudge.goTo('Train');
  const lesson = page.getByRole('region', { name: 'Break it' });
  await lesson.getByRole('button', { name: 'Break it' }).click();
  await lesson.getByRole('button', { name: 'Stop the lesson' }).click();
  await expect(lesson).toContainText('The lesson was stopped', { timeout: 60_000 });
  await expect(lesson.getByRole('button', { name: 'Break it' })).toBeEnabled();
});

test('DPO makes the policy from rankings alone, with its own settings and charts, and its run can be replayed', async ({
  nudge,
  page,
}) => {
  await nudge.open({ backend: 'wasm' });
  await nudge.letLabelerRank();
  await nudge.goTo('Train');
  const stage = nudge.stage('ppo');
  await stage.getByRole('button').first().click();
  await expect(stage.getByRole('button', { name: 'Run PPO' })).toBeDisabled(); // no reward model yet
  await page.getByRole('combobox', { name: 'Method' }).selectOption('DPO');
  await expect(page.getByText('no reward model in between')).toBeVisible();
  await stage.getByRole('button', { name: 'Run DPO' }).click();
  await expect(stage).toContainText('Trained here', { timeout: 120_000 });
  const pairs = await nudge.chartValues('Pairs in order');
  expect(pairs.length).toBeGreaterThan(5);
  await expect(page.getByRole('heading', { name: 'Value loss' })).toHaveCount(0);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save the run' }).click(),
  ]);
  const path = await download.path();
  // Other models by now: a replay brings its own.
  await nudge.start('ppo', stage.getByRole('button', { name: 'Run DPO' }));
  await nudge.done('ppo');
  await page.getByLabel('Run from a file').setInputFiles({
    name: download.suggestedFilename(),
    mimeType: 'application/octet-stream',
    buffer: readFileSync(path),
  });
  await expect(page.getByTestId('replay-verdict')).toContainText('The same numbers to the last bit', {
    timeout: 120_000,
  });
  await page.getByText('All numbers').click();
  await expect(page.getByRole('row', { name: /rewards\/margins/ })).toBeVisible();
});
