/**
 * `npm test`: type check, lint, unit tests, kernel tests on WebGPU in a real browser, end-to-end tests.
 *
 * All groups run, whatever fails; the last line is `N passed, N failed` over all of them (`, N skipped` where some
 * are), and the exit code is 1 where anything failed.
 *
 *   npm test -- --only unit,gpu          some groups: types, lint, unit, gpu, e2e
 *   npm test -- --only unit src/store    further words go to the test runner
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const reports = mkdtempSync(path.join(tmpdir(), 'nudge-test-'));

/** A tally: how many passed, and the names of those that failed or were skipped. */
const empty = () => ({ passed: 0, failed: [], skipped: [] });

const GROUPS = {
  types: () =>
    checks('types', [
      [
        'the page compiles',
        'svelte-check',
        'bin/svelte-check',
        ['--tsconfig', './tsconfig.json', '--fail-on-warnings', '--output', 'human'],
      ],
      ['the worker compiles without DOM types', 'typescript', 'bin/tsc', ['-p', 'tsconfig.worker.json']],
      ['tests and tools compile', 'typescript', 'bin/tsc', ['-p', 'tsconfig.node.json']],
    ]),
  lint: () =>
    checks('lint', [
      ['ESLint', 'eslint', 'bin/eslint.js', ['.', '--max-warnings', '0']],
      ['Prettier', 'prettier', 'bin/prettier.cjs', ['--check', '--log-level', 'warn', '.']],
    ]),
  unit: (words) => vitest('unit', words),
  gpu: (words) => vitest('gpu', words),
  e2e: (words) => playwright(words),
};

const { only, words } = readArguments(process.argv.slice(2));
const total = empty();
for (const name of only) {
  const started = performance.now();
  console.log(`\n== ${name} ==`);
  const tally = await GROUPS[name](words);
  total.passed += tally.passed;
  total.failed.push(...tally.failed.map((test) => `${name}: ${test}`));
  total.skipped.push(...tally.skipped.map((test) => `${name}: ${test}`));
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`== ${name}: ${tally.passed} passed, ${tally.failed.length} failed, ${seconds} s ==`);
}
rmSync(reports, { recursive: true, force: true });

console.log('');
for (const test of total.skipped) console.log(`skipped  ${test}`);
for (const test of total.failed) console.log(`FAILED   ${test}`);
const skipped = total.skipped.length > 0 ? `, ${total.skipped.length} skipped` : '';
console.log(`${total.passed} passed, ${total.failed.length} failed${skipped}`);
process.exit(total.failed.length > 0 ? 1 : 0);

function readArguments(args) {
  const at = args.indexOf('--only');
  const names = Object.keys(GROUPS);
  if (at < 0) return { only: names, words: args };
  const wished = (args[at + 1] ?? '').split(',');
  const unknown = wished.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    console.error(`--only takes ${names.join(', ')}, got "${unknown.join(', ')}".`);
    process.exit(2);
  }
  return { only: wished, words: args.filter((_, i) => i !== at && i !== at + 1) };
}

/** Commands that either pass or fail as a whole. */
async function checks(group, commands) {
  const tally = empty();
  for (const [name, packageName, script, args] of commands) {
    const code = await runScript(packageName, script, args);
    if (code === 0) tally.passed++;
    else tally.failed.push(name);
    if (code !== 0) console.log(`${group}: ${name}: failed`);
  }
  return tally;
}

async function vitest(project, words) {
  const report = path.join(reports, `${project}.json`);
  const code = await runScript('vitest', 'vitest.mjs', [
    ...['run', `--project=${project}`, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    ...words,
  ]);
  return tallyOf(project, code, report, (json, tally) => {
    for (const file of json.testResults) {
      const name = path.relative(root, file.name);
      // A file that could not be loaded has no tests of its own to fail.
      if (file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed')) {
        tally.failed.push(`${name}: could not be run`);
      }
      for (const test of file.assertionResults) {
        if (test.status === 'passed') tally.passed++;
        else tally[test.status === 'failed' ? 'failed' : 'skipped'].push(`${name}: ${test.fullName}`);
      }
    }
  });
}

async function playwright(words) {
  const report = path.join(reports, 'e2e.json');
  const code = await runScript('@playwright/test', 'cli.js', ['test', '--reporter=list,json', ...words], {
    PLAYWRIGHT_JSON_OUTPUT_FILE: report,
  });
  return tallyOf('e2e', code, report, (json, tally) => {
    const walk = (suite, names) => {
      for (const inner of suite.suites ?? []) walk(inner, [...names, inner.title]);
      for (const spec of suite.specs ?? []) {
        const name = [...names, spec.title].join(' > ');
        for (const test of spec.tests) {
          if (test.status === 'skipped') tally.skipped.push(name);
          else if (test.status === 'expected') tally.passed++;
          else if (test.status === 'flaky') {
            // Only a spec that measures time may be tried again (it says so itself): the machine may be busy.
            tally.passed++;
            console.log(`e2e: passed when tried again: ${name}`);
          } else tally.failed.push(name);
        }
      }
    };
    for (const suite of json.suites) walk(suite, [suite.title]);
  });
}

/** Reads a runner's JSON report; a runner that failed without saying at which test counts as one failure. */
function tallyOf(group, code, report, read) {
  const tally = empty();
  try {
    read(JSON.parse(readFileSync(report, 'utf8')), tally);
  } catch (error) {
    console.error(`The runner left no report that can be read: ${error.message}`);
    tally.failed.push(`the ${group} runner itself`);
  }
  if (code !== 0 && tally.failed.length === 0) tally.failed.push(`the ${group} runner ended with code ${code}`);
  return tally;
}

/** Runs a package's script with this Node, its output going to ours; resolves to the exit code. */
function runScript(packageName, script, args, environment = {}) {
  const file = path.join(path.dirname(require.resolve(`${packageName}/package.json`)), script);
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [file, ...args], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...environment },
    });
    child.on('error', (error) => {
      console.error(error.message);
      resolve(1);
    });
    child.on('exit', (code) => resolve(code ?? 1));
  });
}
