import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { LAYERS, PACKAGES, layerOf } from '../tools/layers.mjs';

const root = path.resolve(import.meta.dirname, '..');

/** Every file of the product below `src`, with forward slashes: no tests, no folders. */
const files = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .map((file) => `src/${file.replaceAll('\\', '/')}`)
  .filter((file) => /\.(ts|svelte)$/.test(file));
const product = files.filter((file) => !/\.(test|testing|oracle|bench)(\.gpu)?\.ts$|\.test\.ts$/.test(file));

/** What a file imports, statically or not, `import type` included. */
function importsOf(file: string): string[] {
  const text = readFileSync(path.join(root, file), 'utf8');
  const scripts = file.endsWith('.svelte')
    ? [...text.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map((match) => match[1] ?? '')
    : [text];
  return scripts.flatMap((script) =>
    ts.preProcessFile(script, true, true).importedFiles.map(({ fileName }) => fileName),
  );
}

/** A relative import as a path from the root, its query cut off; null for a package. */
function targetOf(file: string, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null;
  return path.posix.join(path.posix.dirname(file), specifier.replace(/\?.*$/, ''));
}

describe('architecture', () => {
  it('every file belongs to a layer', () => {
    expect(product.filter((file) => layerOf(file) === null)).toEqual([]);
  });

  it('imports point down the layers', () => {
    const wrong = product.flatMap((file) => {
      const layer = layerOf(file);
      return importsOf(file).flatMap((specifier) => {
        const target = targetOf(file, specifier);
        if (layer === null || target === null) return [];
        const other = layerOf(target);
        if (other === layer) return [];
        const rules = LAYERS[layer];
        return other !== null && rules?.mayImport.includes(other)
          ? []
          : [`${file} imports ${specifier}: ${rules?.why}`];
      });
    });
    expect(wrong).toEqual([]);
  });

  it('a package is imported only where it belongs', () => {
    const wrong = product.flatMap((file) =>
      importsOf(file).flatMap((specifier) => {
        const owner = Object.entries(PACKAGES).find(([name]) =>
          name.endsWith('/') ? specifier.startsWith(name) : specifier === name || specifier.startsWith(`${name}/`),
        );
        if (!owner || owner[1].layers.includes(layerOf(file) ?? '')) return [];
        return [`${file} imports ${specifier}: ${owner[1].why}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('only gpu and ops name a shader', () => {
    const naming = product.filter((file) => importsOf(file).some((specifier) => /\.wgsl(\?|$)/.test(specifier)));
    expect(naming.filter((file) => !['gpu', 'ops'].includes(layerOf(file) ?? ''))).toEqual([]);
  });

  it('what may import what has no circle', () => {
    const reaches = (from: string, seen: Set<string>): Set<string> => {
      for (const next of LAYERS[from]?.mayImport ?? []) if (!seen.has(next)) reaches(next, seen.add(next));
      return seen;
    };
    expect(Object.keys(LAYERS).filter((layer) => reaches(layer, new Set()).has(layer))).toEqual([]);
  });

  it('no file is called after nothing in particular', () => {
    const vague = /(^|\/)(utils?|helpers?|common|misc|manager|stuff)\.(svelte\.)?ts$/i;
    expect(files.filter((file) => vague.test(file))).toEqual([]);
  });

  it('every file has its line in src/README.md, and every line its file', () => {
    const map = existsSync(path.join(root, 'src/README.md'))
      ? readFileSync(path.join(root, 'src/README.md'), 'utf8')
      : '';
    expect(product.filter((file) => !map.includes(`\`${file.slice('src/'.length)}\``))).toEqual([]);
    const named = [...map.matchAll(/`([\w./-]+\.(?:ts|svelte))`/g)].map((match) => match[1] ?? '');
    expect(
      named.filter((file) => !existsSync(path.join(root, 'src', file)) && !existsSync(path.join(root, file))),
    ).toEqual([]);
  });
});

describe('the type check', { timeout: 120_000 }, () => {
  const compiler = path.join(
    path.dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
    'bin/tsc',
  );

  /** What the compiler says about one more file on the given side. */
  function check(side: string, source: string): string {
    const folder = mkdtempSync(path.join(root, 'node_modules/.planted-'));
    try {
      writeFileSync(path.join(folder, 'planted.ts'), source);
      const config = { extends: path.join(root, side), include: [path.join(folder, 'planted.ts')], exclude: [] };
      writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(config));
      execFileSync(process.execPath, [compiler, '-p', folder], { cwd: root, encoding: 'utf8' });
      return '';
    } catch (error) {
      return error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  it.each(['tsconfig.json', 'tsconfig.worker.json', 'tsconfig.node.json'])('catches a planted error in %s', (side) => {
    expect(check(side, `export const rank: number = 1;\n`)).toBe('');
    expect(check(side, `export const rank: number = 'first';\n`)).toMatch(/planted\.ts.*error TS2322/);
    expect(check(side, `export const first: string = ['a'][0];\n`)).toMatch(/error TS2322.*undefined/);
  });

  it('does not let the worker touch the page', () => {
    const source = 'export const title = document.title;\n';
    expect(check('tsconfig.worker.json', source)).toMatch(/error TS2584.*'document'/);
    expect(check('tsconfig.json', source)).toBe('');
  });
});
