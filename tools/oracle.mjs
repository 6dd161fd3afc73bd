/**
 * Where the oracle tests find the numbers that they must reproduce.
 *
 * A test imports `#oracle/cases.json?raw` or `#oracle/model.safetensors?url&inline` (also `model.config.json?raw` and
 * `model.expected.json?raw`), in Node and in the browser alike. The environment says which files these are, so that
 * other seeds and shapes go through the same tests: ORACLE_DIR (a folder), ORACLE_CASES (a file in it) and
 * ORACLE_MODEL (the first part of three file names in it).
 */
import { resolve } from 'node:path';

const { ORACLE_DIR = 'fixtures/golden', ORACLE_CASES = 'rlhf-cases.json', ORACLE_MODEL = 'gpt2-tiny' } = process.env;

/** The folder; a browser test's server must be allowed to read it. */
export const oracleDirectory = resolve(ORACLE_DIR);

/** For Vite's `resolve.alias`. */
export const oracleAlias = [
  { find: /^#oracle\/cases\.json/, replacement: resolve(oracleDirectory, ORACLE_CASES) },
  { find: /^#oracle\/model\./, replacement: resolve(oracleDirectory, `${ORACLE_MODEL}.`) },
];
