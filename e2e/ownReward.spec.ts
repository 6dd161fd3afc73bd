/** A reward function that the person writes: what it may do, what it may not, and that PPO is paid by it. */
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page, Request } from '@playwright/test';
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
  ['a clock', 'function reward() { return Date.now(); }', /Date is not there.*same each time/],
  ['a timer', 'function reward() { setTimeout(() => 1, 9); return 1; }', /setTimeout is not there.*same each time/],
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
  [
    'a huge word',
    "function rewards() { return 'x'.repeat(2 ** 28); }",
    /expected a list of 4 numbers, got a value of type string\. Return/,
  ],
  ['a huge list', 'function rewards() { return new Array(2 ** 22).fill(1); }', /expected 4 numbers, got 4194304/],
  [
    'a huge word, sent in place of the answer',
    "function rewards() { postMessage({ id: 1, rewards: 'x'.repeat(2 ** 26) }); for (;;); }",
    /expected a list of 4 numbers, got a value of type string\. Return/,
  ],
  [
    'a huge list, sent in place of the answer',
    'function rewards() { postMessage({ id: 1, rewards: new Array(2 ** 22).fill(1) }); for (;;); }',
    /expected 4 numbers, got 4194304/,
  ],
  ['a huge error', "function reward() { throw new Error('x'.repeat(2 ** 28)); }", /failed: x{500}\. Try it/],
  [
    'a huge error, sent in place of the answer',
    "function reward() { postMessage({ id: 1, error: 'x'.repeat(2 ** 26) }); for (;;); }",
    /failed: x{500}\. Try it/,
  ],
  ['an error that takes for ever to say', 'function reward() { throw { toString() { for (;;); } }; }', /took too long/],
  ['too few numbers', 'function rewards() { return [1]; }', /expected 4 numbers, got 1/],
  ['no function', 'const x = 1;', /is not there.*Write function reward/],
  ['a slip of the pen', 'function reward() {\n  return 1 +;\n}', /cannot be read.*line 2/],
  ['a failing function', "function reward() {\n  throw new Error('oh no');\n}", /failed: oh no/],
];

/** Ways to a number that is another each time, by what is left when clock and dice are taken away by name. */
const UNSTEADY: [what: string, code: string][] = [
  ['a file', "new File([], '').lastModified"],
  ['an event', "new Event('x').timeStamp"],
  ['the clock of a prototype', 'Object.getPrototypeOf(Object.getPrototypeOf(self)).performance.now()'],
  [
    "a prototype's getter",
    "Reflect.get(Object.getPrototypeOf(Object.getPrototypeOf(self)), 'crypto', self).randomUUID()",
  ],
  ['the calendar', 'new Intl.DateTimeFormat().format()'],
  ['Temporal', 'Temporal.Now.instant().epochMilliseconds'],
  ['the address of the program', 'location.href'],
  ['a trace', '(/blob:\\S+/.exec(new Error().stack) ?? missing)[0]'],
  [
    'a trace on request',
    '(/blob:\\S+/.exec((() => { const o = {}; Error.captureStackTrace(o); return o.stack; })()) ?? missing)[0]',
  ],
  ['an address made on the spot', 'URL.createObjectURL(new Blob([]))'],
  ['memory that two share', 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)'],
  ['memory that is cleaned', 'new WeakRef({}).deref()'],
  ['a message to oneself', 'new MessageChannel().port1'],
];

/**
 * Ways out, as a function might try them: each ends well only where what it asks for arrives. `door` has what the list of
 * names takes away.
 */
