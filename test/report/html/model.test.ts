/** What the page makes of a trace: packets on their way, rows of the ladder, tables and SAs at a moment. */
import { beforeAll, describe, expect, test } from 'vitest';
import { describeEndpoint } from '../../../src/core/address.ts';
import type { TraceEvent } from '../../../src/trace/events.ts';
import type { ReportDocument } from '../../../lab/report/html/document.ts';
import { actModel } from '../../../lab/report/html/model/act.ts';
import type { ActModel } from '../../../lab/report/html/model/act.ts';
import { aligned } from '../../../lab/report/html/model/compare.ts';
import { draw } from '../../../lab/report/html/model/drawing.ts';
import type { Journey } from '../../../lab/ladder/journey.ts';
import { everything, rowAt, shownRows } from '../../../lab/report/html/model/ladder.ts';
import type { Row } from '../../../lab/ladder/rows.ts';
import { databasesAt, pfkeyOf } from '../../../lab/report/html/model/security.ts';
import { actOf, asRead, reported } from './runs.ts';

const modelOf = (report: ReportDocument, id: string): ActModel => actModel('0/0', report.lessons[0]!, actOf(report, id));

let passthrough: ReportDocument;
let keepalive: ReportDocument;
beforeAll(async () => {
  [passthrough, keepalive] = [asRead(await reported('passthrough')), asRead(await reported('keepalive'))];
});

function withoutCause(event: TraceEvent): TraceEvent {
  const copy = { ...event };
  delete (copy as { cause?: number }).cause;
  return copy;
}

/** The kernel tells of a mapping after its first packet has left. */
function later(events: readonly TraceEvent[]): readonly TraceEvent[] {
  const told = events.map((event) => (event.body.kind === 'mapping-created' ? { ...event, at: (event.at + 25) as typeof event.at } : event)).sort((one, other) => one.at - other.at);
  const numbers = new Map(told.map(({ seq }, i) => [seq, i]));
  return told.map((event, i) => ({ ...event, seq: i, ...(event.cause !== undefined && { cause: numbers.get(event.cause)! }) }));
}

const places = ({ sightings }: Journey): string => sightings.map(({ node, body }) => `${body.direction} ${node}`).join(', ');

describe('journeys', () => {
  test('a packet through a box is one journey, with the ports on each side', () => {
    const { journeys } = modelOf(passthrough, 'with-nat-t');
    const [first] = journeys.all;
    expect(places(first!)).toBe('out client1, in box, out box, in gateway');
    const ends = first!.sightings.map((one) => journeys.seen(one)!).map(({ from, to }) => `${describeEndpoint(from)} > ${describeEndpoint(to)}`);
    expect(ends).toEqual(['192.168.1.10:500 > 203.0.113.2:500', '192.168.1.10:500 > 203.0.113.2:500', '203.0.113.1:500 > 203.0.113.2:500', '203.0.113.1:500 > 203.0.113.2:500']);
    expect(first!.message?.body.exchange).toBe('IKE_SA_INIT');
    expect(first!.led.some(({ body }) => body.kind === 'mapping-created')).toBe(true);
  });

  test('every IKE packet knows the message that it is, and every ESP packet what it carries', () => {
    for (const { family, message, inner, sightings } of modelOf(passthrough, 'with-nat-t').journeys.all) {
      if (family === 'ike') expect([sightings[0]!.seq, message?.body.direction]).toEqual([sightings[0]!.seq, 'sent']);
      if (family === 'esp') expect(inner?.body.direction).toBe('protected');
    }
  });

  test('where a backend knows no causes, the octets tell the same', () => {
    for (const id of ['without-nat-t', 'with-nat-t', 'stolen']) {
      const act = actOf(passthrough, id);
      const silent = actModel('0/0', passthrough.lessons[0]!, { ...act, events: act.events.map(withoutCause) });
      expect(silent.journeys.all.map(places)).toEqual(modelOf(passthrough, id).journeys.all.map(places));
    }
  });

  test.each(['passthrough', 'keepalive', 'nat-reboot', 'raw-esp'])('where a box does not say which packet made a mapping, it is found: %s', async (scenario) => {
    const { lessons: [lesson] } = asRead(await reported(scenario));
    for (const act of lesson!.acts) {
      const makers = (events: readonly TraceEvent[]): readonly (string | undefined)[] => {
        const { trace, journeys } = actModel('0/0', lesson!, { ...act, events });
        return trace.of('mapping-created').filter(({ body: { mapping } }) => mapping.protocol !== 'icmp').map(({ seq, body }) => `${body.story}: ${journeys.of(seq)?.sightings[0]!.at ?? 'nobody'}`);
      };
      const silent = act.events.map((event) => (event.body.kind.startsWith('mapping-') ? withoutCause(event) : event));
      expect(makers(silent)).toEqual(makers(act.events));
      expect(makers(later(silent))).toEqual(makers(act.events));
    }
  });

  test('and where it records neighbours out of order', () => {
    const act = actOf(passthrough, 'with-nat-t');
    const events = act.events.map(withoutCause);
    for (let i = 1; i < events.length; i++) {
      const [one, other] = [events[i - 1]!, events[i]!];
      if (one.body.kind === 'packet' && one.body.direction === 'out' && one.node === 'box' && other.body.kind === 'packet') [events[i - 1], events[i]] = [other, one];
    }
    const late = actModel('0/0', passthrough.lessons[0]!, { ...act, events: events.map((event, i) => ({ ...event, seq: act.events[0]!.seq + i })) });
    expect(late.journeys.all.map(places).toSorted()).toEqual(modelOf(passthrough, 'with-nat-t').journeys.all.map(places).toSorted());
  });

  test('a packet that a box drops ends there, and says why', () => {
    const lost = modelOf(passthrough, 'without-nat-t').journeys.all.filter(({ loss }) => loss !== undefined);
    expect(new Set(lost.map(places))).toEqual(new Set(['out client2, in box']));
    expect(lost[0]!.loss!.body).toMatchObject({ kind: 'drop', reason: 'nat-pinned-port-taken' });
  });
});

