/** The ladder on the terminal: what is drawn of an act, read from the characters. */
import { Chalk } from 'chalk';
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { seenAt, sameOnTheWay } from '../../../lab/checks/wire.ts';
import { journeysOf } from '../../../lab/ladder/journey.ts';
import { networkOf } from '../../../lab/ladder/network.ts';
import { singleRows } from '../../../lab/ladder/rows.ts';
import type { MessageRow, SingleRow } from '../../../lab/ladder/rows.ts';
import { ladder } from '../../../lab/report/ladder/ladder.ts';
import { Crowd, together } from '../../../lab/report/ladder/told.ts';
import { Teacher, lessons } from '../../../lab/report/teacher.ts';
import type { ActResult } from '../../../lab/run.ts';
import type { Happening } from '../../../src/core/events.ts';
import { seconds } from '../../../src/core/time.ts';
import { TraceLog } from '../../../src/trace/trace.ts';
import { bare, drawn, ikeMessagesIn, ikeMessagesSent } from '../../support/ladder.ts';
import { play } from '../../support/lessons.ts';

async function act(lesson: string, id: string, set: readonly string[] = []): Promise<ActResult> {
  const { acts } = await play(lesson, { set });
  return acts.find((one) => one.act.id === id)!;
}

const text = (lines: readonly string[]): string => `\n${lines.join('\n')}\n`;

