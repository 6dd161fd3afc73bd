import { playwright } from '@vitest/browser-playwright';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { launchFlags, requireBrowser } from './tools/browser.mjs';
import { oracleAlias, oracleDirectory } from './tools/oracle.mjs';
import { simdKernels } from './tools/simdKernels.mjs';
import { TFJS_BUNDLED, TFJS_INLINE } from './tools/tfjsInNode.mjs';

const GPU_TESTS = 'src/**/*.gpu.test.ts';

// A browser is looked for only when kernel tests may run, so that unit tests need none.
const onlyUnit = process.argv.includes('--project=unit');
const executablePath = onlyUnit ? '' : await requireBrowser();

export default defineConfig({
  test: {
    projects: [
      {
        plugins: [svelte({ configFile: false }), simdKernels()],
        resolve: { alias: oracleAlias },
        test: {
          name: 'unit',
          environment: 'node',
          include: ['src/**/*.test.ts', 'tools/**/*.test.ts'],
          exclude: [GPU_TESTS, '**/node_modules/**'],
          testTimeout: 30_000,
          // As many as most machines have cores, at least; the default leaves one for watching, which nobody does.
          maxWorkers: 2,
          server: { deps: { inline: [TFJS_INLINE] } },
          // See tools/tfjsInNode.mjs for why tfjs is bundled before it runs in Node.
          deps: { optimizer: { ssr: { enabled: true, include: TFJS_BUNDLED } } },
        },
      },
      {
        plugins: [simdKernels()],
        resolve: { alias: oracleAlias },
        server: { fs: { allow: ['.', oracleDirectory] } },
        test: {
          name: 'gpu',
          include: [GPU_TESTS],
          setupFiles: ['tools/gpuTestSetup.ts'],
          testTimeout: 120_000,
          // One page at a time: there is one GPU, and a software one already uses every core.
          fileParallelism: false,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: { executablePath, args: launchFlags } }),
            instances: [{ browser: 'chromium' }],
          },
        },
        optimizeDeps: { include: [...TFJS_BUNDLED, '@tensorflow/tfjs-backend-wasm'] },
      },
    ],
  },
});
