/**
 * Vite plugin that keeps tfjs's WebAssembly threads alive in a minified build.
 *
 * A thread is given the text of the function that tfjs's main thread runs (`toString`), without what stands around it.
 * That function asks `typeof _scriptDir`, a name from around it, so that a thread finds nothing; a minifier gives the name
 * another that is something else in the thread. A thread needs none, for it is told where its script lies, and neither
 * does the main thread here, whose files have addresses of their own: so nobody asks.
 */
const QUESTION = 'typeof _scriptDir !== "undefined" && _scriptDir';

/** @returns {import('vite').Plugin} */
export function threadedWasm() {
  return {
    name: 'nudge:threaded-wasm',
    apply: 'build',
    transform(code, id) {
      if (!/tfjs-backend-wasm-threaded-simd\.js(\?|$)/.test(id)) return null;
      if (!code.includes(QUESTION)) this.error(`Expected ${QUESTION} in ${id}: another version of tfjs?`);
      return { code: code.replace(QUESTION, 'false'), map: null };
    },
  };
}