const WAYS_OUT: [what: string, code: string][] = [
  ['fetch', 'await door.fetch(url)'],
  [
    'XMLHttpRequest',
    `await new Promise((arrived, shut) => {
      const request = new door.XMLHttpRequest();
      Object.assign(request, { onload: arrived, onerror: () => shut('shut') });
      request.open('GET', url);
      request.send();
    })`,
  ],
  [
    'WebSocket',
    `await new Promise((arrived, shut) => {
      const socket = new door.WebSocket(url.replace('http', 'ws'));
      Object.assign(socket, { onopen: arrived, onerror: () => shut('shut') });
    })`,
  ],
  [
    'EventSource',
    `const source = new door.EventSource(url);
    await new Promise((arrived, shut) => {
      Object.assign(source, { onopen: arrived, onerror: () => shut('shut') });
    });
    source.close()`,
  ],
  ['importScripts', 'door.importScripts(url)'],
  ['import', 'await import(url)'],
  [
    'a font',
    "await new door.FontFace('far', 'url(' + url + ')').load().catch((error) => { if (!arrives) throw error; })",
  ],
  [
    'a worker of its own, that fetches',
    `await new Promise((arrived, shut) => {
      const tries = 'fetch("' + url + '").then(() => postMessage(1), () => postMessage(0))';
      const worker = new door.Worker(door.URL.createObjectURL(new door.Blob([tries])));
      Object.assign(worker, { onmessage: ({ data }) => (data ? arrived() : shut('shut')), onerror: () => shut('shut') });
    })`,
  ],
  [
    'a worker of its own, that imports',
    `await new Promise((arrived, shut) => {
      const tries = 'importScripts("' + url + '"); postMessage(1)';
      const worker = new door.Worker(door.URL.createObjectURL(new door.Blob([tries])));
      Object.assign(worker, { onmessage: arrived, onerror: (event) => (event.preventDefault(), shut('shut')) });
    })`,
  ],
  ['code from text', "(0, eval)('1'); await door.fetch(url)"],
  ['code from a constructor', "new Function('return 1')(); await door.fetch(url)"],
  [
    'code from the constructor of another kind of function',
    "await new (async () => 1).constructor('return 1')(); await door.fetch(url)",
  ],
];

/** Keeps what the list of names is about to take away. */
const KEEP_DOOR =
  'const door = { fetch: fetch.bind(self), importScripts: importScripts.bind(self), XMLHttpRequest, WebSocket, EventSource, Worker, FontFace, URL, Blob };';

/** Ways to what the list of names took away, from what is at hand. */
const BACK_DOORS: [what: string, code: string][] = [
  ['fetch of a prototype', 'await Object.getPrototypeOf(Object.getPrototypeOf(self)).fetch.call(self, url)'],
  ['fetch of the constructor', 'await self.constructor.__proto__.prototype.fetch.call(self, url)'],
  ['importScripts of a prototype', 'Object.getPrototypeOf(Object.getPrototypeOf(self)).importScripts.call(self, url)'],
  ['a font', "await new FontFace('far', 'url(' + url + ')').load()"],
  ['import', 'await import(url)'],
  ['text', "await (0, eval)('import(\"' + url + '\")')"],
  ['a constructor', "await new Function('url', 'return import(url)')(url)"],
  [
    "another kind of function's constructor",
    "await new (Object.getPrototypeOf(async () => 1).constructor)('url', 'await import(url)')(url)",
  ],
  ['text for a timer', "setTimeout('import(\"' + url + '\")'); throw new Error('later')"],
  [
    'a module made on the spot',
    "await (await import(URL.createObjectURL(new Blob(['export default (url) => import(url)'], { type: 'text/javascript' })))).default(url)",
  ],
  ['WebSocket by its constructor', "new self.constructor.constructor('return WebSocket')()"],
];

