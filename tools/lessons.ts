/**
 * The lessons of "Break it", each run broken and cured: is the sign there, and does the cure remove it?
 *
 *   npm run lessons -- [id ...] [--preset nano] [--models public/models] [--seed 1] [--backend auto] [--json FILE]
 *
 * Ends with 1 where a mistake left no sign, or its cure left it there.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { PRESETS, type PresetName } from '../src/config';
import { LESSONS } from '../src/lessons';
import { METRICS } from '../src/metrics';
import type { BackendName } from '../src/session/protocol';
import { LessonBench, type LessonOutcome } from './lessons/lessonBench';
import { startFastestDevice } from './pretrain/fastestDevice';
import { loadModels } from './results/models';

export async function main(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      preset: { type: 'string', default: 'nano' },
      models: { type: 'string', default: 'public/models' },
      seed: { type: 'string', default: '1' },
      backend: { type: 'string', default: 'auto' },
      json: { type: 'string' },
    },
  });
  const unknown = positionals.find((id) => !LESSONS.some((lesson) => lesson.id === id));
  const seed = Number(values.seed);
  if (unknown !== undefined || !(values.preset in PRESETS) || !Number.isSafeInteger(seed)) {
    const ids = LESSONS.map(({ id }) => id).join(' ');
    console.error(`Expected a preset, a whole seed and some of ${ids}, got ${args.join(' ')}.`);
    process.exitCode = 2;
    return;
  }
  const { report } = await startFastestDevice(values.backend as BackendName | 'auto');
  console.error(`On ${report.adapter}, seed ${seed}`);
  const bench = new LessonBench(() => loadModels(values.preset as PresetName, values.models).workshop, seed);
  const outcomes: LessonOutcome[] = [];
  for (const lesson of LESSONS.filter(({ id }) => positionals.length === 0 || positionals.includes(id))) {
    const started = performance.now();
    const outcome = await bench.run(lesson);
    outcomes.push(outcome);
    console.log(`${outcomeLine(outcome)}  ${((performance.now() - started) / 1000).toFixed(0)} s`);
    for (const { sign, broken, cured } of outcome.signs) {
      const metrics: Record<string, { label: string }> = METRICS[lesson.shows];
      const word = `${metrics[sign.metric]?.label ?? sign.metric}, ${sign.reading}`;
      console.log(`    ${word}: broken ${figure(broken.value)}, cured ${figure(cured.value)}`);
    }
  }
  if (values.json !== undefined) {
    const told = outcomes.map(({ lesson: { id }, signs, shown, cured }) => ({ id, shown, cured, signs }));
    writeFileSync(values.json, `${JSON.stringify({ seed, preset: values.preset, lessons: told }, null, 1)}\n`);
  }
  if (!outcomes.every(({ shown, cured }) => shown && cured)) process.exitCode = 1;
}

const outcomeLine = ({ lesson, shown, cured }: LessonOutcome): string =>
  `${shown && cured ? 'ok    ' : 'FAILED'} ${lesson.id}${shown ? '' : ', no sign'}${cured ? '' : ', not cured'}`;

const figure = (value: number | null): string => (value === null ? 'none' : value.toPrecision(3));
