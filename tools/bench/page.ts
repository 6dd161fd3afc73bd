/** The bench in a browser: each contender in a worker of its own, driven from here. */
import { PRESETS } from '../../src/config';
import { parameterCount } from '../../src/model/gpt';
import type { ContenderName } from './contender';
import { remote } from './remote';
import { brokenTrainings, reportOf, type BenchReport } from './report';
import { runBench, type BenchOptions } from './rounds';

const WORKERS: Record<ContenderName, () => Worker> = {
  nudge: () => new Worker(new URL('./workers/nudge.ts', import.meta.url), { type: 'module' }),
  tfjs: () => new Worker(new URL('./workers/tfjs.ts', import.meta.url), { type: 'module' }),
  'jax-js': () => new Worker(new URL('./workers/jaxJs.ts', import.meta.url), { type: 'module' }),
  'genai-nanogpt': () => new Worker(new URL('./workers/nanogpt.ts', import.meta.url), { type: 'module' }),
};

/** Called by tools/bench.mjs. */
async function bench(options: BenchOptions): Promise<{ report: BenchReport; broken: string[] }> {
  const measured = await runBench(options, {
    open: (name) => remote(name, WORKERS[name](), options),
    say: (line) => console.info(`bench: ${line}`),
  });
  const report = reportOf(measured, parameterCount(PRESETS[options.preset]));
  return { report, broken: brokenTrainings(report) };
}

Object.assign(globalThis, { bench });