describe('the ladder', () => {
  test('keepalives are folded, and unfolded on demand', () => {
    const { rows } = modelOf(keepalive, 'cure');
    const fold = rows.find((row): row is Extract<Row, { kind: 'fold' }> => row.kind === 'fold')!;
    expect(fold).toMatchObject({ family: 'keepalive' });
    const closed = shownRows(rows, everything);
    const opened = shownRows(rows, { ...everything, open: new Set([fold.first]) });
    expect(opened.length - closed.length).toBe(fold.rows.length);
    expect(opened.filter(({ inFold }) => inFold)).toHaveLength(fold.rows.length);
  });

  test('filters leave the story, and drops alone are found', () => {
    const { rows } = modelOf(passthrough, 'without-nat-t');
    const drops = shownRows(rows, { ...everything, dropsOnly: true });
    expect(new Set(drops.map(({ row }) => row.kind))).toEqual(new Set(['step', 'message']));
    expect(drops.every(({ row }) => row.kind === 'step' || (row.kind === 'message' && row.journey.loss !== undefined))).toBe(true);
    expect(shownRows(rows, { ...everything, families: new Set() }).every(({ row }) => row.kind === 'step' || row.kind === 'note')).toBe(true);
  });

  test('whatever a check cites has its row', () => {
    for (const id of ['without-nat-t', 'with-nat-t', 'stolen']) {
      const model = modelOf(passthrough, id);
      const shown = shownRows(model.rows, everything);
      const cited = model.act.checks.flatMap(({ evidence }) => evidence);
      expect(cited.length).toBeGreaterThan(2);
      for (const seq of cited) {
        const { row } = shown[rowAt(shown, seq, model.journeys)]!;
        const journey = model.journeys.of(seq);
        if (journey !== undefined) expect(row.kind === 'fold' ? row.rows.map((one) => one.journey) : row.kind === 'message' ? [row.journey] : []).toContain(journey);
      }
    }
  });

  test('every event with something to say is told once', () => {
    const { rows, trace } = modelOf(keepalive, 'control');
    const told = rows.flatMap((row) => (row.kind === 'message' ? row.journey.led : row.kind === 'note' || row.kind === 'step' ? [row.event] : [])).map(({ seq }) => seq);
    expect(new Set(told).size).toBe(told.length);
    for (const { seq } of [...trace.of('mapping-created'), ...trace.of('mapping-expired'), ...trace.of('ping-answered'), ...trace.of('step')]) expect(told).toContain(seq);
  });
});

