import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { settingProblem } from './app/settingsForm.svelte';
import { DEFAULT_SETTINGS } from './config';
import { isSign, LESSON_PLAN, LESSONS, lessonSettings, readColumn, type LessonSettings } from './lessons';
import { METRICS } from './metrics';
import { type SettingInfo, SETTINGS } from './settingInfo';

const changesOf = (settings: LessonSettings | undefined): [string, string, number][] =>
  Object.entries(settings ?? {}).flatMap(([stage, changes]) =>
    Object.entries(changes).map(([key, value]): [string, string, number] => [stage, key, value]),
  );

describe('the lessons', () => {
  it('are seventeen, each under a name of its own', () => {
    expect(LESSONS).toHaveLength(17);
    expect(new Set(LESSONS.map(({ id }) => id)).size).toBe(17);
  });

  it.each(LESSONS.map((lesson) => [lesson.id, lesson] as const))(
    '%s turns settings that the page has, within their ranges, and reads a number that its stage reports',
    (_, lesson) => {
      const infos = SETTINGS as unknown as Record<string, Record<string, SettingInfo>>;
      for (const settings of [LESSON_PLAN.settings, lesson.mistake, lesson.both])
        for (const [stage, key, value] of changesOf(settings)) {
          const info = infos[stage]?.[key];
          expect(info, `${stage}.${key}`).toBeDefined();
          expect(settingProblem(info as SettingInfo, value)).toBe('');
        }
      for (const metric of [...lesson.signs.map((sign) => sign.metric), ...(lesson.beside ?? [])])
        expect(Object.keys(METRICS[lesson.shows])).toContain(metric);
    },
  );

  it.each(LESSONS.map((lesson) => [lesson.id, lesson] as const))(
    '%s differs from its cure in the switch alone',
    (_, lesson) => {
      const [broken, cured] = [true, false].map((state) => lessonSettings(DEFAULT_SETTINGS, lesson, state));
      const switched = changesOf(lesson.mistake);
      expect(switched.length).toBeGreaterThan(0);
      for (const [stage, key, value] of changesOf(broken as LessonSettings)) {
        const own = switched.find(([s, k]) => s === stage && k === key);
        const other = (cured as unknown as Record<string, Record<string, number>>)[stage]?.[key];
        if (own) expect(value).toBe(own[2]);
        if (own) expect(other).not.toBe(value);
        else expect(other).toBe(value);
      }
    },
  );
});

describe('a column read as one number', () => {
  it('has its first and its last sixth, its rise between them, and its ends', () => {
    const column = [1, 3, null, 5, 5, 5, 5, 5, 5, 5, 7, 9, 11];
    expect(readColumn(column, 'first')).toBe(2);
    expect(readColumn(column, 'last')).toBe(10);
    expect(readColumn(column, 'rise')).toBe(8);
    expect(readColumn(column, 'highest')).toBe(11);
    expect(readColumn(column, 'lowest')).toBe(1);
    expect(readColumn([null], 'last')).toBeNull();
  });

  it('lies between its lowest and its highest, whatever it holds', () => {
    const readings = ['first', 'last'] as const;
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (column) => {
        const [low, high] = [readColumn(column, 'lowest'), readColumn(column, 'highest')] as [number, number];
        for (const reading of readings) {
          const value = readColumn(column, reading) as number;
          expect(value).toBeGreaterThanOrEqual(low);
          expect(value).toBeLessThanOrEqual(high);
        }
      }),
    );
  });

  it('is a sign where it is out of bounds, and never where it is missing', () => {
    const sign = { metric: 'objective/kl', reading: 'last', healthy: { low: -1, high: 4 } } as const;
    expect([-2, -1, 0, 4, 5].map((value) => isSign(value, sign))).toEqual([true, false, false, false, true]);
    expect(isSign(null, sign)).toBe(false);
  });
});
