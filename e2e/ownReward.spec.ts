/** A reward function that the person writes: what it may do, what it may not, and that PPO is paid by it. */
import type { Page } from '@playwright/test';
import { expect, test } from './fixtures';
import type { NudgePage } from './nudgePage';

/** Opens the editor, with replies to try a function on. */
async function openEditor(nudge: NudgePage, page: Page) {
  await nudge.open({ backend: 'wasm' });
  await nudge.repliesArrived();
  await nudge.goTo('Train');
  await nudge.stage('ppo').getByRole('button').first().click();
  await page.getByText('A reward of your own').click();
  const editor = page.getByRole('textbox', { name: /^Reward function/ });
  return {
    trials: page.getByTestId('own-reward-trials').locator('tbody tr'),
    problem: page.getByRole('region', { name: 'PPO', exact: true }).getByRole('alert'),
    try: async (code: string): Promise<void> => {
      await editor.fill(code);
      await page.getByRole('button', { name: 'Try it' }).click();
      await expect(page.getByRole('button', { name: 'Try it' })).toBeEnabled({ timeout: 20_000 });
    },
  };
}

test('scores the replies that are there, best first, by one reply or by several at once', async ({ nudge, page }) => {
  const editor = await openEditor(nudge, page);
  await editor.try('function reward(prompt, reply) { return -reply.length; }');
  await expect(editor.trials).toHaveCount(4);
  const lengths = (await editor.trials.locator('td:nth-child(2)').allTextContents()).map((reply) => reply.length);
  expect([...lengths].sort((a, b) => a - b)).toEqual(lengths);
  await editor.try('async function rewards(items) { return items.map(({ reply }) => reply.length); }');
  const again = (await editor.trials.locator('td:nth-child(2)').allTextContents()).map((reply) => reply.length);
  expect(again).toEqual([...lengths].reverse());
});

/** What must not work, and what is said of it. */
const FORBIDDEN: [what: string, code: string, said: RegExp][] = [
  ['an endless loop', 'function reward() { for (;;); }', /took too long and was ended/],
  ['an endless loop before any call', 'for (;;);', /took too long and was ended/],
  ['fetch', "async function reward() { await fetch('/leak-fetch'); return 1; }", /fetch is not there.*no network/],
  [
    'code made from text',
    "async function reward() { const r = new (Object.getPrototypeOf(async () => 1).constructor)('return 1'); await r(); return 1; }",
    /failed/,
  ],
  [
    'fetch by a back door',
    "async function reward() { const f = Object.getPrototypeOf(Object.getPrototypeOf(self)).fetch; await f.call(self, location.origin + '/leak-door'); return 1; }",
    /failed/,
  ],
  ['storage', "function reward() { return indexedDB.open('nudge') ? 1 : 0; }", /indexedDB is not there/],
  ['import', "async function reward() { await import('/leak-import.js'); return 1; }", /failed/],
  ['another worker', "function reward() { new Worker('data:,1'); return 1; }", /Worker is not there/],
  ['a socket', "function reward() { new WebSocket('ws://127.0.0.1:1/leak'); return 1; }", /WebSocket is not there/],
  ['dice', 'function reward() { return Math.random(); }', /random is not there.*same each time/],
  [
    'a flood of messages',
    'function reward() { for (let i = 0; i < 100000; i++) postMessage(i); return 1; }',
    /messages of its own and was ended/,
  ],
  [
    'a word for a number',
    "function reward() { return 'good'; }",
    /expected a finite number for reply 1, got a value of type/,
  ],
  ['NaN', 'function reward() { return 0 / 0; }', /expected a finite number for reply 1, got NaN/],
  ['too few numbers', 'function rewards() { return [1]; }', /expected 4 numbers, got 1/],
  ['no function', 'const x = 1;', /is not there.*Write function reward/],
  ['a slip of the pen', 'function reward() {\n  return 1 +;\n}', /cannot be read.*line 2/],
  ['a failing function', "function reward() {\n  throw new Error('oh no');\n}", /failed: oh no/],
];

