/**
 * How much comes over the wire before a first visit sees the first word of a reply: all that a proxy in between passes on.
 * Vite's server compresses everything, as hosts do with code and text; few do so with weights, so these count in full.
 */
import { statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { BackendName } from '../src/session/protocol';
import { expect, test } from './fixtures';

const LIMIT_BYTES = 3_000_000;
const WEIGHTS = '/models/mini/sft.safetensors';

/** Passes everything on to the site's server, and counts what the server sends: heads and bodies, as they are sent. */
class CountingProxy {
  bytes = 0;
  address = '';
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((client) => {
    const site = connect(Number(process.env.NUDGE_E2E_PORT), '127.0.0.1');
    site.on('data', (part) => (this.bytes += part.length));
    client.pipe(site).pipe(client);
    for (const socket of [client, site]) {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
  });

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.address = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

for (const backend of ['wasm', 'webgpu'] as const satisfies BackendName[]) {
  test(`a first visit loads at most 3 MB to the first word of mini, on ${backend}`, async ({ page }) => {
    const proxy = new CountingProxy();
    await proxy.listen();
    const files: { name: string; size: () => Promise<number> }[] = [];
    page.on('response', (response) =>
      files.push({
        name: new URL(response.url()).pathname,
        size: async () => (await response.request().sizes()).responseBodySize,
      }),
    );
    try {
      await page.goto(`${proxy.address}/?preset=mini&seed=1&backend=${backend}`);
      await page.waitForFunction(() => window.nudge?.chat.board.texts.some((text) => text.trim() !== ''), null, {
        timeout: 120_000,
      });
      const { bytes } = proxy;
      const names = files.map(({ name }) => name);
      const sizes = await Promise.all(files.map(({ size }) => size().catch(() => Number.NaN)));
      const inFull = bytes - (sizes[names.indexOf(WEIGHTS)] ?? NaN) + statSync(`public${WEIGHTS}`).size;
      const table = names.map((name, i) => `${String(sizes[i]).padStart(9)}  ${name}`);
      console.log(
        `${backend}: ${inFull} bytes to the first word (${bytes} with weights compressed)\n${table.join('\n')}`,
      );
      expect(inFull).toBeLessThanOrEqual(LIMIT_BYTES);
      expect(names).not.toContain('/models/mini/base.safetensors');
      // What the first word did not need comes by itself afterwards.
      await expect
        .poll(() => page.evaluate(() => window.nudge.session.report?.unfetched), { timeout: 60_000 })
        .toEqual([]);
      expect(files.map(({ name }) => name)).toContain('/models/mini/base.safetensors');
    } finally {
      proxy.close();
    }
  });
}