/** A server that answers everything, to anybody, and notes whatever arrives: even a connection that asks nothing. */
async function listeningServer(): Promise<{ server: Server; address: string; arrived: string[] }> {
  const arrived: string[] = [];
  const server = createServer((request, response) => {
    arrived.push(request.url ?? '');
    const type = request.headers.accept === 'text/event-stream' ? 'text/event-stream' : 'text/javascript';
    response.writeHead(200, { 'Content-Type': type, 'Access-Control-Allow-Origin': '*', Connection: 'close' });
    response.end('\n\n');
  });
  server.on('connection', () => arrived.push('a connection'));
  server.on('upgrade', (request, socket) => {
    arrived.push(request.url ?? '');
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    socket.end(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, arrived };
}

/** What the frame's policy refused is said in the console, too: that is no mistake of the page. */
function forgive(mistakes: string[]): void {
  const refused = /Content Security Policy|Failed to fetch|import|violates|Refused/i;
  mistakes.splice(0, mistakes.length, ...mistakes.filter((mistake) => !refused.test(mistake)));
}

test('stops and names what a function may not do, and loses nothing', async ({ nudge, page, mistakes }) => {
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
  expect(await nudge.replyButtons.allTextContents()).toEqual(replies);
  // A trial leaves no sandbox behind.
  await expect(page.locator('iframe')).toHaveCount(0);
  forgive(mistakes);
});

test('a function finds nothing that is another each time, by name or by a back door', async ({
  nudge,
  page,
  mistakes,
}) => {
  const editor = await openEditor(nudge, page);
  for (const [what, code] of UNSTEADY) {
    await editor.try(`function reward() { return ${code} ? 1 : 0; }`);
    await expect(editor.problem, what).toContainText('failed');
  }
  // Whatever else the browser gives to a worker, now or in a later version.
  await editor.try(`function reward() {
    const left = new Set();
    for (let owner = globalThis; owner && owner !== Object.prototype; owner = Object.getPrototypeOf(owner))
      for (const name of Reflect.ownKeys(owner)) {
        try {
          if (typeof Reflect.get(owner, name, self) === 'function' && !/^[A-Z]/.test(String(name))) left.add(name);
        } catch {}
      }
    left.delete('reward');
    throw new Error('left: ' + [...left].sort().join(' '));
  }`);
  await expect(editor.problem).toContainText(
    'left: atob btoa constructor decodeURI decodeURIComponent encodeURI encodeURIComponent escape eval isFinite isNaN parseFloat parseInt postMessage queueMicrotask structuredClone unescape.',
  );
  forgive(mistakes);
});

test('no request leaves the sandbox, by any way that does reach a server from a worker without one', async ({
  nudge,
  page,
  mistakes,
}) => {
  const { server, address, arrived } = await listeningServer();
  const requests: Request[] = [];
  page.on('request', (request) => {
    if (request.url().startsWith(address)) requests.push(request);
  });
  // With this switched on, a function has what the list of names takes away, so that the frame's own walls are tried.
  await page.addInitScript((keepDoor) => {
    const send = MessagePort.prototype.postMessage;
    MessagePort.prototype.postMessage = function (message: { type?: string; source?: string }, ...rest: []) {
      const opens = message.type === 'open' && document.documentElement.dataset['door'] === 'open';
      send.call(this, opens ? { ...message, source: keepDoor + message.source } : message, ...rest);
    };
  }, KEEP_DOOR);
  const editor = await openEditor(nudge, page);

  // What would be seen: the page's own request, by the listener and by the server.
  await page.evaluate((url) => fetch(url), `${address}/control`);
  expect(requests.map((request) => request.url())).toEqual([`${address}/control`]);
  expect(arrived).toEqual(['a connection', '/control']);

  for (const [i, [what, code]] of WAYS_OUT.entries()) {
    // From a plain worker of the page, it arrives.
    arrived.length = 0;
    const url = `${address}/plain-${i}`;
    const program = `${KEEP_DOOR}const url = '${url}', arrives = true;(async () => { ${code}; })().then(() => postMessage(''), (error) => postMessage(String(error)));`;
    expect(await page.evaluate(fromPlainWorker, program), what).toBe('');
    expect(arrived, what).toContain(`/plain-${i}`);
  }

  for (const [ways, door] of [
    [WAYS_OUT, 'open'],
    [BACK_DOORS, 'shut'],
  ] as const) {
    await page.evaluate((state) => void (document.documentElement.dataset['door'] = state), door);
    arrived.length = 0;
    for (const [i, [what, code]] of ways.entries()) {
      const url = `${address}/${door}-${i}`;
      await editor.try(`async function reward() { const url = '${url}', arrives = false; ${code}; return 1; }`);
      await expect(editor.problem, what).toContainText('Your reward function failed', { timeout: 20_000 });
      // Not for want of what the way begins with.
      if (door === 'open') await expect(editor.problem, what).not.toContainText(/is not (there|defined|a constructor)/);
      expect(arrived, what).toEqual([]);
    }
  }
  // The browser tells of some that it was about to make: its policy is why it did not.
  const begun = requests.filter((request) => !/\/(control|plain-\d+)$/.test(request.url()));
  for (const request of begun) expect(request.failure()?.errorText, request.url()).toBe('csp');
  server.close();
  forgive(mistakes);
});

/** Runs in the page: what a program says in a worker that has no sandbox around it. */
function fromPlainWorker(program: string): Promise<string> {
  const worker = new Worker(URL.createObjectURL(new Blob([program], { type: 'text/javascript' })));
  return new Promise<string>((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<string>) => resolve(data);
    worker.onerror = (event) => resolve(event.message);
  }).finally(() => worker.terminate());
}

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
