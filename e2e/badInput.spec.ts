/** What cannot be used is refused in a plain sentence, and nothing that the person made is lost. */
import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, test } from './fixtures';
import { NudgePage } from './nudgePage';

test('an empty message is refused; any UTF-8 is a message, and comes back after a reload', async ({ nudge, page }) => {
  await nudge.open({ backend: 'wasm' });
  await nudge.repliesArrived();
  await nudge.ask('   ');
  await expect(page.getByRole('alert')).toHaveText(/^The message is empty\. Write something first/);

  const odd = '👩🏽‍🚀 Ça va? 你好 שלום \u202e\u200d <b>&amp;</b> <|end|> {{x}} \\n';
  await nudge.ask(odd);
  await nudge.repliesArrived();
  await expect(nudge.message).toHaveValue(odd);
  await expect(page.getByRole('alert')).toHaveCount(0);
  await nudge.rankWithKeys();
  await page.getByRole('button', { name: 'Answer the best' }).click();
  await expect(nudge.history.getByRole('listitem').first()).toContainText(odd);
  await nudge.saved();
  await page.reload();
  await nudge.ready();
  await expect(nudge.history.getByRole('listitem').first()).toContainText(odd);
});

test('a conversation that is longer than the model can read loses its oldest turns, and the page says so', async ({
  nudge,
  page,
}) => {
  await nudge.open({ backend: 'wasm' });
  for (const message of ['Where does Mira live?', 'And Leo, where does he live?', 'And where do the others live?']) {
    await nudge.ask(message);
    await nudge.repliesArrived();
    await nudge.replyButtons.first().focus();
    await nudge.rankWithKeys();
    await page.getByRole('button', { name: 'Answer the best' }).click();
  }
  await nudge.ask('What can you tell me about Mira and Leo, and about where they live?');
  await nudge.repliesArrived();
  const dropped = page.getByRole('status').filter({ hasText: 'The conversation is longer than the model can read' });
  await expect(dropped).toHaveText(/its oldest\s+\d turns were left out\./);

  await nudge.ask('Where does Mira live? '.repeat(90));
  await nudge.repliesArrived();
  await expect(page.getByRole('status').filter({ hasText: 'The message is longer' })).toContainText(
    'only its end was read',
  );
  expect((await nudge.message.inputValue()).length).toBeGreaterThan(1900);
});

const PAIRS: readonly (readonly [what: string, name: string, content: Buffer, answer: RegExp])[] = [
  ['a table', 'table.csv', Buffer.from('chosen,rejected\na,b\n'), /this looks like a table/],
  [
    'a picture',
    'picture.png',
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0xff, 0xfe]),
    /binary/,
  ],
  ['a JSON array', 'array.json', Buffer.from('[{"chosen": "a", "rejected": "b"}]'), /this is one JSON array/],
  ['nothing', 'empty.jsonl', Buffer.alloc(0), /the file is empty/],
  ['a torn gzip', 'torn.jsonl.gz', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3]), /gzip|damaged|cut/i],
];

test('files of the wrong kind are refused with what was expected and what came', async ({ nudge, page }) => {
  await nudge.open({ backend: 'wasm' });
  await nudge.goTo('Train');
  for (const [what, name, buffer, answer] of PAIRS) {
    await test.step(what, async () => {
      await page.getByLabel('Choose a file').setInputFiles({ name, mimeType: 'application/octet-stream', buffer });
      await expect(page.getByRole('alert')).toHaveText(answer);
    });
  }
  expect(await nudge.rankingCount()).toBe(0);
});

/** A safetensors file with its tensors' bytes changed, or its header. */
function changed(file: Buffer, change: (header: Record<string, { shape: number[] }>, body: Buffer) => void): Buffer {
  const headerBytes = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerBytes)) as Record<string, { shape: number[] }>;
  const body = Buffer.from(file.subarray(8 + headerBytes));
  change(header, body);
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, body]);
}

