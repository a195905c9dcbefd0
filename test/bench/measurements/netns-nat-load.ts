/**
 * The load of netns-nat.ts, a process of its own: `netns-nat-load.ts SERVER-NAMESPACE routed|translated MAPPINGS`. It stands in the client's namespace and has
 * a socket in the server's. So many packets are under way at the most, and the next ones go out when the interfaces' counters say that those before
 * have arrived: it finds the rate that the router can take, and loses nothing by its own haste. What it sends goes to addresses where nobody lives.
 */
import { openSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';
import { ip } from '../../../src/core/address.ts';
import { seeded } from '../../../src/core/random.ts';
import { NetworkNamespace } from '../../../lab/backends/linux/namespace.ts';
import { socketAddress } from '../../../lab/backends/linux/socket-address.ts';
import { AF_INET, SOCK_RAW, addressOf, syscalls } from '../../../lab/backends/linux/syscalls.ts';
import { udp } from '../../nat/packets.ts';
import { meter } from '../meter.ts';

export interface Load {
  readonly packets: number;
  readonly lost: number;
  readonly wallMs: number;
  readonly processorMs: number;
}

const [serverPath = '', how = '', mappingsText = ''] = process.argv.slice(2);
const mappings = Number(mappingsText);
const measuredPackets = 300_000;
const longestMs = 60_000;
/** With nothing arriving for so long, what is under way is lost. */
const stallMs = 2000;

const libc = (createRequire(import.meta.url)('koffi') as typeof Koffi).load('libc.so.6');
const sendmmsg = libc.func('sendmmsg', 'int', ['int', 'void *', 'uint32_t', 'int']) as (fd: number, messages: Uint8Array, count: number, flags: number) => number;
const usleep = libc.func('usleep', 'int', ['uint32_t']) as (microseconds: number) => number;

const IPPROTO_RAW = 255; // with the IP header as it was made here

/** So many packets are under way at the most. */
const window = 512;

/** Packets of one direction in an order without pattern, each of them once a round, ready for the kernel: `struct mmsghdr` is a msghdr and a length. */
class Stream {
  /** What the messages point to: it must not be collected. */
  readonly memory: readonly Uint8Array[];
  readonly #fd: number;
  readonly #messages: Uint8Array;
  readonly #counter: () => number;
  readonly #count: number;
  #next = 0;
  sent = 0;
  readonly #before: number;

  constructor(namespace: NetworkNamespace | undefined, to: string, packets: readonly Uint8Array[], counter: () => number) {
    const open = (): number => syscalls().socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    this.#fd = namespace === undefined ? open() : namespace.inside(open);
    this.#count = packets.length;
    this.#counter = counter;
    this.#before = counter();
    const size = packets[0]!.length;
    const octets = new Uint8Array(size * packets.length);
    const vectors = new Uint8Array(16 * packets.length);
    const address = new Uint8Array(128);
    address.set(socketAddress({ address: ip(to), port: 0 }));
    this.#messages = new Uint8Array(64 * packets.length);
    const vectorView = new DataView(vectors.buffer);
    const view = new DataView(this.#messages.buffer);
    const [octetsAt, vectorsAt, addressAt] = [octets, vectors, address].map(addressOf) as [bigint, bigint, bigint];
    packets.forEach((packet, i) => {
      octets.set(packet, i * size);
      vectorView.setBigUint64(16 * i, octetsAt + BigInt(i * size), true);
      vectorView.setBigUint64(16 * i + 8, BigInt(size), true);
      view.setBigUint64(64 * i, addressAt, true);
      view.setUint32(64 * i + 8, 16, true);
      view.setBigUint64(64 * i + 16, vectorsAt + BigInt(16 * i), true);
      view.setBigUint64(64 * i + 24, 1n, true);
    });
    this.memory = [octets, vectors, address];
  }

  send(atMost: number): void {
    const count = Math.min(atMost, this.#count - this.#next);
    const sent = sendmmsg(this.#fd, this.#messages.subarray(64 * this.#next), count, 0);
    if (sent < 0) throw new Error('the load cannot be sent');
    this.#next = (this.#next + sent) % this.#count;
    this.sent += sent;
  }

  get arrived(): number {
    return this.#counter() - this.#before;
  }
}

/** Received packets of the namespace's interface, read from the thread that is in it. */
const received = (): number => Number(/eth0:\s*\d+\s+(\d+)/.exec(readFileSync('/proc/thread-self/net/dev', 'utf8'))![1]);

const random = seeded(3);
const order = Array.from({ length: mappings }, (_, i) => i);
for (let i = mappings - 1; i > 0; i--) {
  const j = random.uint32() % (i + 1);
  [order[i], order[j]] = [order[j]!, order[i]!];
}
const server = new NetworkNamespace(openSync(serverPath, 'r'));
const payload = new Uint8Array(100);
const client = (i: number): string => `10.1.${i % 50}.1:${10_000 + i}`;
const outside = (i: number): string => (how === 'routed' ? client(i) : `203.0.113.1:${10_000 + i}`);
const outward = new Stream(undefined, '198.51.100.1', order.map((i) => udp(client(i), '198.51.100.1:4500', { payload })), () => server.inside(received));
const inward = new Stream(server, how === 'routed' ? '10.1.0.1' : '203.0.113.1', order.map((i) => udp('198.51.100.1:4500', outside(i), { payload })), received);

const total = (streams: readonly Stream[], of: (stream: Stream) => number): number => streams.reduce((sum, stream) => sum + of(stream), 0);

/** Sends so many packets over the streams in turns and waits for them; how many were lost. */
function drive(streams: readonly Stream[], packets: number): number {
  const began = performance.now();
  const before = { sent: total(streams, ({ sent }) => sent), arrived: total(streams, ({ arrived }) => arrived) };
  let [sent, arrived, lost, progressAt] = [0, 0, 0, began];
  for (;;) {
    const now = performance.now();
    const seen = total(streams, (stream) => stream.arrived) - before.arrived;
    if (seen > arrived) progressAt = now;
    arrived = seen;
    if (now - progressAt > stallMs) lost = sent - arrived;
    if (sent >= packets && arrived + lost >= sent) return lost;
    if (now - began > longestMs) throw new Error(`${arrived} of ${packets} packets in ${longestMs} ms`);
    if (sent < packets && sent - arrived - lost <= window / 2) {
      for (const stream of streams) stream.send(window / 2 / streams.length);
      sent = total(streams, (stream) => stream.sent) - before.sent;
    } else {
      usleep(50);
    }
  }
}

const unopened = drive([outward], mappings);
if (unopened > 0) throw new Error(`${unopened} packets were lost while their mappings were opened`);
drive([inward, outward], 2 * mappings); // each answered: everything is warm
console.log('warm');
const metered = meter();
const lost = drive([inward, outward], measuredPackets);
const { wallMs, processorMs } = metered();
console.log(JSON.stringify({ packets: measuredPackets - lost, lost, wallMs, processorMs } satisfies Load));
