import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compare, dispose, type LanguageModel } from '../src/rlhf';
import { main } from './dozenLines';

/** What stands between the first line of `main` and its return, without the indentation. */
function shownLines(): string {
  const source = readFileSync('tools/dozenLines.ts', 'utf8');
  const body = /Promise<Record[^{]*\{\n([\s\S]*?)\n\n {2}return/.exec(source)?.[1] ?? '';
  const imports = source
    .split('\n')
    .filter((line) => line.startsWith('import'))
    .join('\n');
  return `${imports.replace(', type LanguageModel', '').replace('../src', './src')}\n\n${body.replaceAll(/^ {2}/gm, '')}\n`;
}

describe("the README's dozen lines", () => {
  it('are these, word for word', () => {
    expect(readFileSync('README.md', 'utf8')).toContain(`\`\`\`ts\n${shownLines()}\`\`\``);
  });

  it('make a policy that its judge likes better', async () => {
    const { sft, policy } = await main();
    const lengthOf = async (model: LanguageModel): Promise<number> => {
      let sum = 0;
      let count = 0;
      await compare(
        model,
        ['Hello!', 'What is 3 + 4?', 'Who has a boat?'],
        (_prompt, reply) => {
          sum += reply.length;
          count += 1;
          return 0;
        },
        { replies: 24, seed: 5 },
      );
      return sum / count;
    };
    const [before, after] = [await lengthOf(sft), await lengthOf(policy)];
    expect(after).toBeLessThan(0.85 * before);
    for (const model of [sft, policy]) dispose(model);
  }, 120_000);
});
