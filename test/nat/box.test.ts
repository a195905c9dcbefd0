import { describe, expect, test } from 'vitest';
import { ip, prefix } from '../../src/core/address.ts';
import { drain } from '../../src/core/machine.ts';
import { seeded } from '../../src/core/random.ts';
import { after, seconds, start } from '../../src/core/time.ts';
import { NatBox } from '../../src/nat/box.ts';
import { behaviourOf, boxWith, outside } from './lab.ts';
import { echo, esp, tcp, udp } from './packets.ts';

const alice = '10.0.0.2';
const bob = '10.0.0.3';
const gateway = '198.51.100.1';
const other = '198.51.100.2';

describe('stories', () => {
  test('each event is a sentence with addresses and ports', () => {
    const lab = boxWith('passthrough-500-steal', {}, { forwards: [{ protocol: 'udp', port: 4500, to: { address: ip('10.0.0.9'), port: 4500 } }] });
    lab.out(udp(`${alice}:500`, `${gateway}:500`));
    lab.out(udp(`${bob}:500`, `${gateway}:500`));
    lab.in(udp(`${gateway}:77`, `${outside}:4500`));
    lab.in(udp(`${gateway}:77`, `${outside}:4501`));
    lab.wait(30);
    lab.out(udp(`${alice}:4500`, `${gateway}:4500`));
    lab.control({ kind: 'flush' });
    expect(lab.events.map((event) => (event.kind === 'drop' ? event.detail : event.story))).toEqual([
      'box maps UDP 10.0.0.2:500 ⇄ 203.0.113.1:500 (its port kept) for 198.51.100.1:500; if nothing refreshes it, it lives 30 s',
      'box takes away UDP 10.0.0.2:500 ⇄ 203.0.113.1:500 for 198.51.100.1:500: another client took its place',
      'box maps UDP 10.0.0.3:500 ⇄ 203.0.113.1:500 (its port kept) for 198.51.100.1:500; if nothing refreshes it, it lives 30 s',
      'box hands 198.51.100.1:77 on through its forwarded 203.0.113.1:4500 to 10.0.0.9:4500; if nothing refreshes it, it lives 30 s',
      'nobody behind box stands for 203.0.113.1:4501: what 198.51.100.1:77 sent there ends here',
      'box forgets UDP 10.0.0.3:500 ⇄ 203.0.113.1:500 for 198.51.100.1:500: nothing refreshed it for 30 s, and what now comes to 203.0.113.1:500 finds no way in',
      'box forgets UDP 10.0.0.9:4500 ⇄ 203.0.113.1:4500 for 198.51.100.1:77: nothing refreshed it for 30 s, and what now comes to 203.0.113.1:4500 finds no way in',
      'box maps UDP 10.0.0.2:4500 ⇄ 203.0.113.1:4500 (its port kept) for 198.51.100.1:4500; if nothing refreshes it, it lives 30 s',
      'box is told to forget its table',
      'box takes away UDP 10.0.0.2:4500 ⇄ 203.0.113.1:4500 for 198.51.100.1:4500: its table was flushed',
    ]);
  });
  test('a drop tells who sent it, and holds the bytes', () => {
    const lab = boxWith('linux-masquerade');
    const packet = udp(`${gateway}:500`, `${outside}:500`);
    lab.in(packet);
    expect(lab.events[0]).toMatchObject({ kind: 'drop', reason: 'nat-no-mapping', peer: { address: gateway, port: 500 }, bytes: packet });
  });
});

