/**
 * The bench in Node: this engine alone, on the package `webgpu` (Dawn), where a Vulkan, Metal or Direct3D driver is. Its
 * peers look for `navigator.gpu` and for workers, and are left to the browser.
 */
import { writeFileSync } from 'node:fs';
import { PRESETS } from '../../src/config';
import { parameterCount } from '../../src/model/gpt';
import { Nudge } from './contenders/nudge';
import { Measured } from './measured';
import { brokenTrainings, reportOf } from './report';
import { runBench, type BenchOptions } from './rounds';

/** What the package exports. */
interface Dawn {
  create(options: string[]): GPU;
  /** The API's classes and constants, by their names. */
  globals: Record<string, unknown>;
}

/** @param args the options as JSON, and the file to write the report to */
export async function main([options, file]: string[]): Promise<void> {
  if (options === undefined || file === undefined) throw new Error('Expected the options as JSON, and a file.');
  const wanted = JSON.parse(options) as BenchOptions;
  // Not written down as an import, since the package is optional.
  const name = 'webgpu';
  const { create, globals } = (await import(/* @vite-ignore */ name)) as Dawn;
  Object.assign(globalThis, globals);
  const gpu = create([]);
  const measured = await runBench(wanted, {
    open: () => new Measured(new Nudge({ gpu, f16: wanted.f16 }), wanted),
    say: (line) => console.log(line),
  });
  const report = reportOf(measured, parameterCount(PRESETS[wanted.preset]));
  writeFileSync(file, JSON.stringify({ report, broken: brokenTrainings(report) }));
}
