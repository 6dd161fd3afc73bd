/**
 * Builds the site and serves it: `npm start`, at http://127.0.0.1:4173 or another `PORT`.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, preview } from 'vite';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const port = Number(process.env.PORT ?? 4173);
if (!Number.isInteger(port) || port < 0 || port > 65535) {
  console.error(`PORT is "${process.env.PORT}", expected a whole number from 0 to 65535.`);
  process.exit(1);
}

await build({ root, logLevel: 'warn' });
try {
  const server = await preview({ root, preview: { host: '127.0.0.1', port, strictPort: true }, logLevel: 'warn' });
  const address = server.httpServer.address();
  console.log(`Nudge runs at http://127.0.0.1:${address.port} (Ctrl+C ends it)`);
} catch (error) {
  console.error(
    /already in use/.test(error.message)
      ? `Port ${port} is taken. End what uses it, or choose another: PORT=4174 npm start`
      : error.message,
  );
  process.exit(1);
}
