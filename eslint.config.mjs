import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import { LAYERS, PACKAGES } from './tools/layers.mjs';

/** Rules that need types; those that found mistakes and cost little. */
const typed = {
  '@typescript-eslint/await-thenable': 'error',
  '@typescript-eslint/no-floating-promises': 'error',
  '@typescript-eslint/no-for-in-array': 'error',
  '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
  '@typescript-eslint/no-unsafe-argument': 'error',
  '@typescript-eslint/no-unsafe-assignment': 'error',
  '@typescript-eslint/no-unsafe-call': 'error',
  '@typescript-eslint/no-unsafe-return': 'error',
  '@typescript-eslint/only-throw-error': 'error',
  '@typescript-eslint/prefer-promise-reject-errors': 'error',
  '@typescript-eslint/require-await': 'off',
};

/** The arrows of tools/layers.mjs, said at the import that breaks one. */
const arrows = Object.entries(LAYERS).map(([layer, { mayImport, why }]) => {
  const forbidden = ['shaders', ...Object.keys(LAYERS)].filter(
    (other) => other !== layer && !mayImport.includes(other),
  );
  const patterns = forbidden
    .filter((other) => !(layer.startsWith('session') && other.startsWith('session')))
    .map((other) => ({
      regex: `^(\\.\\./)+${other}${other === 'session' ? '/(?!client(\\.|/|$)|protocol(\\.|$))' : '(\\.|/|$)'}`,
      message: `${layer} may not import ${other}: ${why}. It may import ${mayImport.join(', ') || 'nothing'}.`,
    }));
  for (const [prefix, { layers, why: reason }] of Object.entries(PACKAGES)) {
    if (layers.includes(layer)) continue;
    const regex = `^${prefix}${prefix.endsWith('/') ? '' : '(/|$)'}`;
    patterns.push({ regex, message: `Only ${layers.join(', ')} may import ${prefix}: ${reason}.` });
  }
  const folder = `src/${layer}`;
  return {
    files: [`${folder}.ts`, `${folder}/**/*.{ts,svelte}`],
    ignores: [
      // Tests, and what they share, may reach into every layer.
      'src/**/*.{test,testing}.ts',
      ...(layer === 'session' ? ['src/session/client.ts', 'src/session/client/**', 'src/session/protocol*.ts'] : []),
    ],
    rules: { 'no-restricted-imports': ['error', { patterns }] },
  };
});

export default ts.config(
  { ignores: ['dist/', 'node_modules/', 'public/', 'test-results/', 'playwright-report/', '.cache/'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...ts.configs.stylistic,
  ...svelte.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: 'error', noInlineConfig: true },
    rules: {
      eqeqeq: 'error',
      'no-console': 'off',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/ban-ts-comment': ['error', { 'ts-expect-error': true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // `while (true)` is how a stream is read.
      'no-constant-condition': ['error', { checkLoops: 'allExceptWhileTrue' }],
      // With `noUncheckedIndexedAccess`, `x[i]!` is how a loop over numbers reads its array.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/prefer-for-of': 'off',
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/consistent-indexed-object-style': 'off',
    },
  },
  {
    files: ['src/**/*.{ts,svelte}', 'e2e/**/*.ts', 'tools/**/*.ts', '*.config.ts'],
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './tsconfig.worker.json', './tsconfig.node.json'],
        extraFileExtensions: ['.svelte'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: typed,
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { globals: globals.browser, parserOptions: { parser: ts.parser } },
    rules: {
      // ESLint sees imported components as `any`; svelte-check knows their types and does check them.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      // What a model says is shown as text, never as markup.
      'svelte/no-at-html-tags': 'error',
      'svelte/no-target-blank': 'error',
      'svelte/button-has-type': 'error',
      'svelte/require-each-key': 'error',
      // A private Map that nothing renders from is no mistake.
      'svelte/prefer-svelte-reactivity': 'off',
    },
  },
  {
    files: ['src/**/*.{ts,svelte}'],
    ignores: ['src/**/*.test.ts'],
    rules: { 'no-console': ['error', { allow: ['warn', 'error'] }] },
  },
  ...arrows,
  {
    files: ['**/*.mjs', '*.config.ts', 'tools/**/*.ts', 'e2e/**/*.ts', 'src/**/*.test.ts'],
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
  },
  {
    // Tests index into what they just made, and build broken input on purpose.
    files: ['src/**/*.test.ts', 'tools/**/*.test.ts', 'e2e/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
    },
  },
);
