import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readSafetensors } from '../../src/model/safetensors';

const folder = mkdtempSync(path.join(tmpdir(), 'nudge-pretrain-'));
afterAll(() => rmSync(folder, { recursive: true }));

const RECIPE = ['--preset', 'nano', '--steps', '6', '--batch', '4', '--demonstrations', '16', '--backend', 'wasm'];

/** Runs the command; stops it as soon as it has said `until`. */
function run(name: string, options: string[], until?: string): Promise<{ code: number | null; said: string }> {
  const args = ['tools/run.mjs', 'tools/pretrain.ts', ...RECIPE, '--out', path.join(folder, name), ...options];
  const child = spawn(process.execPath, args);
  let said = '';
  const hear = (chunk: Buffer): void => {
    said += chunk.toString();
    if (until !== undefined && said.includes(until)) child.kill('SIGKILL');
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, said })));
}

const bytes = (name: string, file: string): Buffer => readFileSync(path.join(folder, name, file));

function weights(name: string): Float32Array {
  const { tensors } = readSafetensors(new Uint8Array(bytes(name, 'sft.safetensors')).buffer);
  return Float32Array.from([...tensors.values()].flatMap(({ values }) => [...values]));
}

describe('npm run pretrain', { timeout: 240_000 }, () => {
  it('makes the same files from the same seed, stopped and started again or not', async () => {
    expect(await run('whole', ['--seed', '5', '--threads', '1'])).toMatchObject({ code: 0 });
    const options = ['--seed', '5', '--threads', '1', '--checkpoint-every', '2'];
    const stopped = await run('stopped', options, 'step 4 of 6');
    expect(stopped.code).not.toBe(0);
    expect(existsSync(path.join(folder, 'stopped'))).toBe(false);
    const resumed = await run('stopped', options);
    expect(resumed.said).toMatch(/going on from step [24]/);
    for (const file of ['base.safetensors', 'sft.safetensors', 'tokenizer.json']) {
      expect(bytes('stopped', file).equals(bytes('whole', file)), file).toBe(true);
    }
  });

  it('makes the SFT model alone, from a base model that is there, to the same bits', async () => {
    const sft = bytes('whole', 'sft.safetensors');
    rmSync(path.join(folder, 'whole', 'sft.safetensors'));
    const { code, said } = await run('whole', ['--seed', '5', '--threads', '1', '--from-base']);
    expect(code, said).toBe(0);
    expect(said).not.toContain('step 6 of 6');
    expect(bytes('whole', 'sft.safetensors').equals(sft)).toBe(true);
    const nothing = await run('empty', ['--seed', '5', '--threads', '1', '--from-base']);
    expect(nothing.code).toBe(1);
    expect(nothing.said).toContain('Pretrain without --from-base first.');
  });

  it('gives the weights of one thread from two, but for rounding', async () => {
    expect(await run('alone', ['--seed', '6', '--threads', '1'])).toMatchObject({ code: 0 });
    const { code, said } = await run('shared', ['--seed', '6', '--threads', '2']);
    expect(said).toContain('each of 2 processes');
    expect(code).toBe(0);
    const [alone, shared] = [weights('alone'), weights('shared')];
    const furthest = alone.reduce((most, value, i) => Math.max(most, Math.abs(value - shared[i]!)), 0);
    expect(furthest).toBeLessThan(2e-3); // a half-precision step at 1 is 1e-3
    const moved = weights('stopped').reduce((most, value, i) => Math.max(most, Math.abs(value - shared[i]!)), 0);
    expect(moved).toBeGreaterThan(0.02);
  });

  it('ends with its held-out loss, and names an argument that it cannot use', async () => {
    const { said } = await run('last', ['--seed', '5', '--threads', '1']);
    expect(said.trim().split('\n').at(-1)).toMatch(/^wrote .*; held-out loss \d\.\d{4}$/);
    const wrong = await run('none', ['--seed', 'x']);
    expect(wrong.code).toBe(1);
    expect(wrong.said).toContain('Expected --seed to be a whole number from 0 on, got x.');
  });
});
