import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { WITH_THREE_SEEDS } from './arguments';
import {
  exampleContest,
  exampleData,
  exampleDemo,
  exampleMethods,
  exampleSteps,
  exampleWalks,
  EXAMPLE_PROMPTS,
  MADE,
} from './exampleRecords';
import {
  demoPart,
  DEMOS_FOLDER,
  README_PART,
  readDemos,
  readNotes,
  readResults,
  REPORT_FILE,
  RESULTS_FOLDER,
  resultsReport,
} from './report';
import { demosBlock } from './sections/demos';
import { appears as dataAppears } from './sections/instructionData';
import { appears as contestAppears } from './sections/smallBeatsLarge';
import { appears as methodsAppear } from './sections/methods';
import { appears as walksAppear } from './sections/randomWalks';
import { appears as stepsAppear } from './sections/stepsHelp';
import { partOfFile, tenPromptsBlock, withPart } from './sections/tenPrompts';

const root = path.resolve(import.meta.dirname, '../..');
const RISING = [0.1, 0.2, 0.3, 0.55, 0.7] as const;

/** The cells of the first table row that begins so. */
function row(markdown: string, first: string): string[] {
  const line = markdown.split('\n').find((one) => one.startsWith(`| ${first} |`)) ?? '';
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

describe('RESULTS.md', () => {
  it('says win rates by seed with their intervals, and their mean and spread', () => {
    const { markdown } = resultsReport([exampleContest(0.62)], {});
    expect(row(markdown, 'tuned nano over midi SFT')).toEqual([
      'tuned nano over midi SFT',
      '64.0% ± 1.6 (62.0–66.0)',
      '62.0% (59.0–65.0)',
      '63.0% (60.0–66.0)',
      '64.0% (61.0–67.0)',
      '65.0% (62.0–68.0)',
      '66.0% (63.0–69.0)',
    ]);
    expect(markdown).toContain('has 10.7 times its parameters');
    expect(markdown).toContain('In all 5 seeds every interval lies above even odds: the result appears');
  });

  it('says of a result that does not appear that it does not, and why', () => {
    const records = [exampleContest(0.505)];
    expect(contestAppears(records[0]!)).toBe(false);
    const { markdown } = resultsReport(records, { 'small-beats-large': 'The large model was trained for longer.' });
    expect(markdown).toContain('against midi SFT in 2 of 5 seeds: the result does not appear in full');
    expect(markdown).toContain('The large model was trained for longer.');
    expect(resultsReport(records, {}).markdown).toContain('Nobody has looked yet into why.');
  });

  it('says what each method makes of the same labels, and which of them raises nothing beyond chance', () => {
    const { markdown, figures } = resultsReport([exampleMethods(0.1)], {});
    expect(row(markdown, 'DPO')).toEqual([
      'DPO',
      '61.0% ± 1.0 (60.0–62.0)',
      '0.710 ± 0.010',
      '0.810 ± 0.010',
      '0.100 ± 0.020, 0.110 ± 0.020, 0.120 ± 0.020',
      '1.500 ± 0.000',
      '250',
      '12–12',
    ]);
    expect(markdown).toContain('Every method raises gold with every seed, beyond chance');
    expect(Object.keys(figures)).toEqual(['methods.svg']);
    expect(methodsAppear(exampleMethods(0.01))).toBe(false);
    expect(resultsReport([exampleMethods(0.01)], {}).markdown).toContain(
      'Gold does not rise beyond chance with every seed by DPO.',
    );
  });

  it('says how near to the best each method walks, and which of them falls short', () => {
    const { markdown, figures } = resultsReport([exampleWalks(0.95)], {});
    expect(row(markdown, 'PPO').slice(0, 4)).toEqual(['PPO', '97.0% ± 1.6 (95.0–99.0)', '95%', '96%']);
    expect(markdown).toContain('Every method finds walks within 10% of the best with every seed: PPO 97%');
    expect(Object.keys(figures)).toEqual(['random-walks.svg']);
    expect(walksAppear(exampleWalks(0.85))).toBe(false);
    expect(resultsReport([exampleWalks(0.85)], {}).markdown).toContain('PPO stays below 90% with some seed');
  });

  it('says how sums are added with and without steps', () => {
    const { markdown } = resultsReport([exampleSteps(0.8)], {});
    expect(markdown).toContain('nano has 44.0% without and 84.0% with steps greedy (steps help with every seed)');
    expect(resultsReport([exampleSteps(0.3)], {}).markdown).toContain('greedy (steps do not help with every seed)');
    expect([stepsAppear(exampleSteps(0.8)), stepsAppear(exampleSteps(0.3))]).toEqual([true, false]);
  });

  it('says how many demonstrations are worth more than examples in the prompt', () => {
    const { markdown } = resultsReport([exampleData(RISING)], {});
    expect(row(markdown, '300 (3 epochs)').slice(1, 3)).toEqual(['55.0% ± 1.6 (53.0–57.0)', '53.0%']);
    expect(markdown).toContain(
      '30 demonstrations are already worth more than 3 examples in the prompt, and no smaller number brings nine tenths',
    );
    const { markdown: soon } = resultsReport([exampleData([0.1, 0.3, 0.5, 0.68, 0.7])], {});
    expect(soon).toMatch(/and \d+ bring nine tenths of what all of them bring/);
    expect([dataAppears(exampleData(RISING)), dataAppears(exampleData([0.1, 0.8, 0.3, 0.5, 0.7]))]).toEqual([
      true,
      false,
    ]);
  });

  it('has the figure of every result, and names no other', () => {
    const { markdown, figures } = resultsReport([exampleContest(0.6), exampleSteps(0.8), exampleData(RISING)], {});
    const named = [...markdown.matchAll(/\]\(results\/([\w-]+\.svg)\)/g)].map((match) => match[1]);
    expect(named.sort()).toEqual(Object.keys(figures).sort());
    expect(named).toHaveLength(3);
  });
});