describe('drawn', () => {
  test('a client whom its gateway does not answer: ports on each side of the box, what becomes of them, what is sent again, the table', async () => {
    expect(text(drawn(await act('ike-port-fixed', 'translated'), 80))).toBe(`
           alice                             box                         gateway
       192.168.1.10               192.168.1.1 · 203.0.113.1          203.0.113.2
             │                                │                               │
    0.000 s ══ alice begins, from port 500    │                               │
    0.000 s  │ IKE_SA_INIT request 0: HDR, SAi1, KEi, Ni,                     │
             │ N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP),   │
             │ N(IKEV2_FRAGMENTATION_SUPPORTED)                               │
             │ 500 ─────────────────────► 500 │ 57152 ──────────────────✗ 500 │
             │                                ├ box maps UDP 192.168.1.10:500 │
             │                                │ ⇄ 203.0.113.1:57152 (500      │
             │                                │ became 57152) for             │
             │                                │ 203.0.113.2:500; if nothing   │
             │                                │ refreshes it, it lives 1 min  │
             │    gateway drops a packet (ike): IKE from port 57152, and only ┤
             │    port 500 is answered [ike-source-port]                      │
    1.000 s  │ IKE_SA_INIT request 0, retransmissions 1 to 3: at 1.000 s,     │
             │ 2.500 s, 4.750 s               │                               │
             │ 500 ─────────────────────► 500 │ 57152 ──────────────────✗ 500 │
             │                       gateway drops it again [ike-source-port] ┤
    8.125 s  ├ gateway.example has not answered alice.example's IKE_SA_INIT   │
             │ request in 4 transmissions: no IKE SA comes about. Nothing has │
             │ come back at all: UDP port 500 is blocked on the way, or       │
             │ nobody is at 203.0.113.2.      │                               │
    8.125 s  │ the table of box: 1 mapping    │                               │
             │  udp 192.168.1.10:500 ⇄ 203.0.113.1:57152 ↔ 203.0.113.2:500    │
             │    unreplied, 57 s left        │                               │
`);
  });

  test('the same story where there are no more than 40 columns: times stand in front of the text', async () => {
    expect(text(drawn(await act('udp-blocked', 'silent'), 40))).toBe(`
alice              box           gateway
               203.0.113.1
 │                  │                 │
══ 0.000 s  The client begins, and    │
   waits            │                 │
 0.000 s  IKE_SA_INIT request 0: HDR, │
 SAi1, KEi, Ni,     │                 │
 N(NAT_DETECTION_SOURCE_IP),          │
 N(NAT_DETECTION_DESTINATION_IP),     │
 N(IKEV2_FRAGMENTATION_SUPPORTED)     │
 │ 500 ───────✗ 500 │                 │
 box drops a packet (nat): box lets   │
 nothing out to UDP port 500          │
 [nat-port-blocked] │                 │
 4.000 s  IKE_SA_INIT request 0,      │
 retransmissions 1 to 5: at 4.000 s,  │
 11.200 s, 24.160 s, 47.488 s,        │
 1:29.478           │                 │
 │ 500 ───────✗ 500 │                 │
 box drops it again │                 │
 [nat-port-blocked] │                 │
 ├ 2:45.061  gateway.example has not  │
 │ answered alice.example's           │
 │ IKE_SA_INIT request in 6           │
 │ transmissions: no IKE SA comes     │
 │ about. Nothing has come back at    │
 │ all: UDP port 500 is blocked on    │
 │ the way, or nobody is at           │
 │ 203.0.113.2.     │                 │
`);
  });

  test('a day of silence, in a dozen lines', async () => {
    const lines = drawn(await act('keepalive', 'cure', ['minutes=1440']), 100);
    expect(text(lines.slice(lines.findIndex((line) => line.includes('24 h pass')) - 1))).toBe(`
             │                                          │                                         │
    0.068 s ══ 24 h pass, and nobody has anything to say                                          │
   21.000 s  │ keepalive: one octet 0xFF, refreshes 192.168.1.10:4500 ⇄ 203.0.113.1:4500 at       │
             │ box                                      │                                         │
             │ 4500 ─────────────────────────────► 4500 │ 4500 ────────────────────────────► 4500 │
   30.021 s  │                                          ├ box forgets UDP 192.168.1.10:500 ⇄      │
             │                                          │ 203.0.113.1:500 for 203.0.113.2:500:    │
             │                                          │ nothing refreshed it for 30 s, and what │
             │                                          │ now comes to 203.0.113.1:500 finds no   │
             │                                          │ way in                                  │
   41.000 s  │ keepalive × 4318, every 20 s, until 23:59:41: one octet 0xFF, refreshes            │
             │ 192.168.1.10:4500 ⇄ 203.0.113.1:4500 at box                                        │
             │ 4500 ─────────────────────────────► 4500 │ 4500 ────────────────────────────► 4500 │
   24:00:00  │ the table of box: 1 mapping              │                                         │
             │  udp 192.168.1.10:4500 ⇄ 203.0.113.1:4500 ↔ 203.0.113.2:4500  replied, 11 s left   │
   24:00:00  │            ESP in UDP: SPI 0xba02b554, sequence 2: 10.99.0.1 > 10.98.0.1 ICMP echo │
             │            request id 58858 seq 1        │                                         │
             │ 4500 ◄───────────────────────────── 4500 │ 4500 ◄──────────────────────────── 4500 │
   24:00:00  │ ESP in UDP: SPI 0x9e643c36, sequence 2: 10.98.0.1 > 10.99.0.1 ICMP echo            │
             │ reply id 58858 seq 1                     │                                         │
             │ 4500 ─────────────────────────────► 4500 │ 4500 ────────────────────────────► 4500 │
             │               ping "gateway to client, much later": 10.98.0.1 answered after 22 ms ┤
`);
  });
});

