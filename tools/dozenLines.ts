/** The README's dozen lines: a model learns to be brief. `node tools/run.mjs tools/dozenLines.ts` */
import { readFileSync } from 'node:fs';
import { compare, learnReward, loadModel, say, startDevice, tune, type LanguageModel } from '../src/rlhf';

export async function main(): Promise<Record<'sft' | 'policy', LanguageModel>> {
  const file = (name: string) => readFileSync(`public/models/nano/${name}`);
  const text = (name: string) => file(name).toString();

  await startDevice('wasm');
  const weights = Uint8Array.from(file('sft.safetensors')).buffer;
  const sft = loadModel({ config: text('config.json'), tokenizer: text('tokenizer.json'), weights });
  const prompts = ['Hello!', 'Where does Ida live?', 'What is 3 + 4?', 'Tell me a story.', 'Who has a boat?'];
  const brief = (_prompt: string, reply: string) => -reply.length;
  const rankings = await compare(sft, [...prompts, ...prompts, ...prompts], brief);
  const rewardModel = await learnReward(sft, rankings);
  const policy = await tune(sft, prompts, rewardModel, { settings: { updates: 8, batchSize: 40 } });
  for (const prompt of prompts) console.log(await say(sft, prompt), '→', await say(policy, prompt));

  return { sft, policy };
}
