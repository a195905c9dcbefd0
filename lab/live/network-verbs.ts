/** What is done to boxes, links and time. */
import { parseAddress } from '../../src/core/address.ts';
import type { NatControl } from '../../src/nat/behaviour.ts';
import { Problem } from '../problem.ts';
import { parseDuration } from '../topology/duration.ts';
import type { Session } from './session.ts';
import type { Verb } from './verb.ts';

const boxNames = ({ cast }: Session): string[] => cast.boxes.map(({ name }) => name);
const linkNames = ({ topology: { plan } }: Session): string[] => [...plan.segments, ...plan.nodes].map(({ name }) => name);

const control = (name: string, does: string, kind: Exclude<NatControl['kind'], 'change-address'>): Verb => ({
  name: `nat ${name}`,
  takes: '[BOX]',
  does,
  offers: [boxNames],
  run: (session, [box]) => session.lab.control(session.box(box).name, { kind }),
});

const link = (name: 'cut' | 'mend', state: 'up' | 'down', does: string): Verb => ({
  name,
  takes: 'SEGMENT|NODE',
  does,
  offers: [linkNames],
  run: async (session, [place]) => {
    const segment = session.segment(place!);
    await session.lab.link(segment, state);
    session.say(`The segment ${segment} is ${state}.`);
  },
});

export const networkVerbs: readonly Verb[] = [
  {
    name: 'nat table',
    takes: '[BOX]',
    does: 'shows the mappings of a box as of now',
    offers: [boxNames],
    run: async (session, [name]) => {
      const box = session.box(name).name;
      const mappings = await session.lab.mappings(box);
      session.trace.record(session.now, 'lab', { layer: 'scenario', body: { kind: 'table', box, mappings } });
    },
  },
  control('flush', 'has a box forget its mappings', 'flush'),
  control('reboot', 'reboots a box: it remembers nothing', 'reboot'),
  control('fill', 'fills a box\'s table with the flows of other hosts', 'fill'),
  {
    name: 'nat move',
    takes: 'ADDRESS [BOX]',
    does: 'gives a box another outside address',
    offers: [() => [], boxNames],
    run: (session, [text, box]) => {
      const address = parseAddress(text!);
      if (address === undefined) throw new Problem(`"${text!}" is no address; expected one of the box's outside network`);
      return session.lab.control(session.box(box).name, { kind: 'change-address', address });
    },
  },
  link('cut', 'down', 'cuts a segment, or the one by which a node is reached: a box\'s outside'),
  link('mend', 'up', 'mends what was cut'),
  {
    name: 'wait',
    takes: 'TIME…',
    does: 'lets the lab\'s time pass: 30s, 2min, 1h',
    run: async (session, words) => {
      const time = parseDuration(words.join(''));
      if (time === undefined) throw new Problem(`wait how long? For example 30s, 500ms, 2min or 1h, not "${words.join(' ')}"`);
      await session.expect({ describe: 'nothing in particular', sees: () => false }, time);
    },
  },
];