describe('time', () => {
  test('a mapping holds until its last instant and not through it', () => {
    const lab = boxWith('linux-masquerade');
    lab.out(udp(`${alice}:4500`, `${gateway}:4500`));
    lab.wait(29.999);
    expect(lab.in(udp(`${gateway}:4500`, `${outside}:4500`))).toBe(`udp ${gateway}:4500 > ${alice}:4500`);
    lab.wait(30);
    expect(lab.in(udp(`${gateway}:4500`, `${outside}:4500`))).toBe('nat-no-mapping');
  });
  test('waking early changes nothing; a packet that comes late finds the mapping gone, and its end told first', () => {
    const lab = boxWith('linux-masquerade');
    lab.out(udp(`${alice}:4500`, `${gateway}:4500`));
    lab.box.wake(lab.now());
    expect(lab.table()).toHaveLength(1);
    const box = new NatBox({ name: 'box', behaviour: behaviourOf('linux-masquerade'), outsideAddresses: [ip(outside)], insidePrefixes: [prefix('10.0.0.0/8')], forwards: [] }, seeded(1));
    box.handle(start, { kind: 'packet', from: 'inside', packet: udp(`${alice}:4500`, `${gateway}:4500`) });
    drain(box);
    box.handle(after(start, seconds(99)), { kind: 'packet', from: 'outside', packet: udp(`${gateway}:4500`, `${outside}:4500`) });
    expect(box.poll()).toMatchObject({ event: { kind: 'mapping-expired' } });
    expect(box.poll()).toMatchObject({ event: { kind: 'drop', reason: 'nat-no-mapping' } });
  });
  test('refreshed from outside only where the behaviour says so', () => {
    const survives = (refresh: 'outbound' | 'inbound' | 'both', from: 'inside' | 'outside'): boolean => {
      const lab = boxWith('linux-masquerade', { refresh });
      lab.out(udp(`${alice}:4500`, `${gateway}:4500`));
      lab.wait(20);
      if (from === 'inside') lab.out(udp(`${alice}:4500`, `${gateway}:4500`));
      else lab.in(udp(`${gateway}:4500`, `${outside}:4500`));
      lab.wait(20);
      return lab.table().length > 0;
    };
    expect({ outbound: [survives('outbound', 'inside'), survives('outbound', 'outside')], inbound: [survives('inbound', 'inside'), survives('inbound', 'outside')], both: [survives('both', 'inside'), survives('both', 'outside')] }).toEqual({
      outbound: [true, false],
      inbound: [false, true],
      both: [true, true],
    });
  });
  test('a keepalive every 20 s holds a 30 s mapping for an hour, one every 31 s does not', () => {
    const lab = boxWith('linux-masquerade');
    for (let n = 0; n < 180; n++) {
      lab.out(udp(`${alice}:4500`, `${gateway}:4500`));
      lab.wait(20);
    }
    expect(lab.events).toHaveLength(1);
    lab.wait(11);
    expect(lab.events.map(({ kind }) => kind)).toEqual(['mapping-created', 'mapping-expired']);
  });
  test('TCP: long once answered, short while it opens and after both sides have closed', () => {
    const lab = boxWith('full-cone', { timeouts: { tcpTransitory: seconds(10), tcpEstablished: seconds(1000) } });
    const life = () => lab.box.mappings(lab.now())[0]!.expiresIn;
    lab.out(tcp(`${alice}:1000`, `${gateway}:80`, ['syn']));
    expect(life()).toBe(10_000);
    lab.in(tcp(`${gateway}:80`, `${outside}:1000`, ['syn', 'ack']));
    lab.out(tcp(`${alice}:1000`, `${gateway}:80`, ['ack']));
    expect(life()).toBe(1_000_000);
    lab.out(tcp(`${alice}:1000`, `${gateway}:80`, ['fin', 'ack']));
    expect(life()).toBe(1_000_000);
    lab.in(tcp(`${gateway}:80`, `${outside}:1000`, ['fin', 'ack']));
    lab.out(tcp(`${alice}:1000`, `${gateway}:80`, ['ack']));
    expect(life()).toBe(10_000);
    lab.out(tcp(`${alice}:1000`, `${gateway}:80`, ['syn']));
    expect(life()).toBe(1_000_000);
    lab.in(tcp(`${gateway}:80`, `${outside}:1000`, ['rst']));
    expect(life()).toBe(10_000);
  });
  test("each kind of traffic has its timer: UDP's, ICMP's, ESP's", () => {
    const lab = boxWith('linux-masquerade', { timeouts: { unreplied: seconds(1), icmp: seconds(2), esp: seconds(3) } });
    lab.out(udp(`${alice}:4500`, `${gateway}:4500`));
    lab.out(echo(alice, gateway, 7));
    lab.out(esp(alice, gateway));
    expect(lab.box.mappings(lab.now()).map(({ protocol, expiresIn }) => [protocol, expiresIn])).toEqual([['udp', 1000], ['icmp', 2000], ['esp', 3000]]);
  });
});

describe('hairpinning (RFC 4787 §6)', () => {
  test('a packet to the outside endpoint of a neighbour turns around and comes from the sender\'s outside endpoint', () => {
    const lab = boxWith('full-cone');
    lab.out(udp(`${alice}:5000`, `${gateway}:500`));
    expect(lab.out(udp(`${bob}:6000`, `${outside}:5000`))).toBe(`back in: udp ${outside}:6000 > ${alice}:5000`);
    expect(lab.out(udp(`${alice}:5000`, `${outside}:6000`))).toBe(`back in: udp ${outside}:5000 > ${bob}:6000`);
  });
  test('the filter holds for neighbours too, until both have spoken', () => {
    const lab = boxWith('port-restricted');
    lab.out(udp(`${alice}:5000`, `${gateway}:500`));
    expect(lab.out(udp(`${bob}:6000`, `${outside}:5000`))).toBe('nat-filtered');
    expect(lab.out(udp(`${alice}:5000`, `${outside}:6000`))).toBe(`back in: udp ${outside}:5000 > ${bob}:6000`);
    expect(lab.out(udp(`${bob}:6000`, `${outside}:5000`))).toBe(`back in: udp ${outside}:6000 > ${alice}:5000`);
  });
  test('nobody gets the very endpoint outside that he speaks to: the packet would come back to him', () => {
    const lab = boxWith('linux-masquerade', { hairpinning: 'external-source' }, { forwards: [{ protocol: 'udp', port: 500, to: { address: ip('10.0.0.9'), port: 500 } }] });
    expect(lab.out(udp(`${alice}:500`, `${outside}:500`))).toMatch(/^back in: udp 203\.0\.113\.1:(?!500 )\d+ > 10\.0\.0\.9:500$/);
  });
  test('a box without it drops', () => expect(boxWith('linux-masquerade').out(udp(`${bob}:6000`, `${outside}:5000`))).toBe('nat-hairpin'));
});

