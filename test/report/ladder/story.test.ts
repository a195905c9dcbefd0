/** The ladder that grows while an act is played on a real clock, and the one that somebody holds. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ladderStory } from '../../../lab/report/ladder/story.ts';
import type { LadderStoryOptions } from '../../../lab/report/ladder/story.ts';
import type { ActResult } from '../../../lab/run.ts';
import type { Happening } from '../../../src/core/events.ts';
import { TraceLog } from '../../../src/trace/trace.ts';
import { bare, drawn } from '../../support/ladder.ts';
import { play } from '../../support/lessons.ts';

afterEach(() => void vi.useRealTimers());

async function recorded(lesson: string, id: string): Promise<ActResult> {
  return (await play(lesson, { set: lesson === 'keepalive' ? ['minutes=3'] : [] })).acts.find(({ act }) => act.id === id)!;
}

/** What a terminal shows: lines are taken back by going up and erasing. */
class Screen {
  readonly lines: string[] = [];
  taken = 0;

  readonly write = (line: string): void => {
     
    const [whole, up] = /^\u001b\[(\d+)A\u001b\[J/.exec(line) ?? ['', '0'];
    this.taken += this.lines.splice(this.lines.length - Number(up)).length;
    this.lines.push(line.slice(whole.length));
  };
}

/** Plays it again on a real clock, each event at its time. */
async function replay({ topology, trace }: ActResult, options: Partial<LadderStoryOptions>, atStep: () => void = () => undefined): Promise<Screen> {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const screen = new Screen();
  const again = new TraceLog(trace.events[0]!.seq);
  const story = ladderStory({ theme: bare, width: 80, write: screen.write, clock: 'real', ...options })(topology, again);
  let now = 0;
  for (const { at, node, layer, body, cause } of trace.events) {
    if (at > now) await vi.advanceTimersByTimeAsync(at - now);
    now = Math.max(now, at);
    again.record(at, node, { layer, body } as Happening, cause);
    if (body.kind === 'step') atStep();
  }
  await story.finish();
  return screen;
}

describe('on a real clock', () => {
  test.each([['keepalive', 'cure'], ['udp-blocked', 'silent'], ['passthrough', 'with-nat-t'], ['fragments', 'first-only']] as const)('%s/%s is in the end what is drawn of it at once', async (lesson, id) => {
    const act = await recorded(lesson, id);
    const screen = await replay(act, { height: 60 });
    expect(screen.lines).toEqual([...drawn(act, 80), '']);
    expect(screen.taken).toBeGreaterThan(0);
  });

  test('a pipe is never taken anything back from, and says the same', async () => {
    const act = await recorded('udp-blocked', 'silent');
    const screen = await replay(act, {});
    expect(screen.taken).toBe(0);
    expect(screen.lines).toEqual([...drawn(act, 80), '']);
  });

  test('a message that is sent again is seen at once, and counted later', async () => {
    const act = await recorded('udp-blocked', 'silent');
    const seen: string[] = [];
    const screen = new Screen();
    await replay(act, { height: 60, write: (line) => { screen.write(line); seen.push(screen.lines.join('\n')); } });
    expect(seen.some((shown) => shown.includes('request 0, retransmission 1') && !shown.includes('retransmissions'))).toBe(true);
    expect(seen.some((shown) => shown.includes('retransmissions 1 to 2'))).toBe(true);
    expect(seen.at(-1)).toContain('retransmissions 1 to 5');
    expect(seen.at(-1)!.split('retransmission')).toHaveLength(2);
  });
});

describe('held', () => {
  test('it goes on to the next step only when it may, and the act does not wait for that', async () => {
    const act = await recorded('passthrough', 'with-nat-t');
    const held: string[] = [];
    const waiting: (() => void)[] = [];
    const screen = new Screen();
    let steps = 0;
    const done = replay(act, { write: screen.write, hold: () => new Promise((resolve) => { held.push(screen.lines.join('\n')); waiting.push(resolve); }) }, () => steps++);
    await vi.waitFor(() => expect(held).toHaveLength(1));
    expect(steps).toBe(2);
    expect(held[0]).toMatch(/══ client1 comes in *│[^\n]*$/);
    for (let i = 0; i < 3; i++) await vi.waitFor(() => { const next = waiting.shift(); expect(next).toBeDefined(); next!(); });
    await done;
    expect(held).toHaveLength(3);
    expect(held[1]).toContain('IKE_AUTH response 1');
    expect(held[1]!.split('\n').slice(-2).join(' ')).toContain('══ client2 tries');
    expect(screen.lines).toEqual([...drawn(act, 80), '']);
  });

  test('no more than a screen is shown at a time', async () => {
    const act = await recorded('multi-client', 'together');
    const screen = new Screen();
    const shown: number[] = [];
    let before = 0;
    await replay(act, { write: screen.write, height: 30, hold: () => { shown.push(screen.lines.length - before); before = screen.lines.length; return Promise.resolve(); } });
    expect(shown.length).toBeGreaterThan(8);
    expect(Math.max(...shown)).toBeLessThanOrEqual(28);
    expect(screen.lines).toEqual([...drawn(act, 80), '']);
  });
});
