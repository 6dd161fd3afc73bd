/**
 * The life of a command that opens servers and browsers: however it ends, by its result, an error or Ctrl+C, what it
 * opened is closed, last first, and the exit code says how it went: 0 done, 1 failed, 2 an argument cannot be used, 130
 * and 143 stopped.
 */

/** What has to be undone. */
const cleanups = [];
let ending = null;

/** @param {() => unknown} cleanup called when the command ends, however it does */
export function atTheEnd(cleanup) {
  cleanups.push(cleanup);
}

/**
 * Runs a command to its end, and ends the process.
 * @template Options
 * @param {{ options: Options | null, problem: string }} read what came of its arguments
 * @param {string} usage printed for `--help`
 * @param {(options: Options) => Promise<number>} run gives the exit code
 */
export async function runCommand({ options, problem }, usage, run) {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ]) {
    process.on(signal, () => {
      console.error('\nStopped.');
      void end(code);
    });
  }
  if (problem) {
    console.error(problem);
    await end(2);
  } else if (options.help) {
    console.log(usage);
    await end(0);
  } else {
    try {
      await end(await run(options));
    } catch (error) {
      // Whoever ends the command closes the browser under the code that was talking to it.
      if (!ending) console.error(`\n${error.message}`);
      await end(1);
    }
  }
}

/** Closes what was opened, then ends the process; once, however many ask. */
function end(code) {
  ending ??= (async () => {
    for (const cleanup of cleanups.reverse()) await (async () => cleanup())().catch(() => undefined);
    process.exit(code);
  })();
  return ending;
}