describe('ports before and after translation', () => {
  /** Of every packet that went through the box, and which way: its port inside and its port outside. */
  const translations = ({ trace }: ActResult): ReadonlySet<string> => {
    const [inside, outside] = (['eth0', 'eth1'] as const).map((name) => seenAt(trace, { node: 'box', interface: name }).filter(({ content }) => content.kind !== 'other'));
    return new Set(outside!.flatMap((out) => inside!.filter((one) => sameOnTheWay(one, out) && one.event.body.direction !== out.event.body.direction).map((one) => (out.event.body.direction === 'out' ? `${one.from.port} ► ${out.from.port}` : `${one.to.port} ◄ ${out.to.port}`))));
  };
  /** The same from the drawing: what stands left of the box is inside, what stands right of it outside. */
  const drawnTranslations = (lines: readonly string[]): ReadonlySet<string> =>
    new Set(lines.flatMap((line) => {
      const stretches = line.split('│').filter((part) => /[►◄]/.test(part)).map((part) => part.replace(/[\d.]+:/g, '').match(/\d+/g)!);
      return stretches.length === 2 ? [`${stretches[0]![0]} ${line.includes('►') ? '►' : '◄'} ${stretches[1]![0]}`] : [];
    }));

  test.each([['multi-client', 'together', 80], ['multi-client', 'together', 200], ['passthrough', 'with-nat-t', 80], ['port-float', 'float', 80]] as const)('are those that the wire shows: %s/%s at %i', async (lesson, id, width) => {
    const played = await act(lesson, id);
    const wire = translations(played);
    expect(wire.size).toBeGreaterThan(1);
    expect(drawnTranslations(drawn(played, width))).toEqual(wire);
  });

  test('give way to each other where there is no room: the sender\'s stays longest', async () => {
    const lines = drawn(await act('carrier', 'twice'), 40).filter((line) => /[►◄]/.test(line));
    expect(lines.length).toBeGreaterThan(4);
    for (const line of lines) expect(line).toMatch(/\d[ ─]*─+►|◄─+[ ─]*\d/);
  });
});

describe('many clients', () => {
  test('the first have columns, the others are counted, and nothing that they said is left out', async () => {
    const played = await act('multi-client', 'together', ['clients=20']);
    const lines = drawn(played, 100);
    expect(lines[0]!.trim().split(/ +/)).toEqual(['client1', 'client2', 'client3', 'box', 'gateway']);
    expect(lines.join('\n')).toContain('17 more clients: IKE_SA_INIT request × 17');
    expect(ikeMessagesIn(lines)).toBe(ikeMessagesSent(played));
    expect(lines.length).toBeLessThan(drawn(await act('multi-client', 'together'), 100).length + 20);
  });

  test('boxes that serve none of those who are shown have no column either', async () => {
    const [wide] = drawn(await act('carrier', 'runs-out'), 120);
    const [narrow] = drawn(await act('carrier', 'runs-out'), 40);
    expect(wide!.trim().split(/ +/)).toEqual(['alice', 'anna', 'bob', 'box-a', 'box-b', 'carrier', 'gateway']);
    expect(narrow!.trim().split(/ +/)).toEqual(['alice', 'box-a', 'carrier', 'gateway']);
  });
});

describe('told together', () => {
  const rowsOf = ({ topology, trace }: ActResult): readonly SingleRow[] => singleRows(trace, journeysOf(trace, networkOf(topology, {}).nodes));

  test('is what was sent again with the same fate, and nothing else', async () => {
    const again = rowsOf(await act('ike-port-fixed', 'translated')).filter((row) => row.kind === 'message' && row.journey.message!.body.retransmission > 0) as MessageRow[];
    expect(together(again).map(({ kind }) => kind)).toEqual(['repeated']);
    const [first, second, third] = again as [MessageRow, MessageRow, MessageRow];
    const passed = { ...third, journey: { ...third.journey, led: [] } };
    expect(together([first, second, passed]).map(({ kind }) => kind)).toEqual(['repeated', 'message']);
  });

  test('is all that is about clients without a column, even what never reached them', async () => {
    const played = await act('multi-client', 'together', ['clients=20']);
    const crowd = new Crowd(played.trace, networkOf(played.topology, {}), new Set(['client20']));
    const answer = rowsOf(played).find((row): row is MessageRow => row.kind === 'message' && row.journey.message?.body.exchange === 'IKE_AUTH' && row.journey.sightings.at(-1)!.node === 'client20')!;
    const lost = { ...answer, journey: { ...answer.journey, sightings: answer.journey.sightings.slice(0, 2) } };
    expect(lost.journey.sightings.map(({ node }) => node)).toEqual(['gateway', 'box']);
    expect([crowd.has(answer), crowd.has(lost)]).toEqual([true, true]);
    expect(rowsOf(played).filter((row) => crowd.has(row)).length).toBeLessThan(rowsOf(played).length / 10);
  });
});

