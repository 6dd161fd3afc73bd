/** Which pipelines a rehearsal asked for: while one is on, kernels are noted here and not run. */
import { keyOf, type PipelineRequest } from './pipeline';

let requests: Map<string, PipelineRequest> | null = null;

export const rehearsing = (): boolean => requests !== null;

/** Notes a kernel's pipeline where a rehearsal is on; false where the kernel is to be run. */
export function noted(request: PipelineRequest): boolean {
  requests?.set(keyOf(request), request);
  return requests !== null;
}

/** What `body` would need to run, each once, in the order in which it first asked. */
export function requestsOf(body: () => void): PipelineRequest[] {
  const collected = new Map<string, PipelineRequest>();
  requests = collected;
  try {
    body();
  } finally {
    requests = null;
  }
  return [...collected.values()];
}
