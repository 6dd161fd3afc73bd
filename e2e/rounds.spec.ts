/** Rounds: policies are kept, rated, ranked against and gone back to, and the loop goes round by itself. */
import { expect, test } from './fixtures';

test('going round twice keeps both policies, which are rated, ranked against, gone back to, and there after a reload', async ({
  nudge,
  page,
}) => {
  await nudge.open({ backend: 'wasm' });
  await nudge.repliesArrived();
  await nudge.set('rewardModel', { epochs: 1 });
  await nudge.set('ppo', { updates: 2, batchSize: 8, minibatchSize: 8, ppoEpochs: 1 });
  const section = page.getByRole('region', { name: 'Rounds', exact: true });
  await expect(section).toContainText('No round yet');
  await expect(section.getByTestId('once-round')).toContainText('Each time: rankings, the reward model, then PPO.');
  await section.getByRole('combobox', { name: 'Go round' }).selectOption('2 times');
  await section.getByRole('combobox', { name: /with a simulated/ }).selectOption('50 rankings');
  await section.getByRole('button', { name: 'Go round' }).click();
  const rows = section.getByRole('rowheader');
  await expect(rows).toHaveText(['Round 1, PPO', 'Round 2, PPO'], { timeout: 180_000 });
  await expect(section.getByRole('button', { name: 'Rate all' })).toBeEnabled({ timeout: 30_000 });
  expect(await nudge.rankingCount()).toBe(100);

  await section.getByRole('button', { name: 'Rate all' }).click();
  await expect(rows).toHaveText(['The SFT model', 'Round 1, PPO', 'Round 2, PPO'], { timeout: 120_000 });
  await expect(section.getByRole('row', { name: /Round 2/ })).toContainText(/[+−]\d\.\d\d.*\d+%/);
  await expect(section).toContainText('The simulated labeler that is chosen in Chat judges: Balanced.');

  await section.getByRole('button', { name: 'Rank against Round 1, PPO' }).click();
  await expect(page.getByTestId('opponent')).toContainText('half of the replies are by round 1');
  await expect(page.getByTestId('opponent')).not.toContainText('preferred');
  await nudge.goTo('Chat');
  await nudge.ask('Where does Mira live?');
  await nudge.rankPrompts(1);
  await nudge.goTo('Train');
  // Two replies by each: four pairs, less those of replies that say the same.
  await expect(page.getByTestId('opponent')).toContainText(
    /preferred the newer one in [0-4] of (1 pair|[2-4] pairs)\./,
  );
  await section.screenshot({ path: test.info().outputPath('rounds.png') });

  const policy = (): Promise<string | undefined> =>
    page.evaluate(() => window.nudge.session.report?.fingerprints.policy);
  const newest = await policy();
  await section
    .getByRole('row', { name: /Round 1/ })
    .getByRole('button', { name: 'Go back to it' })
    .click();
  await section.getByRole('button', { name: 'Go back', exact: true }).click();
  await expect.poll(policy).not.toBe(newest);
  const earlier = await policy();
  await nudge.saved();
  await page.reload();
  await nudge.ready();
  expect(await policy()).toBe(earlier);
  await nudge.goTo('Train');
  await expect(rows).toHaveText(['Round 1, PPO', 'Round 2, PPO']);
  await section.getByRole('button', { name: 'Forget Round 1, PPO' }).click();
  await section.getByRole('button', { name: 'Forget', exact: true }).click();
  await expect(rows).toHaveText(['Round 2, PPO']);
});
