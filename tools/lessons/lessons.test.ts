import { beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../../src/gpu/device';
import { LESSONS } from '../../src/lessons';
import { loadModels } from '../results/models';
import { LessonBench } from './lessonBench';

/** Those whose two runs are over soon; with NIGHTLY set, all are run. */
const BRIEF = [
  'few-labels',
  'biased-labeler',
  'poisoned-labels',
  'truncated-sampling',
  'dropout-in-scoring',
  'sign-flipped',
];
const all = process.env['NIGHTLY'] !== undefined;

describe('on the shipped nano', () => {
  let bench: LessonBench;
  beforeAll(async () => {
    await startDevice('wasm');
    bench = new LessonBench(() => loadModels('nano', 'public/models').workshop, 1);
  });

  for (const lesson of LESSONS)
    it.runIf(all || BRIEF.includes(lesson.id))(
      `the mistake "${lesson.title}" leaves its sign, and the cure removes it`,
      async () => {
        const { signs, shown, cured } = await bench.run(lesson);
        expect(shown, JSON.stringify(signs)).toBe(true);
        expect(cured, JSON.stringify(signs)).toBe(true);
      },
      300_000,
    );
});