test('a checkpoint of another shape, with NaN in it, or cut short changes nothing; a good one is taken', async ({
  nudge,
  page,
}) => {
  const file = readFileSync('public/models/nano/sft.safetensors');
  const turned = changed(file, (header) => {
    header['transformer.wpe.weight']?.shape.reverse();
  });
  const notANumber = changed(file, (_, body) => body.writeUInt16LE(0x7e00, 0));
  await nudge.open({ backend: 'wasm' });
  const likely = await likelyTokens(page);
  for (const [buffer, answer] of [
    [turned, /Expected transformer\.wpe\.weight of shape \[128, 64\], got \[64, 128\]/],
    [notANumber, /Expected finite weights, got NaN/],
    [file.subarray(0, 5000), /Expected .* bytes/],
    [Buffer.from('not weights at all'), /safetensors/],
  ] as const) {
    await load(page, nudge, buffer);
    await expect(nudge.notices).toContainText(answer);
    await expect(nudge.notices).toContainText('the model in use is unchanged');
    await nudge.notices.getByRole('button', { name: 'Dismiss' }).click();
  }
  expect(await likelyTokens(page)).toEqual(likely);

  await load(page, nudge, file);
  await expect(page.getByText('mine.safetensors is the SFT model now.')).toBeVisible();
  expect(await likelyTokens(page)).toEqual(likely);
});

async function load(page: Page, nudge: NudgePage, buffer: Buffer): Promise<void> {
  await nudge.goTo('Train');
  const input = page.getByLabel('SFT from safetensors');
  await expect(input).toBeEnabled();
  await input.setInputFiles({ name: 'mine.safetensors', mimeType: 'application/octet-stream', buffer });
}

function likelyTokens(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const conversation = [{ role: 'user' as const, text: 'Where does Mira live?' }];
    const { tokens } = await window.nudge.session.call('chat.inspect', { conversation, count: 5 });
    return tokens.map(({ text, probability }) => `${text} ${probability.sft?.toFixed(4)}`);
  });
}

test('a ranking that was begun is there after a reload, reply by reply and rank by rank', async ({ nudge, page }) => {
  await nudge.open({ backend: 'wasm' });
  await nudge.ask('What can you tell me about Mira?');
  await nudge.repliesArrived();
  await nudge.replyButtons.nth(2).focus();
  await page.keyboard.press('1');
  await expect(nudge.replyButtons.nth(2)).toHaveAccessibleName(/rank 1/);
  const names = await Promise.all((await nudge.replyButtons.all()).map((button) => button.innerText()));
  await nudge.saved();
  await page.reload();
  await nudge.ready();
  await nudge.repliesArrived();
  expect(await Promise.all((await nudge.replyButtons.all()).map((button) => button.innerText()))).toEqual(names);
  await expect(nudge.replyButtons.nth(2)).toHaveAccessibleName(/rank 1/);
  await expect(nudge.message).toHaveValue('What can you tell me about Mira?');
});

test('a second tab shows what the first one trains, still chats, and trains once the first has stopped', async ({
  nudge,
  context,
}) => {
  await nudge.open({ backend: 'wasm' });
  await nudge.start('sft');
  await expect(nudge.runControls).toContainText(/Supervised fine-tuning.* of \d+/s);

  const second = new NudgePage(await context.newPage());
  await second.open({ backend: 'wasm' });
  await second.goTo('Train');
  await expect(second.stage('sft')).toContainText(/Another tab trains it: at \d+ of \d+\./);
  await expect(second.runControls).toContainText(/Supervised fine-tuning goes on in another tab: \d+ of \d+/);
  await second.stage('sft').getByRole('button', { name: 'Fine-tune' }).click();
  await expect(second.notices).toContainText('Another tab of Nudge is training right now.');
  await expect(second.notices).toContainText('You can go on chatting and ranking here.');
  await second.goTo('Chat');
  await second.repliesArrived();

  await nudge.runControls.getByRole('button', { name: 'Stop' }).click();
  await expect(nudge.runControls).toContainText(/Supervised fine-tuning\s+stopped/);
  await expect(second.notices).toContainText('The other tab is done training.');
  await expect(second.runControls).toContainText(/Supervised fine-tuning\s+stopped/);
  await second.set('sft', { examples: 16, epochs: 1 });
  await second.train('sft');
});

test('a full disk is said, work goes on in the tab, and is stored once there is room', async ({
  nudge,
  page,
  context,
  baseURL,
}) => {
  const devtools = await context.newCDPSession(page);
  const origin = new URL(baseURL ?? '').origin;
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1 });
  await nudge.open({ backend: 'wasm' });
  await nudge.rankPrompts(1);
  await expect(nudge.statusLine).toContainText('not saved');
  await expect(nudge.notices).toContainText('the browser says that its storage is full');
  await nudge.rankPrompts(1);
  expect(await nudge.rankingCount()).toBe(2);

  await devtools.send('Storage.overrideQuotaForOrigin', { origin });
  await expect(nudge.statusLine).toContainText('· saved', { timeout: 60_000 });
  await page.reload();
  await nudge.ready();
  expect(await nudge.rankingCount()).toBe(2);
});
