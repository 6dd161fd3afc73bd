import { describe, expect, it } from 'vitest';
import { HELD_OUT_LABELERS, TRAINING_LABELERS } from '../../text/world/labeler';
import { LABELER_GROUPS } from './measureWords';

describe('the words of the measurement', () => {
  it('offer every labeler, those that are held out apart', () => {
    const names = LABELER_GROUPS.map(({ labelers }) => labelers.map(([name]) => name));
    expect(names).toEqual([Object.keys(TRAINING_LABELERS), Object.keys(HELD_OUT_LABELERS)]);
  });
});