test('what a kernel does not say is seen all the same: a packet that goes into a box and does not come out', async () => {
  const { topology, trace } = await act('udp-blocked', 'silent');
  const silent = new TraceLog(trace.events[0]!.seq);
  const nothing = { layer: 'scenario', body: { kind: 'wait', for: 'nothing', within: seconds(1), outcome: 'met' } } as const;
  for (const { at, node, layer, body, cause } of trace.events) silent.record(at, node, body.kind === 'drop' ? nothing : ({ layer, body } as Happening), cause);
  const lines = ladder(silent, networkOf(topology, {}), { theme: bare, width: 80 });
  expect(lines.filter((line) => line.includes('✗'))).toHaveLength(2);
  expect(lines.join('\n')).toContain('├ box does not pass it on');
});

describe('a message in pieces', () => {
  test('that IKE made: each says which it is, the first what it is part of', async () => {
    const lines = drawn(await act('identity', 'certificate'), 120);
    const pieces = lines.flatMap((line) => line.match(/main request 0, piece .*?(?= *│)/) ?? []);
    expect(pieces).toEqual(['main request 0, piece 1 of 3: HDR*, IDii, CERT, SIG_I, N(INITIAL_CONTACT),', 'main request 0, piece 2 of 3', 'main request 0, piece 3 of 3']);
  });

  test('that IP made: the last has no ports, for only the first has', async () => {
    const lines = drawn(await act('fragments', 'followed'), 80);
    const last = lines.findIndex((line) => line.includes('IKE_AUTH request 1, last piece'));
    expect(lines.slice(last).find((line) => line.includes('►'))).toMatch(/│ 192\.168\.1\.10 ─+► 203\.0\.113\.2 │ 203\.0\.113\.1 ─+► 203\.0\.113\.2 │$/);
  });
});

test('colours change no character and no width', async () => {
  const { topology, trace } = await act('ike-port-fixed', 'translated');
  const chalk = new Chalk({ level: 1 });
  const painted = ladder(trace, networkOf(topology, {}), { width: 80, theme: { strong: chalk.bold, faint: chalk.dim, good: chalk.green, bad: chalk.red, doubt: chalk.yellow, node: chalk.cyan } });
  const plain = ladder(trace, networkOf(topology, {}), { width: 80, theme: bare });
  expect(painted.map((line) => stringWidth(line))).toEqual(plain.map((line) => stringWidth(line)));
   
  expect(painted.map((line) => line.replace(/\u001b\[\d+m/g, '').trimEnd())).toEqual(plain);
  expect(painted.join('')).toContain(chalk.yellow(' 57152 '));
});

test('a teacher stands beside it: each thing once, the messages each time', async () => {
  const told = drawn(await act('keepalive', 'control'), 100, new Teacher()).join(' ').replace(/[│├┤]/g, ' ').replace(/ +/g, ' ');
  for (const kind of ['nat-detection', 'mapping-created', 'mapping-expired'] as const) expect(told.split(`${lessons[kind].says} (${lessons[kind].ref})”`), kind).toHaveLength(2);
  expect(told).toContain('“alice.example proposes an IKE SA');
});

test('a keepalive says which mapping it keeps', async () => {
  expect(drawn(await act('keepalive', 'cure'), 80).join('\n')).toMatch(/│ keepalive: one octet 0xFF, refreshes 192\.168\.1\.10:4500 ⇄ +│\n +│ 203\.0\.113\.1:4500 at box/);
});
