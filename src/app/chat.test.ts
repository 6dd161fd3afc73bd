import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DEFAULT_SETTINGS } from '../config';
import { Store } from '../store/store';
import { Seeds } from './blindOrder';
import { Chat } from './chat.svelte';
import { Labels } from './labels.svelte';
import { Notices } from './notices.svelte';
import { openSession } from './workerDouble';
import type { WorkerDouble } from './workerDouble';

const reply = (text: string) => ({ text, tokenIds: [1], finished: true, score: null, kl: null });

describe('the chat', () => {
  let store: Store;
  let worker: WorkerDouble;
  let newChat: () => Promise<Chat>;
  beforeEach(async () => {
    vi.stubGlobal('indexedDB', new IDBFactory());
    store = await Store.open();
    const opened = await openSession({
      'world.prompt': () => ({ history: [], text: 'Where is the boat?' }),
      'chat.reply': ({ k }) => ({
        replies: Array.from({ length: k }, (_, i) => reply(`Reply ${i}`)),
        droppedTurns: 0,
        truncated: false,
      }),
    });
    worker = opened.worker;
    newChat = async () => {
      const notices = new Notices();
      const labels = new Labels(store, notices);
      await labels.load();
      return new Chat(
        opened.session,
        labels,
        notices,
        new Seeds(1),
        () => DEFAULT_SETTINGS.chat,
        () => undefined,
      );
    };
  });
  afterEach(async () => {
    await store.close();
    vi.unstubAllGlobals();
  });

  const openings = (): boolean[] => worker.requests('world.prompt').map(({ opening }) => opening ?? false);

  it('begins with prompts that are easy to judge, whether they are ranked or skipped, and then takes any', async () => {
    const chat = await newChat();
    await chat.nextPrompt();
    for (let i = 0; i < 4; i++) await chat.skip();
    expect(openings()).toEqual([true, true, true, true, false]);
  });

  it('takes a prompt that ends a talk with the turns before it, and asks for replies to the whole', async () => {
    const talk = [
      { role: 'user', text: 'My name is Zac.' },
      { role: 'assistant', text: 'Hello Zac!' },
    ] as const;
    worker.answers['world.prompt'] = () => ({ history: [...talk], text: 'What is my name?' });
    const chat = await newChat();
    await chat.nextPrompt();
    const asked = [...talk, { role: 'user', text: 'What is my name?' }];
    expect(worker.requests('chat.reply')).toMatchObject([{ conversation: asked }]);
    chat.board.tap(0);
    worker.answers['world.prompt'] = () => ({ history: [], text: 'Where is the boat?' });
    await chat.next();
    expect((await store.rankings.list()).map(({ conversation }) => conversation)).toEqual([asked]);
    expect(chat.conversation).toEqual([{ role: 'user', text: 'Where is the boat?' }]);
  });

  it('does not begin again with those once something was ranked in an earlier visit', async () => {
    const first = await newChat();
    await first.nextPrompt();
    for (let i = 0; i < 4; i++) {
      first.board.tap(0);
      await first.next();
    }
    worker.asked.length = 0;
    await (await newChat()).nextPrompt();
    expect(openings()).toEqual([false]);
  });

  it('leaves what the person types while a prompt is on its way, and asks nothing in their place', async () => {
    const chat = await newChat();
    const offering = chat.nextPrompt();
    chat.message = 'My own words';
    await offering;
    expect(chat.message).toBe('My own words');
    expect(worker.requests('chat.reply')).toEqual([]);
    await chat.nextPrompt();
    expect(chat.message).toBe('Where is the boat?');
  });

  it('keeps what is typed while the turn before it is kept, and sends it after that turn', async () => {
    const chat = await newChat();
    await chat.nextPrompt();
    chat.board.tap(0);
    const keeping = chat.keepTalking();
    chat.message = 'And who sails it?';
    await Promise.all([keeping, chat.send()]);
    expect(chat.history.map(({ text }) => text)).toEqual(['Where is the boat?', 'Reply 0']);
    expect(chat.asked).toBe('And who sails it?');
    expect(chat.message).toBe('And who sails it?');
    await chat.undo();
    expect(chat.lastStep).toBeNull(); // it was kept once
  });

  it('keeps thumbs alone as a ranking, up before none before down, and gives them back when that is undone', async () => {
    const chat = await newChat();
    await chat.nextPrompt();
    expect(chat.board.begun).toBe(false);
    chat.board.toggleThumb(2, 'up');
    chat.board.toggleThumb(1, 'down');
    chat.board.toggleThumb(0, 'up');
    chat.board.toggleThumb(0, 'up');
    await chat.next();
    expect(await store.rankings.list()).toMatchObject([
      { thumbs: [null, 'down', 'up', null], ranks: [2, 3, 1, 2], labeler: 'person', noneGood: false },
    ]);
    expect(chat.board.thumbs).toEqual([null, null, null, null]);
    await chat.undo();
    expect(await store.rankings.list()).toEqual([]);
    expect(chat.board.thumbs).toEqual([null, 'down', 'up', null]);
    chat.board.reset();
    expect(chat.board.begun).toBe(false);
  });

  it('gives replies with the very same words one thumb together', async () => {
    worker.answers['chat.reply'] = () => ({
      replies: ['Yes.', 'No.', 'Yes.', 'Ask Leo.'].map(reply),
      droppedTurns: 0,
      truncated: false,
    });
    const chat = await newChat();
    await chat.nextPrompt();
    chat.board.toggleThumb(2, 'down');
    expect(chat.board.thumbs).toEqual(['down', null, 'down', null]);
    chat.board.toggleThumb(0, 'up');
    expect(chat.board.thumbs).toEqual(['up', null, 'up', null]);
    chat.board.toggleThumb(2, 'up');
    expect(chat.board.thumbs).toEqual([null, null, null, null]);
  });

  it('keeps how strong preferences are of a complete ranking, and gives them back when that is undone', async () => {
    const chat = await newChat();
    await chat.nextPrompt();
    for (const each of [0, 1, 2, 3]) {
      chat.board.toggleGap(0);
      expect(chat.board.gaps).toBeUndefined();
      chat.board.give(each, each + 1);
    }
    chat.board.toggleGap(1);
    await chat.next();
    await chat.undo();
    expect(chat.board.gaps).toEqual([1, 2, 1]);
    chat.board.move(0, 1);
    await chat.next();
    const [kept] = await store.rankings.list();
    expect(kept).toMatchObject({ ranks: [2, 1, 3, 4], gaps: [1, 2, 1] });
    expect(kept).not.toHaveProperty('thumbs');
    chat.board.give(0, 1);
    chat.board.give(0, null);
    expect(chat.board.gaps).toBeUndefined();
  });

  it('asks for replies that differ, since they are to be ranked', async () => {
    const chat = await newChat();
    await chat.nextPrompt();
    expect(worker.requests('chat.reply')).toMatchObject([{ distinct: true }]);
    expect(chat.board.phase).toBe('ready');
  });
});
