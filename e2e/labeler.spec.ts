/** The simulated labeler is the person's to change, and says why it ranked so. */
import { expect, test } from './fixtures';

test('a labeler that values brevity alone ranks by brevity alone, and shows it', async ({ nudge, page }) => {
  await nudge.open({ backend: 'wasm' });
  await nudge.repliesArrived();
  await page.getByText('How the simulated labeler judges', { exact: true }).click();
  const values = page.getByRole('list', { name: 'What it values' });
  const brevity = values.getByRole('slider', { name: /^Brief/ });
  await expect(brevity).toBeEnabled();
  for (const slider of await values.getByRole('slider').all()) {
    const isBrevity = (await slider.getAttribute('id')) === (await brevity.getAttribute('id'));
    await slider.press(isBrevity ? 'End' : 'Home');
  }
  await expect(brevity).toHaveAttribute('aria-valuetext', '100% of the score');
  await expect(page.getByRole('radio', { name: /^Your own/ })).toBeChecked();

  await nudge.letLabelerRank();
  const ranked = page.getByRole('region', { name: 'What it ranked' });
  const replies = ranked.getByRole('list', { name: 'Replies as it ranked them' }).getByRole('listitem');
  await expect(ranked.getByRole('status')).toHaveText('1 of 50');
  await ranked.getByRole('button', { name: 'Next one' }).click();
  await expect(ranked.getByRole('status')).toHaveText('2 of 50');
  const scores: number[] = [];
  for (const reply of await replies.all()) {
    const summary = reply.locator('summary');
    await summary.click();
    const score = (await summary.locator('.score').innerText()).trim();
    // Value, what it counts, what it brings.
    await expect(reply.getByRole('row', { name: /^Brief/ }).getByRole('cell')).toHaveText([score, '100%', score]);
    await expect(
      reply
        .getByRole('row', { name: /^Right/ })
        .getByRole('cell')
        .nth(1),
    ).toHaveText('0%');
    scores.push(Number(score));
  }
  expect(scores.length).toBeGreaterThan(1);
  expect(scores).toEqual([...scores].sort((a, b) => b - a));

  // Brevity falls far from one reply to another, and such a step is called much better.
  const steps = await page.evaluate(() =>
    window.nudge.simulation.latest.flatMap(({ gaps, judged }) => {
      const bestFirst = [...new Set(judged?.scores.map(({ score }) => score))].sort((a, b) => b - a);
      return bestFirst.slice(1).map((score, at) => ({ fall: bestFirst[at]! - score, counts: gaps?.[at] ?? 1 }));
    }),
  );
  for (const { fall, counts } of steps) expect(counts, `a fall by ${fall}`).toBe(fall >= 0.25 ? 2 : 1);
  expect(new Set(steps.map(({ counts }) => counts))).toEqual(new Set([1, 2]));

  await page.getByRole('button', { name: 'Back to the standard labeler' }).click();
  await expect(page.getByRole('radio', { name: /^Balanced/ })).toBeChecked();
});