describe('forwarded ports', () => {
  const forwards = [{ protocol: 'udp', port: 500, to: { address: ip('10.0.0.9'), port: 500 } }] as const;

  test('where ports are not overloaded, nobody but the server gets its port', () => {
    const lab = boxWith('port-restricted', {}, { forwards });
    expect(lab.out(udp(`${alice}:500`, `${gateway}:500`))).not.toBe(`udp ${outside}:500 > ${gateway}:500`);
    lab.in(udp(`${other}:500`, `${outside}:500`));
    expect(lab.out(udp('10.0.0.9:500', `${gateway}:500`))).toBe(`udp ${outside}:500 > ${gateway}:500`);
  });
  test('they are open on every outside address, and the answer comes from the one that was asked', () => {
    const lab = boxWith('linux-masquerade', {}, { forwards, outsideAddresses: [ip(outside), ip('203.0.113.2')] });
    expect(lab.in(udp(`${gateway}:1`, '203.0.113.2:500'))).toBe(`udp ${gateway}:1 > 10.0.0.9:500`);
    expect(lab.out(udp('10.0.0.9:500', `${gateway}:1`))).toBe(`udp 203.0.113.2:500 > ${gateway}:1`);
    expect(lab.out(udp('10.0.0.9:500', `${gateway}:2`))).toBe(`udp ${outside}:500 > ${gateway}:2`);
  });
  test('two forwards to one server port cannot serve one client at once: answers could not be told apart', () => {
    const lab = boxWith('linux-masquerade', {}, { forwards: [...forwards, { protocol: 'udp', port: 1500, to: { address: ip('10.0.0.9'), port: 500 } }] });
    lab.in(udp(`${gateway}:1`, `${outside}:500`));
    expect(lab.in(udp(`${gateway}:1`, `${outside}:1500`))).toBe('nat-no-port');
    expect(lab.in(udp(`${gateway}:2`, `${outside}:1500`))).toBe(`udp ${gateway}:2 > 10.0.0.9:500`);
  });
});

describe('what only IPsec meets', () => {
  test('a pin on the whole box refuses a second client even towards another server', () => {
    const lab = boxWith('passthrough-500', { pinned: { scope: 'whole-box' } });
    lab.out(udp(`${alice}:500`, `${gateway}:500`));
    expect(lab.out(udp(`${bob}:500`, `${other}:500`))).toBe('nat-pinned-port-taken');
    expect(lab.out(udp(`${alice}:500`, `${other}:500`))).toBe(`udp ${outside}:500 > ${other}:500`);
  });
  test('500 and 4500 pinned: a second client gets neither', () => {
    const lab = boxWith('passthrough-500', { pinned: { ports: [500, 4500] } });
    lab.out(udp(`${alice}:4500`, `${gateway}:4500`));
    expect(lab.out(udp(`${bob}:4500`, `${gateway}:4500`))).toBe('nat-pinned-port-taken');
  });
  test('only UDP is pinned', () => {
    const lab = boxWith('passthrough-500');
    lab.out(tcp(`${alice}:500`, `${gateway}:500`, ['syn']));
    expect(lab.out(tcp(`${bob}:500`, `${gateway}:500`, ['syn']))).toMatch(/^tcp 203/);
  });
  test('stealing on one server leaves the other servers alone', () => {
    const lab = boxWith('passthrough-500-steal', { pinned: { scope: 'per-server' } });
    lab.out(udp(`${alice}:500`, `${gateway}:500`));
    lab.out(udp(`${alice}:500`, `${other}:500`));
    lab.out(udp(`${bob}:500`, `${gateway}:500`));
    expect(lab.table()).toEqual([`${alice}:500 ${outside}:500 ${other}:500`, `${bob}:500 ${outside}:500 ${gateway}:500`]);
  });
  test('ESP of one client at a time, whatever the server', () => {
    const lab = boxWith('linux-masquerade', { esp: 'one-client' });
    lab.out(esp(alice, gateway));
    expect(lab.out(esp(alice, other))).toBe(`esp ${outside} > ${other}`);
    expect(lab.out(esp(bob, '198.51.100.3'))).toBe('nat-esp-taken');
  });
  test('ESP blocked is blocked in both directions, a forward included', () => {
    const lab = boxWith('full-cone', { esp: 'blocked' }, { forwards: [{ protocol: 'esp', to: ip('10.0.0.9') }] });
    expect([lab.out(esp(alice, gateway)), lab.in(esp(gateway, outside))]).toEqual(['nat-esp-blocked', 'nat-esp-blocked']);
  });
});

