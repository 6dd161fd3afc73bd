import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codeFingerprint, seedBySeed } from './seedBySeed';

describe('an experiment over seeds', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'nudge-seeds-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const measured: number[] = [];
  const measure = (seed: number) => {
    measured.push(seed);
    if (seed === 2 && measured.length === 3) return Promise.reject(new Error('stopped'));
    return Promise.resolve({ result: 'sum', plan: { seeds: [seed], n: 4 }, seeds: [{ seed, value: seed / 3 }] });
  };

  it('goes on after the last seed that it ended, and comes to what it would have come to in one go', async () => {
    const store = { folder: path.join(folder, 'kept'), key: 'a'.repeat(64) };
    const said: string[] = [];
    await expect(seedBySeed([0, 1, 2], store, measure, (line) => said.push(line))).rejects.toThrow('stopped');
    expect(readdirSync(store.folder)).toHaveLength(2);
    const { record, seconds } = await seedBySeed([0, 1, 2], store, measure, (line) => said.push(line));
    expect(measured).toEqual([0, 1, 2, 2]);
    expect(said.filter((line) => line.includes('measured before'))).toHaveLength(2);
    expect(seconds).toBeGreaterThan(0);
    const all = { result: 'sum', plan: { seeds: [0, 1, 2], n: 4 }, seeds: [0, 1, 2].map((seed) => ({ seed, value: seed / 3 })) };
    expect(record).toEqual(all);
    measured.length = 0;
    await seedBySeed([0, 1], { ...store, key: 'b'.repeat(64) }, measure, () => undefined);
    await seedBySeed([0, 1], null, measure, () => undefined);
    expect(measured).toEqual([0, 1, 0, 1]);
  });

  it('is another one as soon as its code is, but not for its tests', () => {
    const file = (name: string): string => path.join(folder, name);
    writeFileSync(file('loss.ts'), 'one');
    const before = codeFingerprint([folder]);
    writeFileSync(file('loss.test.ts'), 'a test');
    expect(codeFingerprint([folder])).toBe(before);
    writeFileSync(file('loss.ts'), 'two');
    expect(codeFingerprint([folder])).not.toBe(before);
  });
});
