/** Clients of one server that share a pinned port, or ESP and AH, and are told apart by what a box that is aware of IPsec looks at. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { concat, fromHex } from '../../src/core/bytes.ts';
import { seconds } from '../../src/core/time.ts';
import type { BehaviourChanges } from '../../src/nat/presets.ts';
import { encodeIpv4 } from '../../src/wire/ipv4.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { boxWith, outside } from './lab.ts';
import { esp, icmp, udp } from './packets.ts';

const alice = '10.0.0.2';
const bob = '10.0.0.3';
const gateway = '198.51.100.1';
const other = '198.51.100.2';

/** An IKE message whose initiator SPI ends in these two hex digits. */
const ike = (spi: string): Uint8Array => fromHex(`00000000000000${spi} 0000000000000000 21 20 22 08 00000000 0000001c`);
const marked = (message: Uint8Array): Uint8Array => concat(new Uint8Array(4), message);
const sent = (client: string, spi: string, server = gateway) => udp(`${client}:500`, `${server}:500`, { payload: ike(spi) });
const answered = (spi: string, server = gateway) => udp(`${server}:500`, `${outside}:500`, { payload: ike(spi) });
const to = (client: string, server = gateway) => `udp ${server}:500 > ${client}:500`;

const sharing = (changes: BehaviourChanges['pinned'] = {}) => boxWith('passthrough-500', { pinned: { onConflict: 'share-by-cookie', ...changes } });

describe('port 500 shared by IKE cookie', () => {
  test('two clients of one server both leave from 500, and each hears what its own SPI is on', () => {
    const lab = sharing();
    expect([lab.out(sent(alice, 'aa')), lab.out(sent(bob, 'bb'))]).toEqual([`udp ${outside}:500 > ${gateway}:500`, `udp ${outside}:500 > ${gateway}:500`]);
    expect([lab.in(answered('aa')), lab.in(answered('bb')), lab.in(answered('aa'))]).toEqual([to(alice), to(bob), to(alice)]);
  });
  test('a rekey that the client speaks first under is learned; one that the server speaks first under finds nobody', () => {
    const lab = sharing();
    lab.out(sent(alice, 'aa'));
    lab.out(sent(bob, 'bb'));
    lab.out(sent(alice, 'a2'));
    expect(lab.in(answered('a2'))).toBe(to(alice));
    expect(lab.in(answered('b2'))).toBe('nat-unknown-spi');
    lab.out(sent(bob, 'b2'));
    expect(lab.in(answered('b2'))).toBe(to(bob));
  });
  test('that is so with a single client, too', () => {
    const lab = sharing();
    lab.out(sent(alice, 'aa'));
    expect(lab.in(answered('a2'))).toBe('nat-unknown-spi');
  });
  test('or what nobody has sent goes to who spoke last, which may be the wrong one', () => {
    const lab = sharing({ unknownCookie: 'to-last-speaker' });
    lab.out(sent(alice, 'aa'));
    lab.out(sent(bob, 'bb'));
    expect(lab.in(answered('a2'))).toBe(to(bob));
    lab.out(sent(alice, 'aa'));
    expect(lab.in(answered('b2'))).toBe(to(alice));
  });
  test('clients of different servers do not meet, and a server that nobody speaks to is not let in', () => {
    const lab = sharing();
    lab.out(sent(alice, 'aa'));
    lab.out(sent(bob, 'bb', other));
    expect(lab.in(answered('bb'))).toBe('nat-unknown-spi');
    expect(lab.in(answered('bb', other))).toBe(to(bob, other));
    expect(lab.in(answered('aa', '198.51.100.3'))).toBe('nat-filtered');
  });
  test('with its mapping a client is forgotten, SPIs and all', () => {
    const lab = sharing();
    lab.out(sent(alice, 'aa'));
    lab.wait(20);
    lab.out(sent(bob, 'bb'));
    lab.wait(15);
    expect(lab.in(answered('aa'))).toBe('nat-unknown-spi');
    expect(lab.in(answered('bb'))).toBe(to(bob));
    lab.wait(40);
    expect(lab.in(answered('bb'))).toBe('nat-no-mapping');
  });
  test('4500 pinned as well: IKE by its SPI behind the marker, ESP by SPIs that are learned, the rest to who spoke last', () => {
    const lab = sharing({ ports: [500, 4500] });
    const out = (client: string, payload: Uint8Array) => lab.out(udp(`${client}:4500`, `${gateway}:4500`, { payload }));
    const back = (payload: Uint8Array) => lab.in(udp(`${gateway}:4500`, `${outside}:4500`, { payload }));
    out(alice, marked(ike('aa')));
    out(bob, marked(ike('bb')));
    expect([back(marked(ike('aa'))), back(marked(ike('bb')))]).toEqual([`udp ${gateway}:4500 > ${alice}:4500`, `udp ${gateway}:4500 > ${bob}:4500`]);
    out(alice, fromHex('00001001 00000001 00000000'));
    expect(back(fromHex('00002001 00000001 00000000'))).toBe(`udp ${gateway}:4500 > ${alice}:4500`);
    expect(back(fromHex('00002002 00000001 00000000'))).toBe('nat-unknown-spi');
    out(bob, Uint8Array.of(0xff));
    expect(back(Uint8Array.of(0xff))).toBe(`udp ${gateway}:4500 > ${bob}:4500`);
  });
  test('an ICMP error finds the sender of the message that it quotes', () => {
    const lab = sharing();
    lab.out(sent(alice, 'aa'));
    const left = lab.last().slice();
    lab.out(sent(bob, 'bb'));
    expect(lab.in(icmp('192.0.2.1', outside, { kind: 'unreachable', code: 1, quoted: left }))).toBe(`error 192.0.2.1 > ${alice} about udp ${alice}:500 > ${gateway}:500`);
  });
});

