import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { throttled } from './frames';

describe('throttled work', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is done at most once in its time, and the last request is always served', () => {
    const work = vi.fn();
    const ask = throttled(work, 100);
    for (let i = 0; i < 5; i++) ask();
    expect(work).not.toHaveBeenCalled();
    vi.advanceTimersByTime(0);
    expect(work).toHaveBeenCalledTimes(1);
    ask();
    vi.advanceTimersByTime(99);
    expect(work).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1);
    expect(work).toHaveBeenCalledTimes(2);
  });

  it('that waits is done at once when it is flushed, and not a second time', () => {
    const work = vi.fn();
    const ask = throttled(work, 100);
    ask();
    ask.flush();
    expect(work).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1000);
    ask.flush();
    expect(work).toHaveBeenCalledTimes(1);
  });
});
