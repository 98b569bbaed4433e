import type { WorkerService } from '../worker/service.ts';
import { problems } from '../worker/problems.ts';
import { problemOf } from './problem-json.ts';
import type { ApiAnswer } from './route.ts';

/** Does something that changes the site, between two notes of it: that it begins, without which it is not done, and its end. */
export async function recorded(
  service: WorkerService,
  intent: Parameters<WorkerService['beginChange']>[0],
  run: () => Promise<ApiAnswer>,
): Promise<ApiAnswer> {
  const inHand = await service.beginChange(intent);
  let answer: ApiAnswer;
  try {
    answer = await run();
  } catch (error) {
    const { code } = problemOf(error);
    const { status } = problems[code];
    await inHand.end({ outcome: status < 500 ? 'refused' : 'failed', status, code });
    throw error;
  }
  await inHand.end({ outcome: 'done', status: answer.kind === 'empty' ? 204 : 200 });
  return answer;
}