test('stops and names what a function may not do, loses nothing, and lets nothing out', async ({
  nudge,
  page,
  mistakes,
}) => {
  const leaks: string[] = [];
  page.on('request', (request) => {
    if (/leak|data:,1/.test(request.url())) leaks.push(request.url());
  });
  const editor = await openEditor(nudge, page);
  const replies = await nudge.replyButtons.allTextContents();
  for (const [what, code, said] of FORBIDDEN) {
    await editor.try(code);
    await expect(editor.problem, what).toContainText(said, { timeout: 20_000 });
    await expect(editor.trials, what).toHaveCount(0);
    // It works again at once with another function.
    await editor.try('function reward() { return 1; }');
    await expect(editor.trials, `after ${what}`).toHaveCount(4);
  }
  expect(leaks).toEqual([]);
  expect(await nudge.replyButtons.allTextContents()).toEqual(replies);
  // A trial leaves no sandbox behind.
  await expect(page.locator('iframe')).toHaveCount(0);
  // What the policy of the frame refused is said in the console as well.
  const refused = mistakes.filter((mistake) => /Content Security Policy|Failed to fetch|import/i.test(mistake));
  mistakes.splice(0, mistakes.length, ...mistakes.filter((mistake) => !refused.includes(mistake)));
});

test('PPO is paid by it, without a reward model if it is to count alone, and a function that fails ends the run and loses nothing', async ({
  nudge,
  page,
}) => {
  const editor = await openEditor(nudge, page);
  await editor.try('function reward(prompt, reply) { return reply.length / 10; }');
  await expect(nudge.stage('ppo').getByRole('button', { name: 'Run PPO' })).toBeDisabled();
  await page.getByRole('checkbox', { name: 'Pay the next PPO run by it' }).check();
  await page.getByRole('textbox', { name: 'Weight of the reward model' }).fill('0');
  await page.getByRole('textbox', { name: 'Weight of the reward model' }).press('Tab');
  await nudge.set('ppo', { updates: 3, batchSize: 8, minibatchSize: 8, ppoEpochs: 1, maxNewTokens: 12 });
  await nudge.train('ppo');
  const scores = await nudge.chartValues('Score');
  expect(scores).toHaveLength(3);
  for (const score of scores) expect(score).toBeGreaterThan(0.1);

  await editor.try('function reward(prompt, reply) { return reply.length / 10; }');
  await page
    .getByRole('textbox', { name: /^Reward function/ })
    .fill(
      'let calls = 0; function rewards(items) { if (++calls > 1) throw new Error("enough"); return items.map(() => 1); }',
    );
  await nudge.start('ppo');
  await expect(nudge.runControls).toContainText('ended with an error', { timeout: 60_000 });
  await expect(nudge.notices.filter({ hasText: 'enough' })).toBeVisible();
  // The policy of the update before is there, and answers.
  await nudge.goTo('Chat');
  await nudge.ask('Where is the boat?');
  await nudge.repliesArrived();
});

test('another function can be tried, and fail, while a run is paid by the first', async ({ nudge, page }) => {
  const editor = await openEditor(nudge, page);
  await editor.try('function reward(prompt, reply) { return reply.length / 10; }');
  await page.getByRole('checkbox', { name: 'Pay the next PPO run by it' }).check();
  await page.getByRole('textbox', { name: 'Weight of the reward model' }).fill('0');
  await page.getByRole('textbox', { name: 'Weight of the reward model' }).press('Tab');
  await nudge.set('ppo', { updates: 12, batchSize: 8, minibatchSize: 8, ppoEpochs: 1, maxNewTokens: 12 });
  await nudge.start('ppo');
  await editor.try('function reward() { throw new Error("no"); }');
  await expect(editor.problem).toContainText('failed: no');
  await editor.try('function reward() { return 1; }');
  await expect(editor.trials).toHaveCount(4);
  await nudge.done('ppo');
  expect(await nudge.chartValues('Score')).toHaveLength(12);
});
