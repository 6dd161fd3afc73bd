/**
 * RESULTS.md, its figures, and the README's ten prompts and demos, from the stored results alone: no number is typed by
 * hand.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { groupBy } from '../../src/text/world/grouping';
import type { AlignmentTax } from './alignmentTax';
import type { BestOfNResult } from './bestOfNResult';
import type { InstructionData } from './instructionData';
import type { IsRlNeeded } from './isRlNeeded';
import type { KlControl } from './klControl';
import type { LabelsNeeded } from './labelsNeeded';
import type { Methods } from './methods';
import type { OverOptimisation } from './overOptimisation';
import type { RandomWalks } from './randomWalks';
import { alignmentTaxSection } from './sections/alignmentTax';
import { bestOfNSection } from './sections/bestOfN';
import { instructionDataSection } from './sections/instructionData';
import { isRlNeededSection } from './sections/isRlNeeded';
import { klControlSection } from './sections/klControl';
import { labelsNeededSection } from './sections/labelsNeeded';
import { methodsSection } from './sections/methods';
import { overOptimisationSection } from './sections/overOptimisation';
import { randomWalksSection } from './sections/randomWalks';
import { smallBeatsLargeSection } from './sections/smallBeatsLarge';
import { stepsHelpSection } from './sections/stepsHelp';
import { demosBlock, type DemoReport } from './sections/demos';
import { tenPromptsBlock, withPart } from './sections/tenPrompts';
import type { Section } from './sections/words';
import type { SmallBeatsLarge } from './smallBeatsLarge';
import type { StepsHelp } from './stepsHelp';
import type { TenPrompts } from './tenPrompts';

export type StoredResult =
  | SmallBeatsLarge
  | StepsHelp
  | InstructionData
  | Methods
  | OverOptimisation
  | KlControl
  | BestOfNResult
  | AlignmentTax
  | LabelsNeeded
  | IsRlNeeded
  | RandomWalks
  | TenPrompts;
export type ResultName = StoredResult['result'];

/** By name of a result: why it does not appear here, or what else should be known. */
export type Notes = Partial<Record<ResultName, string>>;

/** Where results are stored, from the project's folder. */
export const RESULTS_FOLDER = 'results';
export const REPORT_FILE = 'RESULTS.md';
export const README_PART = 'ten-prompts';
/** Where the reports of `npm run demo` are stored, as preset-seed.json, and their parts of the README. */
export const DEMOS_FOLDER = path.join(RESULTS_FOLDER, 'demos');
export const demoPart = (preset: string): string => `demo-${preset}`;
const NOTES_FILE = 'notes.json';

const HEADING = `# Results

What the field has found with models a thousand times larger, looked for in the town's models. Every number and figure here
comes from the JSON files in [results/](results/), by \`npm run results -- report\`; the commands that make those are in the
[README](README.md). A figure shows every seed; "±" is the standard deviation over the seeds.
`;

/** @returns the text of RESULTS.md, and the figures by file name */
export function resultsReport(records: readonly StoredResult[], notes: Notes): Section {
  const of = <R extends ResultName>(name: R): Extract<StoredResult, { result: R }>[] =>
    records.filter((record): record is Extract<StoredResult, { result: R }> => record.result === name);
  const sections: Section[] = [];
  const [contests, sums, data] = [of('small-beats-large'), of('steps-help'), of('instruction-data')];
  const walks = of('random-walks');
  if (contests.length > 0) sections.push(smallBeatsLargeSection(contests, notes['small-beats-large']));
  if (sums.length > 0) sections.push(stepsHelpSection(sums, notes['steps-help']));
  if (data.length > 0) sections.push(instructionDataSection(data, notes['instruction-data']));
  const methods = of('methods');
  if (methods.length > 0) sections.push(methodsSection(methods, notes.methods));
  const add = <R extends ResultName>(
    name: R,
    section: (records: Extract<StoredResult, { result: R }>[], note: string | undefined) => Section,
  ): void => {
    const own = of(name);
    if (own.length > 0) sections.push(section(own, notes[name]));
  };
  add('over-optimisation', overOptimisationSection);
  add('kl-controller', klControlSection);
  add('best-of-n', bestOfNSection);
  add('alignment-tax', alignmentTaxSection);
  add('labels-needed', labelsNeededSection);
  add('is-rl-needed', isRlNeededSection);
  if (walks.length > 0) sections.push(randomWalksSection(walks, notes['random-walks']));
  return {
    markdown: `${[HEADING, ...sections.map(({ markdown }) => markdown.trimEnd() + '\n')].join('\n')}`,
    figures: Object.assign({}, ...sections.map(({ figures }) => figures)) as Record<string, string>,
  };
}

/**
 * The stored results, in the order of their files.
 * @throws Error for one that was only tried out
 */
export function readResults(folder: string): StoredResult[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((file) => file.endsWith('.json') && file !== NOTES_FILE);
  return files.sort().map((file) => {
    const record = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as StoredResult;
    if (record.made.quick)
      throw new Error(`Expected a result in ${file}, got one made with --quick. Make it without, or remove the file.`);
    return record;
  });
}

/** The stored reports of the demo, by preset. */
export function readDemos(folder: string): Map<string, DemoReport[]> {
  if (!existsSync(folder)) return new Map();
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  const reports = files.map((file) => JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as DemoReport);
  return groupBy(reports, ({ preset }) => preset);
}

export function readNotes(folder: string): Notes {
  const file = path.join(folder, NOTES_FILE);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Notes) : {};
}

/** Writes RESULTS.md, the figures and the README's part. @returns the files */
export function writeReport(root: string): string[] {
  const folder = path.join(root, RESULTS_FOLDER);
  const records = readResults(folder);
  const written: string[] = [];
  const write = (name: string, content: string): void => {
    writeFileSync(path.join(root, name), content);
    written.push(name);
  };
  mkdirSync(folder, { recursive: true });
  const { markdown, figures } = resultsReport(records, readNotes(folder));
  write(REPORT_FILE, markdown);
  for (const [name, svg] of Object.entries(figures)) write(path.join(RESULTS_FOLDER, name), svg);
  const prompts = records.find((record): record is TenPrompts => record.result === 'ten-prompts');
  let readme = readFileSync(path.join(root, 'README.md'), 'utf8');
  if (prompts) readme = withPart(readme, README_PART, tenPromptsBlock(prompts));
  for (const [preset, reports] of readDemos(path.join(root, DEMOS_FOLDER)))
    readme = withPart(readme, demoPart(preset), demosBlock(reports));
  write('README.md', readme);
  return written;
}