describe('at a moment', () => {
  test('the NAT table holds what was made and has not gone', () => {
    const { tables, trace } = modelOf(keepalive, 'control');
    const [, second] = trace.of('mapping-created');
    const [firstGone, secondGone] = trace.of('mapping-expired');
    const count = (seq: number): number => tables.at(seq, trace.events[seq]!.at).length;
    expect([0, second!.seq - 1, second!.seq, firstGone!.seq, secondGone!.seq].map(count)).toEqual([0, 1, 2, 1, 0]);
    expect(tables.at(second!.seq, firstGone!.at - 1).map(({ used }) => used! > 0)).toEqual([true, true]);
  });

  test('an endpoint holds the SAs that setkey shows at the end', () => {
    const { trace, act } = modelOf(keepalive, 'cure');
    const said = pfkeyOf(trace, act.network.nodes.find(({ name }) => name === 'alice')!);
    const end = trace.events.at(-1)!.seq;
    const { sad, spd } = databasesAt(said, end);
    expect(databasesAt(said, act.events[0]!.seq).sad).toEqual([]);
    expect(new Set(sad.map(({ spi }) => spi))).toEqual(new Set(trace.of('esp-keys', 'alice').map(({ body }) => body.spi)));
    expect(sad.map(({ from, to, inUdp }) => [from, to, inUdp])).toContainEqual(['192.168.1.10:4500', '203.0.113.2:4500', true]);
    expect(spd.map(({ direction, selector }) => `${direction} ${selector}`).toSorted()).toEqual(['in 10.99.0.0/24 → 10.98.0.1', 'out 10.98.0.1 → 10.99.0.0/24']);
  });
});

describe('the drawing', () => {
  test('clients stand on the left, the gateway right of the box, and nothing overlaps', async () => {
    for (const width of [370, 800, 1360]) {
      for (const report of [passthrough, asRead(await reported('multi-client', { values: { clients: 20 } }))]) {
        const { nodes, segments } = draw(report.lessons[0]!.acts[0]!.network, width);
        const x = (name: string): number => nodes.find((drawn) => drawn.nodes.some((node) => node.name === name))!.x;
        expect(x('client1')).toBeLessThan(x('box'));
        expect(x('box')).toBeLessThan(x('gateway'));
        expect(nodes.length).toBeLessThan(8);
        for (const one of nodes) {
          expect(one.x - one.width / 2).toBeGreaterThanOrEqual(0);
          expect(one.x + one.width / 2).toBeLessThanOrEqual(width);
          for (const other of nodes) if (one !== other) expect(Math.abs(one.x - other.x) >= (one.width + other.width) / 2 || Math.abs(one.y - other.y) >= (one.height + other.height) / 2).toBe(true);
          for (const { x: bus } of segments) expect(Math.abs(bus - one.x)).toBeGreaterThan(one.width / 2);
        }
      }
    }
  });
});

test('two homes in one column of the drawing are both named', async () => {
  const { captions, segments } = draw(actOf(asRead(await reported('carrier')), 'twice').network, 1360);
  expect(captions.map(({ name, prefix }) => `${name} ${prefix}`)).toEqual(['home-a, home-b 192.168.1.0/24', 'access 100.64.0.0/16', 'internet 203.0.113.0/24', 'office 10.99.0.0/24']);
  expect(new Set(captions.map(({ x }) => x)).size).toBe(new Set(segments.map(({ x }) => x)).size);
});

describe('two acts side by side', () => {
  const step = (story: string, first: number): Row => ({ kind: 'step', first, last: first, at: 0, event: { body: { kind: 'step', story } } as Extract<Row, { kind: 'step' }>['event'] });
  const note = (text: string, first: number): Row => ({ kind: 'note', first, last: first, at: 0, text, event: {} as never });
  const told = (row: Row | undefined): string => (row === undefined ? '' : row.kind === 'step' ? row.event.body.story : row.kind === 'note' ? row.text : '?');

  test('steps that say the same stand beside each other, whatever is between them', () => {
    const left = [step('begin', 0), note('a', 1), note('b', 2), step('wait', 3), step('try', 4), note('c', 5)];
    const right = [step('begin', 0), note('x', 1), step('keep alive', 2), step('nudge', 3), step('try', 4)];
    expect(aligned(left, right).map(({ left: one, right: other }) => `${told(one)}|${told(other)}`)).toEqual(['begin|begin', 'a|x', 'b|', 'wait|keep alive', '|nudge', 'try|try', 'c|']);
  });

  test('nothing is lost', () => {
    const [one, other] = [modelOf(keepalive, 'control').rows, modelOf(keepalive, 'cure').rows];
    const pairs = aligned(one, other);
    expect(pairs.flatMap(({ left }) => left ?? [])).toEqual(one);
    expect(pairs.flatMap(({ right }) => right ?? [])).toEqual(other);
  });
});
