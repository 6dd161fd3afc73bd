/** A long run costs no more memory than a short one. */
import type { Page } from '@playwright/test';
import { expect, test } from './fixtures';
import type { NudgePage } from './nudgePage';

interface Memory {
  update: number;
  tensors: number;
  bytes: number;
}

test('200 updates of PPO on WebGPU leave as many tensors and as many bytes on the GPU as 10 do', async ({
  nudge,
  page,
}) => {
  test.setTimeout(420_000);
  await nudge.open({ backend: 'webgpu' });
  await nudge.letLabelerRank();
  await nudge.set('rewardModel', { epochs: 1 });
  await nudge.train('rewardModel');
  await nudge.set('ppo', { updates: 200, batchSize: 4, minibatchSize: 4, ppoEpochs: 1, maxNewTokens: 8 });
  const started = performance.now();
  await nudge.start('ppo');
  const early = await memoryAfter(nudge, page, 10);
  const middle = await memoryAfter(nudge, page, 100, early);
  const late = await memoryAfter(nudge, page, 195, early);
  await page.getByTestId('run-controls').getByRole('button', { name: 'Go on' }).click();
  await nudge.done('ppo');
  const seconds = (performance.now() - started) / 1000;
  console.log(`200 updates in ${seconds.toFixed(0)} s; memory: ${JSON.stringify([early, middle, late])}`);

  // Every step of a run has one shape and is recorded once, so nothing is added, and nothing comes and goes.
  for (const look of [middle, late]) {
    expect(look.tensors).toBe(early.tensors);
    expect(look.bytes).toBe(early.bytes);
  }
});

/**
 * Waits for an update, pauses right after one, and asks what is alive then.
 * @param before what was alive earlier: what the panel beside the run uses for a look is given time to go
 */
async function memoryAfter(nudge: NudgePage, page: Page, update: number, before?: Memory): Promise<Memory> {
  const goOn = nudge.runControls.getByRole('button', { name: 'Go on' });
  if (await goOn.isVisible()) await goOn.click();
  const step = (): Promise<number> => page.evaluate(() => window.nudge.training.live?.progress?.step ?? 0);
  await expect.poll(step, { timeout: 240_000 }).toBeGreaterThanOrEqual(update);
  await nudge.runControls.getByRole('button', { name: 'Step' }).click();
  await expect(goOn).toBeVisible();
  const memory = (): Promise<{ tensors: number; bytes: number }> =>
    page.evaluate(() => window.nudge.session.call('memory', {}));
  // The panel beside the run looks at the model now and then; what it uses is gone a moment later, and a leak is not.
  let last = await memory();
  let still = 0;
  await expect
    .poll(
      async () => {
        const { tensors } = last;
        last = await memory();
        still = last.tensors === tensors ? still + 1 : 0;
        return still >= (before === undefined || last.tensors === before.tensors ? 1 : 10);
      },
      { intervals: [1000], timeout: 30_000 },
    )
    .toBe(true);
  return { update: await step(), ...last };
}
