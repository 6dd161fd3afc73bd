import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../../gpu/device';
import type { WrittenSample } from '../protocol';
import { TOY_SETTINGS, toyWorkshop } from '../toyWorkshop';
import { PretrainStage } from './pretrainStage';
import { writesAt } from './writing';

describe('what a model writes while it is pretrained', () => {
  beforeAll(() => startDevice('wasm'));

  it('is often at first and rarer later, and never silent for long', () => {
    const times = Array.from({ length: 5001 }, (_, step) => step).filter(writesAt);
    expect(times.slice(0, 8)).toEqual([0, 5, 10, 25, 50, 75, 100, 200]);
    expect(times.length).toBeLessThan(40);
    expect(Math.max(...times.slice(1).map((time, i) => time - (times[i] as number)))).toBe(250);
  });

  it('begins with noise, ends with the last step, and changes nothing of what is learned', async () => {
    const workshop = await toyWorkshop();
    const settings = { ...TOY_SETTINGS.pretrain, steps: 7 };
    const lossesOf = async (from: { step: number; written: WrittenSample[] }): Promise<number[]> => {
      const stage = new PretrainStage(workshop, settings, 3);
      stage.build(null);
      const before = tf.memory().numTensors;
      const losses: number[] = [];
      for await (const { step, metrics, written = [] } of stage.run()) {
        from.step = step;
        from.written.push(...written);
        losses.push(metrics?.['loss'] ?? Number.NaN);
      }
      expect(tf.memory().numTensors).toBe(before);
      stage.release();
      return losses;
    };
    const [first, again] = [
      { step: 0, written: [] as WrittenSample[] },
      { step: 0, written: [] as WrittenSample[] },
    ];
    const losses = await lossesOf(first);
    expect(await lossesOf(again)).toEqual(losses);
    expect(again.written).toEqual(first.written);
    expect([...new Set(first.written.map(({ step }) => step))]).toEqual([0, 5, 7]);
    expect(first.written[0]?.loss).toBe(losses[0]);
    for (const { step, beginning } of first.written) expect([step, typeof beginning]).toEqual([step, 'string']);
  });
});