describe('the ten prompts', () => {
  const block = tenPromptsBlock(EXAMPLE_PROMPTS);

  it('stand in a table that no reply can break out of', () => {
    const rows = block.split('\n').filter((line) => line.startsWith('|'));
    expect(rows.map((line) => line.split('|').length)).toEqual([6, 6, 6, 6]);
    expect(block).toContain('dunno &#124; lol / Q: Who?');
    expect(block).toContain('You are &#42;Joe&#42;. ✓');
    expect(block).toContain('You: My name is Joe.<br>It: Hello Joe!<br>You: Who am I?');
    expect(block).toContain('base 0, SFT 2, RLHF 2 of 2');
  });

  it('replace their part of a file and leave the rest as it is', () => {
    const file = `before\n<!-- ten-prompts: begin -->\nold\n<!-- ten-prompts: end -->\nafter\n`;
    const written = withPart(file, README_PART, block);
    expect(partOfFile(written, README_PART)).toBe(block.trim());
    expect(written.startsWith('before\n') && written.endsWith('\nafter\n')).toBe(true);
    expect(withPart(written, README_PART, block)).toBe(written);
    expect(() => withPart('nothing', README_PART, block)).toThrow(/Put them in/);
  });
});

describe('the demos', () => {
  it('are shown seed by seed with their mean', () => {
    const block = demosBlock([exampleDemo(1, 0.7, {}), exampleDemo(0, 0.66, {})]);
    expect(row(block, 'win rate of the policy over SFT (95% interval)').slice(1)).toEqual([
      '.680',
      '.660 (.630–.690)',
      '.700 (.670–.730)',
    ]);
    expect(row(block, 'the same, of pairs that are not a tie').slice(1)).toEqual(['.780', '.760', '.800']);
    expect(row(block, 'minutes').slice(1)).toEqual(['1.5', '1.5', '1.5']);
  });

  it('say which kinds of prompt are answered worse, by more than chance', () => {
    const seeds = [0, 1, 2].map((seed) => exampleDemo(seed, 0.7, { fact: [50, 45], improper: [90, 70], sum: [20, 40] }));
    const block = demosBlock(seeds);
    expect(block).toContain('Answered worse than before: improper (right replies');
    expect(row(block, 'improper')).toEqual(['improper', '300', '90%', '70%', '−20 ± 6']);
    expect(row(block, 'sum')).toEqual(['sum', '300', '20%', '40%', '+20 ± 7']);
    expect(demosBlock([exampleDemo(0, 0.7, { fact: [50, 45] })])).toContain('No kind of prompt is answered worse');
    expect(demosBlock([exampleDemo(0, 0.7, { fact: [2, 0] })])).toContain('No kind of prompt is answered worse');
  });
});

describe('what is stored', () => {
  const demos = [...readDemos(path.join(root, DEMOS_FOLDER))];
  const records = readResults(path.join(root, RESULTS_FOLDER));
  const measured = records.filter(({ result }) => result !== 'ten-prompts');
  const prompts = records.find((record) => record.result === 'ten-prompts');

  it.skipIf(measured.length === 0)('is what RESULTS.md and its figures say, to the letter', () => {
    const { markdown, figures } = resultsReport(records, readNotes(path.join(root, RESULTS_FOLDER)));
    expect(readFileSync(path.join(root, REPORT_FILE), 'utf8')).toBe(markdown);
    for (const [name, svg] of Object.entries(figures)) {
      expect(readFileSync(path.join(root, RESULTS_FOLDER, name), 'utf8')).toBe(svg);
    }
  });

  it.skipIf(prompts === undefined)('is what the README shows of ten prompts, to the letter', () => {
    if (prompts?.result !== 'ten-prompts') return;
    const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
    expect(partOfFile(readme, README_PART)).toBe(tenPromptsBlock(prompts).trim());
  });

  it.skipIf(demos.length === 0)('is what the README shows of the demos, to the letter', () => {
    const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
    for (const [preset, reports] of demos)
      expect(partOfFile(readme, demoPart(preset))).toBe(demosBlock(reports).trim());
  });

  it('has at least five seeds, or three where a seed trains several policies, and nothing that was only tried out', () => {
    for (const record of measured)
      if ('seeds' in record)
        expect(record.seeds.length).toBeGreaterThanOrEqual(WITH_THREE_SEEDS.includes(record.result) ? 3 : 5);
    for (const { made } of records) expect(made.quick).toBe(false);
    expect(existsSync(path.join(root, 'README.md')) && MADE.quick).toBe(false);
  });
});
