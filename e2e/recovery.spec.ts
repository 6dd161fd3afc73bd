/** The GPU goes away; the tab dies. What was learned stays. */
import type { Page } from '@playwright/test';
import { expect, test } from './fixtures';
import type { NudgePage } from './nudgePage';

const TINY_PPO = { batchSize: 8, minibatchSize: 8, ppoEpochs: 1, maxNewTokens: 16 };

/** Rankings and a reward model, as little of both as will do. */
async function trainRewardModel(nudge: NudgePage): Promise<void> {
  await nudge.letLabelerRank();
  await nudge.set('rewardModel', { epochs: 1 });
  await nudge.train('rewardModel');
}

/** Takes the GPU away as a driver crash would. */
const destroyDevice = (page: Page): Promise<null> =>
  page.evaluate(() => window.nudge.session.call('device.destroy', {}));

test('a GPU that is lost in the middle of PPO is asked for anew, and training goes on to its end', async ({
  nudge,
  page,
}) => {
  await nudge.open({ backend: 'webgpu' });
  await trainRewardModel(nudge);
  await nudge.set('ppo', { ...TINY_PPO, updates: 6 });
  await nudge.start('ppo');
  await expect(nudge.runControls).toContainText(/[23] of 6/);
  await destroyDevice(page);
  await expect(nudge.notices).toContainText('The GPU is back.', { timeout: 60_000 });
  await expect(nudge.notices).toContainText('Work went on from the last good weights.');
  await nudge.done('ppo');
  const scores = await nudge.chartValues('Score');
  expect(scores.length).toBeGreaterThanOrEqual(6);
  expect(scores.every(Number.isFinite)).toBe(true);
  await expect(nudge.statusLine).toContainText('WebGPU');

  // And with nothing going on.
  await destroyDevice(page);
  await expect(nudge.statusLine).not.toContainText('GPU lost', { timeout: 60_000 });
  await nudge.goTo('Chat');
  await nudge.ask('Where does Mira keep her boat?');
  await nudge.repliesArrived();
});

/**
 * The chances of the policy's three likeliest next tokens: a fingerprint of its weights. More are asked for, because
 * those of the base model, which is there or not there yet, stand among them.
 */
function fingerprint(page: Page): Promise<number[]> {
  return page.evaluate(async () => {
    const conversation = [{ role: 'user' as const, text: 'Where does Mira keep her boat?' }];
    const { tokens } = await window.nudge.session.call('chat.inspect', { conversation, count: 60 });
    const chances = tokens.map(({ probability }) => probability.policy ?? Number.NaN);
    return chances.sort((a, b) => b - a).slice(0, 3);
  });
}

const MOMENTS = [
  { moment: 'while its bytes are being written', store: 'checkpointBlobs' },
  { moment: 'after its bytes, before it counts', store: 'checkpointHeads' },
];

for (const { moment, store } of MOMENTS) {
  test(`a tab that dies in the middle of a checkpoint, ${moment}, finds the one before`, async ({
    nudge,
    page,
    context,
  }) => {
    await nudge.open({ backend: 'wasm' });
    await trainRewardModel(nudge);
    await nudge.set('ppo', { ...TINY_PPO, updates: 1 });
    await nudge.train('ppo');
    await nudge.saved();
    const before = await fingerprint(page);
    // A hanging tab takes no new session.
    const devtools = await context.newCDPSession(page);

    // The next write into that store never comes back: the tab hangs with its transaction open, and is killed.
    await page.evaluate((name) => {
      const put = Object.getOwnPropertyDescriptor(IDBObjectStore.prototype, 'put')?.value as IDBObjectStore['put'];
      IDBObjectStore.prototype.put = function (this: IDBObjectStore, ...args) {
        const request = put.apply(this, args);
        if (this.name !== name) return request;
        document.title = 'writing';
        for (;;);
      };
    }, store);
    await nudge.start('ppo');
    await expect.poll(() => titleOf(page), { timeout: 60_000 }).toContain('writing');
    const crashed = page.waitForEvent('crash');
    void devtools.send('Page.crash').catch(() => undefined);
    await crashed;

    const later = await context.newPage();
    const { NudgePage } = await import('./nudgePage');
    const again = new NudgePage(later);
    await again.open({ backend: 'wasm' });
    await expect(again.notices).toBeEmpty();
    await again.goTo('Train');
    await expect(again.stage('ppo')).toContainText('Trained here');
    const after = await fingerprint(later);
    after.forEach((chance, i) => expect(chance).toBeCloseTo(before[i]!, 6));
  });
}

/** As the browser knows it; the tab itself cannot answer any more. */
async function titleOf(page: Page): Promise<string> {
  const { targetInfos } = await (await page.context().browser()!.newBrowserCDPSession()).send('Target.getTargets');
  return targetInfos.map(({ title }) => title).join();
}
