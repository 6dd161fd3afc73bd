/**
 * Lets the worker read its messages. On WASM every awaited value is there at once, so a training loop would otherwise
 * run from start to end without hearing "pause". A message channel has no minimum delay, as a timer has.
 */
export function nextMacrotask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