describe('raw ESP told apart by learned SPIs', () => {
  const learning = () => boxWith('linux-masquerade', { esp: 'by-spi', timeouts: { esp: seconds(60) } });
  const back = (spi: number, server = gateway) => esp(server, outside, spi);
  const toClient = (client: string) => `esp ${gateway} > ${client}`;

  test('one negotiates after the other: each gets the SPI that answers its own', () => {
    const lab = learning();
    lab.out(esp(alice, gateway, 0x1001));
    expect(lab.in(back(0x2001))).toBe(toClient(alice));
    lab.out(esp(bob, gateway, 0x1002));
    expect(lab.in(back(0x2002))).toBe(toClient(bob));
    expect([lab.in(back(0x2001)), lab.in(back(0x2002))]).toEqual([toClient(alice), toClient(bob)]);
  });
  test('both at once: the first answer is taken for the newest question, and they are crossed for good', () => {
    const lab = learning();
    lab.out(esp(alice, gateway, 0x1001));
    lab.out(esp(bob, gateway, 0x1002));
    expect(lab.in(back(0x2001))).toBe(toClient(bob)); // it was meant for alice
    expect(lab.in(back(0x2002))).toBe(toClient(alice));
    lab.out(esp(alice, gateway, 0x1001));
    expect(lab.in(back(0x2001))).toBe(toClient(bob));
  });
  test('a new SPI from the server that no client waits for is dropped, until its client has sent under a new one', () => {
    const lab = learning();
    lab.out(esp(alice, gateway, 0x1001));
    lab.in(back(0x2001));
    expect(lab.in(back(0x2003))).toBe('nat-unknown-spi');
    lab.out(esp(alice, gateway, 0x1003));
    expect(lab.in(back(0x2003))).toBe(toClient(alice));
    expect(lab.in(back(0x2001))).toBe(toClient(alice));
  });
  test('so many SPIs are remembered of a client, and no more', () => {
    const lab = learning();
    for (let n = 0; n < 17; n++) {
      lab.out(esp(alice, gateway, 0x1000 + n));
      expect(lab.in(back(0x2000 + n))).toBe(toClient(alice));
    }
    expect(lab.in(back(0x2001))).toBe(toClient(alice));
    expect(lab.in(back(0x2000))).toBe('nat-unknown-spi');
  });
  test('an ICMP error quotes the SPI that went out', () => {
    const lab = learning();
    lab.out(esp(alice, gateway, 0x1001));
    const left = lab.last().slice(0, 28);
    lab.out(esp(bob, gateway, 0x1002));
    expect(lab.in(icmp('192.0.2.1', outside, { kind: 'unreachable', code: 2, quoted: left }))).toBe(`error 192.0.2.1 > ${alice} about esp ${alice} > ${gateway}`);
  });

  /** The rule in its shortest form: who asked last and has no answer gets the new one; what is known stays. */
  test('whoever speaks whenever, each SPI reaches who the rule says', () => {
    const clients = [alice, bob, '10.0.0.4'];
    const step = fc.record({ out: fc.boolean(), client: fc.constantFrom(...clients), spi: fc.integer({ min: 1, max: 5 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const lab = learning();
        const sentBy = new Set<string>();
        const spoke = new Set<string>();
        const owner = new Map<number, string>();
        let waiting: string[] = [];
        for (const { out, client, spi } of steps) {
          if (out) {
            lab.out(esp(client, gateway, 0x1000 + spi));
            spoke.add(client);
            if (!sentBy.has(`${client} ${spi}`)) waiting = [...waiting.filter((one) => one !== client), client];
            sentBy.add(`${client} ${spi}`);
            continue;
          }
          const mine = owner.get(spi) ?? waiting.at(-1);
          if (mine !== undefined && !owner.has(spi)) {
            waiting = waiting.filter((one) => one !== mine);
            owner.set(spi, mine);
          }
          expect(lab.in(back(0x2000 + spi))).toBe(mine === undefined ? (spoke.size === 0 ? 'nat-no-mapping' : 'nat-unknown-spi') : toClient(mine));
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('AH (RFC 4302)', () => {
  const ah = (from: string, destination: string, spi: number) =>
    encodeIpv4({ source: ip(from), destination: ip(destination), protocol: protocols.ah, payload: Uint8Array.of(50, 4, 0, 0, spi >>> 24, spi >>> 16, spi >>> 8, spi, 0, 0, 0, 1, ...new Uint8Array(12)) });
  test('is not translated by most boxes', () => expect(boxWith('linux-masquerade').out(ah(alice, gateway, 1))).toBe('nat-protocol'));
  test('or serves one client a server', () => {
    const lab = boxWith('linux-masquerade', { ah: 'one-per-server' });
    expect(lab.out(ah(alice, gateway, 1))).toBe(`51 ${outside} > ${gateway}`);
    expect(lab.in(ah(gateway, outside, 2))).toBe(`51 ${gateway} > ${alice}`);
    expect(lab.out(ah(bob, gateway, 3))).toBe('nat-esp-taken');
    expect(lab.out(esp(bob, gateway, 3))).toBe(`esp ${outside} > ${gateway}`);
  });
  test('or is told apart by its SPIs, which stand elsewhere than ESP’s', () => {
    const lab = boxWith('linux-masquerade', { ah: 'by-spi' });
    lab.out(ah(alice, gateway, 0x1001));
    expect(lab.in(ah(gateway, outside, 0x2001))).toBe(`51 ${gateway} > ${alice}`);
    lab.out(ah(bob, gateway, 0x1002));
    expect(lab.in(ah(gateway, outside, 0x2002))).toBe(`51 ${gateway} > ${bob}`);
    expect(lab.in(ah(gateway, outside, 0x2001))).toBe(`51 ${gateway} > ${alice}`);
  });
  test('a header cut short is malformed', () => {
    const short = encodeIpv4({ source: ip(alice), destination: ip(gateway), protocol: protocols.ah, payload: new Uint8Array(11) });
    expect(boxWith('linux-masquerade', { ah: 'by-spi' }).out(short)).toBe('ah-malformed');
  });
});
