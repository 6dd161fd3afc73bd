/** Preference data from a file: HH-RLHF's own, with rows that are broken, and how well the reward model learns it. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Page } from '@playwright/test';
import { expect, test } from './fixtures';
import type { NudgePage } from './nudgePage';

const HARMLESS = process.env.HH_RLHF_FILE ?? path.resolve('../shared/data/hh-rlhf-harmless-base-test.jsonl.gz');
const ROWS = 2312;

type Part = Buffer | string;

/** Ten ways in which a row can be broken, with what the page says of it. */
const BROKEN: readonly (readonly [row: number, content: Part, reason: RegExp])[] = [
  [1, 'not JSON at all', /expected one JSON object/],
  [2, '{"chosen": "\\n\\nHuman: Hi\\n\\nAssistant: Hello', /expected one JSON object/],
  [10, '[1, 2]', /got a list/],
  [11, 'null', /got null/],
  [500, '{"chosen": "\\n\\nHuman: Hi\\n\\nAssistant: Hello"}', /expected "rejected", got the keys chosen/],
  [
    501,
    '{"chosen": 7, "rejected": "\\n\\nHuman: Hi\\n\\nAssistant: No"}',
    /expected "chosen" to be text, got a number/,
  ],
  [1000, pair('Hi\n\nAssistant: Hello', 'Hi\n\nAssistant: Hello'), /got the same one twice/],
  [1001, pair('Hi\n\nAssistant: Hello', 'Bye\n\nAssistant: Hello'), /their prompts differ/],
  [2000, '{"chosen": "Hello", "rejected": "\\n\\nHuman: Hi\\n\\nAssistant: No"}', /expected "chosen" to begin with/],
  [2312, Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), /UTF-8/],
];

function pair(chosen: string, rejected: string): string {
  return JSON.stringify({ chosen: `\n\nHuman: ${chosen}`, rejected: `\n\nHuman: ${rejected}` });
}

async function importFile(nudge: NudgePage, page: Page, name: string, buffer: Buffer): Promise<void> {
  await nudge.goTo('Train');
  await page.getByLabel('Choose a file').setInputFiles({ name, mimeType: 'application/octet-stream', buffer });
}

const outcome = (page: Page) => page.getByTestId('import-outcome');
const badRows = (page: Page) => page.getByRole('list', { name: 'Rows that could not be read' }).getByRole('listitem');

test('rows of a made-up file are read, plain and packed; each broken one is named with its reason, and nothing is doubled', async ({
  nudge,
  page,
}) => {
  await nudge.open({ backend: 'wasm' });
  const good = (n: number): string =>
    pair(`What is ${n} and 1?\n\nAssistant: It is ${n + 1}.`, `What is ${n} and 1?\n\nAssistant: dunno ${n}`);
  const rows = Array.from({ length: 40 }, (_, n) => good(n));
  rows[6] = 'oops';
  rows[39] =
    '{"chosen": "\\n\\nHuman: 你好 👋\\n\\nAssistant: 你好！", "rejected": "\\n\\nHuman: 你好 👋\\n\\nAssistant: no"}';
  const text = Buffer.from(`${rows.join('\r\n')}\n`);

  await importFile(nudge, page, 'small.jsonl', text);
  await expect(outcome(page)).toHaveText('small.jsonl: 39 pairs kept, 1 row could not be read.');
  await expect(badRows(page)).toHaveText([/^Row 7: expected one JSON object/]);
  expect(await nudge.rankingCount()).toBe(39);

  await importFile(nudge, page, 'small.jsonl', text);
  await expect(outcome(page)).toHaveText('small.jsonl: 39 pairs kept, 1 row could not be read.');
  expect(await nudge.rankingCount()).toBe(39);

  await importFile(nudge, page, 'packed.jsonl.gz', gzipSync(text));
  await expect(outcome(page)).toHaveText('packed.jsonl.gz: 39 pairs kept, 1 row could not be read.');
  expect(await nudge.rankingCount()).toBe(78);

  await nudge.set('rewardModel', { epochs: 1 });
  await nudge.start('rewardModel', page.getByRole('button', { name: 'Train the reward model on it' }));
  await nudge.done('rewardModel');
  await expect(page.getByTestId('reward-model-report')).toContainText(/Held-out pair accuracy\s*\d/);
});

test('HH-RLHF, all 2,312 pairs: kept whole, then with ten rows broken on purpose, and the reward model learns from it', async ({
  nudge,
  page,
}) => {
  // Someone else's data set, too large to come with the source: who has it can run this.
  test.skip(!existsSync(HARMLESS), `${HARMLESS} is not here; HH_RLHF_FILE names another place.`);
  test.setTimeout(300_000);
  await nudge.open({ backend: 'wasm' });
  const whole = readFileSync(HARMLESS);
  await importFile(nudge, page, 'harmless.jsonl.gz', whole);
  await expect(outcome(page)).toHaveText('harmless.jsonl.gz: 2,312 pairs kept.', { timeout: 60_000 });
  expect(await nudge.rankingCount()).toBe(ROWS);

  const lines: Part[] = gunzipSync(whole).toString('utf8').trimEnd().split('\n');
  for (const [row, content] of BROKEN) lines[row - 1] = content;
  const broken = gzipSync(Buffer.concat(lines.flatMap((line) => [Buffer.from(line), Buffer.from('\n')])));
  await importFile(nudge, page, 'broken.jsonl.gz', broken);
  await expect(outcome(page)).toHaveText('broken.jsonl.gz: 2,302 pairs kept, 10 rows could not be read.', {
    timeout: 60_000,
  });
  await expect(badRows(page)).toHaveCount(10);
  for (const [at, [row, , reason]] of BROKEN.entries()) {
    await expect(badRows(page).nth(at)).toHaveText(new RegExp(`^Row ${row}: .*${reason.source}`));
  }
  expect(await nudge.rankingCount()).toBe(2 * ROWS - 10);

  await nudge.set('rewardModel', { epochs: 1, rankingsPerStep: 16 });
  const started = performance.now();
  await nudge.start('rewardModel', page.getByRole('button', { name: 'Train the reward model on it' }));
  await nudge.done('rewardModel', 240_000);
  const report = page.getByTestId('reward-model-report');
  await expect(report).toContainText(/Held-out pair accuracy\s*\d/);
  console.log(
    `HH-RLHF in ${((performance.now() - started) / 1000).toFixed(0)} s: ${await report.innerText()}`.replaceAll(
      '\n',
      ' ',
    ),
  );
  await expect(report).toContainText('2,07');

  await page.reload();
  await nudge.ready();
  expect(await nudge.rankingCount()).toBe(2 * ROWS - 10);
});
