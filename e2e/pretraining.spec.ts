/** Pretraining in the page: one watches it learn to write, and can have the old models back. */
import { expect, test } from './fixtures';

test('a person pretrains, reads what it writes on the way, and has the shipped models back', async ({
  nudge,
  page,
}) => {
  test.setTimeout(180_000);
  await nudge.open({ backend: 'wasm' });
  await nudge.repliesArrived();
  await nudge.set('pretrain', { steps: 30, batchSize: 4, sequenceLength: 32 });
  // It replaces the model that came with the page, so it asks first.
  await nudge.stage('pretrain').getByRole('button', { name: 'Pretrain', exact: true }).click();
  await nudge.start('pretrain', page.getByRole('button', { name: 'Start', exact: true }));
  await nudge.done('pretrain');
  const written = page.getByRole('region', { name: 'What it writes' });
  await expect(written.getByRole('row').nth(1)).toBeVisible();
  const losses = await nudge.chartValues('Loss');
  expect(losses.at(-1)).toBeLessThan(losses[0] ?? 0);

  const stages = (): Promise<unknown> => page.evaluate(() => window.nudge.session.report?.stages);
  expect(await stages()).toMatchObject({ base: 'trained', sft: 'none' });
  await page.getByRole('button', { name: 'Undo pretraining' }).click();
  await expect(page.getByText('All models become what they were before it.')).toBeVisible();
  await page.getByRole('button', { name: 'Undo pretraining' }).click();
  await expect.poll(stages).toMatchObject({ base: 'shipped', sft: 'shipped' });

  await nudge.saved();
  await page.reload();
  await nudge.ready();
  expect(await stages()).toMatchObject({ base: 'shipped', sft: 'shipped' });
  await nudge.goTo('Chat');
  await nudge.repliesArrived();
});
