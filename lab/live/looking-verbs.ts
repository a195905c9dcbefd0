/** What shows how things are, and what takes something along. */
import { createWriteStream, existsSync } from 'node:fs';
import { once } from 'node:events';
import { basename } from 'node:path';
import type { Instant } from '../../src/core/time.ts';
import { networkOf } from '../ladder/network.ts';
import { Problem } from '../problem.ts';
import { Capture } from '../report/capture.ts';
import { viewOf } from '../report/pfkey-view.ts';
import type { PfkeyView } from '../report/pfkey-view.ts';
import { setkeySad, setkeySpd } from '../report/setkey.ts';
import { column } from '../report/text.ts';
import { parseDuration } from '../topology/duration.ts';
import { forShell } from '../wording.ts';
import type { Session } from './session.ts';
import type { Verb } from './verb.ts';

const endpointNames = ({ endpoints }: Session): string[] => endpoints.map(({ name }) => name);
const nodeNames = ({ nodes }: Session): string[] => nodes.map(({ name }) => name);

export const lookingVerbs: readonly Verb[] = [
  {
    name: 'clients',
    does: 'lists the clients: where they are, and how their tunnels stand',
    run: (session) => session.say(table(session.canvas.width, ['client', 'address', 'IKE SA', 'ESP', 'inner address'], session.cast.clients.map(({ name, address }) => [name, address, ...tunnelOf(session, name)]))),
  },
  {
    name: 'network',
    does: 'lists the nodes with their interfaces',
    run: ({ say, nodes, canvas }) => say(table(canvas.width, ['node', 'is a', 'interface', 'segment', 'address'], nodes.flatMap(({ name, kind, interfaces }) => interfaces.map((its, i) => [i === 0 ? name : '', i === 0 ? kinds[kind] : '', its.name, its.segment, `${its.address}/${its.prefixLength}`])))),
  },
  { name: 'sad', takes: 'HOST', does: 'shows a host\'s SAs as setkey -D does', offers: [endpointNames], run: (session, [host]) => session.say(setkey(session, host!, ({ sad, at }) => setkeySad(sad, at))) },
  { name: 'spd', takes: 'HOST', does: 'shows a host\'s policies as setkey -DP does', offers: [endpointNames], run: (session, [host]) => session.say(setkey(session, host!, ({ spd }) => setkeySpd(spd))) },
  {
    name: 'ladder',
    takes: '[DURATION]',
    does: 'draws who has said what to whom by which box, of late or since the lab began',
    run: async ({ trace, topology, now, canvas, say }, [span]) => {
      const time = span === undefined ? now : parseDuration(span);
      if (time === undefined) throw new Problem(`the ladder of how long? For example 30s, 2min or 1h, not "${span!}"`);
      const { ladder } = await import('../report/ladder/ladder.ts');
      const lines = ladder(trace, networkOf(topology, {}), canvas, trace.events.findLast(({ at }) => at < now - time)?.seq);
      say(lines.length === 0 ? 'Nothing has passed.' : lines.join('\n'));
    },
  },
  {
    name: 'capture',
    takes: '[FILE]',
    does: 'writes all that has passed any interface so far, as pcapng, and the keys to it',
    run: async (session, [wanted]) => {
      const file = wanted ?? freeName(session.topology.name);
      const stream = createWriteStream(file);
      try {
        await once(stream, 'open');
      } catch (error) {
        throw new Problem(`cannot write ${file}: ${(error as Error).message}`);
      }
      await session.lab.settle();
      const capture = new Capture(file, (block) => stream.write(block));
      capture.add({ act: { id: session.topology.name, title: session.topology.title }, trace: session.trace, checks: [] });
      await once(stream.end(), 'finish');
      const { all, ikeV1 } = await capture.writeKeys();
      session.say(`To read it decrypted: ${all}`);
      if (ikeV1 !== undefined) session.say(`And IKEv1, which Wireshark follows where it begins only: ${ikeV1}`);
      session.say(`Why something does not work: lab diagnose ${forShell(file)}`);
    },
  },
  {
    name: 'exec',
    takes: 'NODE PROGRAM [ARGUMENT…]',
    does: 'runs a program of this machine on a node, through its tunnel if it has one',
    offers: [nodeNames, () => []],
    run: async (session, [node, ...argv]) => {
      const { lab, signal, backend, say } = session;
      session.node(node!);
      if (lab.exec === undefined) throw new Problem(`on ${backend} the nodes are simulated and run no programs of this machine; lab up with --backend netns has real ones`);
      const { status, stderr } = await lab.exec(node!, argv, { signal, hear: (text) => say(text.trimEnd()) });
      if (status === 127) say(`${argv[0]!} cannot be run: ${stderr.trim()}`);
      else if (status !== 0 && !signal.aborted) say(`${argv[0]!} ended with status ${status}`);
    },
  },
];

const kinds = { host: 'host', nat: 'NAT box', router: 'router' } as const;

/** The state of the IKE SA, how ESP travels, and the inner address; an image keeps that to itself. */
function tunnelOf(session: Session, client: string): string[] {
  if (session.client(client).plan.image !== undefined) return ['?', '?', '?'];
  const { trace } = session;
  const ike = trace.of('ike-sa', client).at(-1)?.body.state;
  const child = trace.of('child-sa', client).at(-1)?.body;
  const up = ike === 'established' || ike === 'rekeyed';
  const travels = { none: 'as it is', udp: 'in UDP', 'udp-non-ike': 'in UDP on 500' } as const;
  return [ike ?? 'none', up && child !== undefined && child.state !== 'deleted' && child.state !== 'failed' ? travels[child.encapsulation] : '–', (up ? session.virtualAddress(client) : undefined) ?? '–'];
}

function setkey(session: Session, host: string, print: (view: PfkeyView & { readonly at: Instant }) => string): string {
  const { endpoint } = session.endpoint(host);
  const since = session.trace.nextSeq;
  session.command(host, { kind: 'setkey' });
  return print(viewOf(endpoint, session.trace, since)).trimEnd();
}

/** Of a capture that nobody has named, in the folder where one is: `home.pcapng`, then `home-2.pcapng`. */
function freeName(topology: string): string {
  const stem = basename(topology).replace(/\.ya?ml$/, '');
  for (let n = 1; ; n++) {
    const name = `${stem}${n === 1 ? '' : `-${n}`}.pcapng`;
    if (!existsSync(name)) return name;
  }
}

/** Columns as wide as they must be, two blanks between them; where they do not fit a row is a list. */
function table(width: number, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  const whole = widths.reduce((sum, one) => sum + one + 2, -2);
  if (whole > width) return rows.map((cells) => cells.flatMap((cell, i) => (cell === '' ? [] : [i === 0 ? cell : `  ${head[i]!}: ${cell}`])).join('\n')).join('\n');
  return lines.map((line) => line.map((cell, i) => column(cell, widths[i]!)).join('  ').trimEnd()).join('\n');
}