describe('controls', () => {
  const opened = () => {
    const lab = boxWith('linux-masquerade');
    lab.out(udp(`${alice}:4500`, `${gateway}:4500`));
    lab.out(esp(alice, gateway));
    lab.events.length = 0;
    return lab;
  };
  test.each(['flush', 'reboot'] as const)('%s empties the table, and tells each row that went', (kind) => {
    const lab = opened();
    lab.control({ kind });
    expect(lab.table()).toEqual([]);
    expect(lab.box.nextWake()).toBeUndefined();
    expect(lab.events.map((event) => [event.kind, event.kind === 'mapping-removed' ? event.why : undefined])).toEqual([
      ['nat-control', undefined],
      ['mapping-removed', kind === 'flush' ? 'flushed' : 'reboot'],
      ['mapping-removed', kind === 'flush' ? 'flushed' : 'reboot'],
    ]);
  });
  test('a change of address: the old one is nobody, clients leave from the new one', () => {
    const lab = opened();
    lab.control({ kind: 'change-address', address: ip('203.0.113.77') });
    expect(lab.table()).toEqual([]);
    expect(lab.in(udp(`${gateway}:4500`, `${outside}:4500`))).toBe('nat-no-mapping');
    expect(lab.out(udp(`${alice}:4500`, `${gateway}:4500`))).toBe(`udp 203.0.113.77:4500 > ${gateway}:4500`);
  });
});

describe('limits', () => {
  test('a full table takes nothing new, and what it knows goes on; what expires makes room', () => {
    const lab = boxWith('linux-masquerade', { tableSize: 2 });
    lab.out(udp(`${alice}:1`, `${gateway}:9`));
    lab.out(udp(`${alice}:2`, `${gateway}:9`));
    expect(lab.out(udp(`${alice}:3`, `${gateway}:9`))).toBe('nat-no-port');
    expect(lab.out(udp(`${alice}:1`, `${gateway}:9`))).toBe(`udp ${outside}:1 > ${gateway}:9`);
    lab.wait(30);
    expect(lab.out(udp(`${alice}:3`, `${gateway}:9`))).toBe(`udp ${outside}:3 > ${gateway}:9`);
  });
  test('one client that speaks to everybody fills it, too, where each remote must be remembered', () => {
    const lab = boxWith('port-restricted', { tableSize: 3 });
    const results = [1, 2, 3, 4].map((n) => lab.out(udp(`${alice}:4500`, `198.51.100.${n}:9`)));
    expect(results.slice(2)).toEqual([`udp ${outside}:4500 > 198.51.100.3:9`, 'nat-no-port']);
  });
  test('the 512th client from port 500 to one server finds no port below 512', () => {
    const lab = boxWith('linux-masquerade');
    const results = Array.from({ length: 512 }, (_, n) => lab.out(udp(`10.1.${n >> 8}.${n & 255}:500`, `${gateway}:500`)));
    expect(results.slice(0, 511).every((result) => result.startsWith('udp'))).toBe(true);
    expect(results[511]).toBe('nat-no-port');
  });
  test('sources that are not inside, protocols without ports: not translated', () => {
    const lab = boxWith('linux-masquerade');
    expect(lab.out(udp('192.168.0.1:500', `${gateway}:500`))).toBe('nat-not-inside');
    expect(lab.out(echo(alice, gateway, 7, 'echo-reply'))).toBe('nat-no-mapping');
    expect(lab.out(tcp(`${alice}:1`, `${gateway}:1`, ['fin']))).toBe('nat-no-mapping');
  });
  test('a box without an outside address cannot be', () => expect(() => boxWith('full-cone', {}, { outsideAddresses: [] })).toThrow('no outside address'));
});

test('the same seed draws the same ports', () => {
  const ports = () => {
    const lab = boxWith('symmetric');
    return Array.from({ length: 10 }, (_, n) => lab.out(udp(`${alice}:${4500 + n}`, `${gateway}:500`)));
  };
  expect(ports()).toEqual(ports());
});
