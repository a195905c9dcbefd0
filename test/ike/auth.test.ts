import { preSharedKey } from '../../src/ike/config.ts';
import { describe, expect, test } from 'vitest';
import { ip, prefix } from '../../src/core/address.ts';
import { notifyTypes, type Payload } from '../../src/wire/ike/message.ts';
import { established, pair, type Pair } from '../support/pair.ts';
import { forged, opened } from '../support/insider.ts';

const notifiesIn = (payloads: readonly Payload[]): number[] => payloads.flatMap((payload) => (payload.type === 'Notify' ? [payload.notifyType] : []));
const child = (two: Pair, who: 'alice' | 'gw', change: object): object => ({ child: { ...two[who].config.connections[0]!.child, ...change } });

test('a wrong pre-shared key ends in AUTHENTICATION_FAILED, and neither side keeps anything', () => {
  const two = established({ alice: { authentication: preSharedKey('wrong') } });
  expect(notifiesIn(opened(two.alice, two.wire[3]!, 'responder'))).toEqual([notifyTypes.AUTHENTICATION_FAILED]);
  expect(two.gw.drops()).toEqual(['ike-authentication']);
  for (const party of [two.alice, two.gw]) {
    expect(party.states()).toEqual(['connecting', 'failed']);
    expect([party.stack.size, party.stack.larval, party.stack.policies.size]).toEqual([0, 0, 0]);
    expect(party.daemon.nextWake()).toBeUndefined();
  }
});

test('an initiator with another identity is not let in, and is told no more than that', () => {
  const two = established({ alice: { localIdentity: { type: 'fqdn', value: 'mallory' } } });
  expect(notifiesIn(opened(two.alice, two.wire[3]!, 'responder'))).toEqual([notifyTypes.AUTHENTICATION_FAILED]);
  expect(two.gw.states()).toEqual(['connecting', 'failed']);
});

test('a gateway calls nobody by the name that it expects before it has seen one: then it says what was wrong with the one it saw', () => {
  const { gw } = established({ nat: 'initiator', alice: { localIdentity: { type: 'address', value: '192.168.1.10' } }, gw: { remoteIdentity: 'any', addressIdentity: 'strict' } });
  expect(gw.events('drop').map(({ detail }) => detail)).toEqual([expect.stringContaining('it says that it is 192.168.1.10, and its packets come from 203.0.113.7')]);
  const known = established({ nat: 'initiator' });
  const [detection] = known.gw.events('nat-detection');
  expect(detection!.story).toContain('203.0.113.7');
  expect(detection!.story).not.toContain('alice');
  expect(known.gw.events('ike-sa').at(-1)!.story).toContain('alice');
});

test('a gateway does not answer to a name that is not its own', () => {
  const two = established({ alice: { remoteIdentity: { type: 'fqdn', value: 'other-gw' } } });
  expect(two.gw.states()).toEqual(['connecting', 'failed']);
  expect(two.alice.states()).toEqual(['connecting', 'failed']);
});

test('identities may be addresses, key IDs, mail addresses, the subject of a certificate', () => {
  for (const [mine, theirs] of [['address', '192.0.2.99'], ['key-id', 'c0ffee'], ['user-fqdn', 'gw@example.org'], ['dn', 'O=natt-lab, CN=gw.example']] as const) {
    const identity = { type: mine, value: theirs };
    const two = established({ alice: { remoteIdentity: identity }, gw: { localIdentity: identity } });
    expect(two.alice.states()).toEqual(['connecting', 'established']);
  }
});

test('a responder without the key is refused by the initiator, and told', () => {
  // The gateway takes the initiator's proof for good, but its own is made with another key: here by forging its answer
  const two = pair();
  two.link = (datagram) => (two.wire.length === 4 && datagram.from === 'gw' ? [] : [datagram]);
  two.initiate().settle();
  const answer = opened(two.alice, two.wire[3]!, 'responder');
  const wrong = answer.map((payload): Payload => (payload.type === 'AUTH' ? { ...payload, data: payload.data.map((octet) => octet ^ 1) } : payload));
  two.deliver('alice', two.wire[3]!.source, two.wire[3]!.destination, forged(two.alice, 'responder', { exchange: 'IKE_AUTH', response: true, messageId: 1 }, wrong));
  expect(two.alice.drops()).toEqual(['ike-authentication']);
  expect(notifiesIn(opened(two.alice, two.wire[4]!, 'initiator'))).toEqual([notifyTypes.AUTHENTICATION_FAILED]);
  two.settle();
  expect(two.alice.states()).toEqual(['connecting', 'failed']);
  expect(two.gw.states()).toEqual(['connecting', 'established', 'failed']);
  expect([two.gw.stack.size, two.alice.stack.size, two.alice.stack.larval]).toEqual([0, 0, 0]);
});

describe('unknown payloads', () => {
  const unknown = (critical: boolean): Payload => ({ type: 'Unknown', payloadType: 200, critical, data: Uint8Array.of(1, 2, 3) });

  test('a critical one is refused by its number, and the IKE SA goes on', () => {
    const two = established();
    const { source, destination } = two.wire[2]!;
    two.deliver('gw', source, destination, forged(two.gw, 'initiator', { exchange: 'INFORMATIONAL', response: false, messageId: 2 }, [unknown(true)]));
    expect(opened(two.gw, two.wire.at(-1)!, 'responder')).toMatchObject([{ notifyType: notifyTypes.UNSUPPORTED_CRITICAL_PAYLOAD, data: Uint8Array.of(200) }]);
    expect(two.gw.drops()).toEqual(['ike-unknown-critical-payload']);
    expect(two.gw.states()).toEqual(['connecting', 'established']);
  });

  test('another is skipped', () => {
    const two = established();
    const { source, destination } = two.wire[2]!;
    two.deliver('gw', source, destination, forged(two.gw, 'initiator', { exchange: 'INFORMATIONAL', response: false, messageId: 2 }, [unknown(false)]));
    expect(opened(two.gw, two.wire.at(-1)!, 'responder')).toEqual([]);
    expect(two.gw.drops()).toEqual([]);
  });

  test('a critical one in IKE_AUTH ends the attempt', () => {
    const two = pair();
    two.link = (datagram) => (two.wire.length === 3 ? [] : [datagram]);
    two.initiate().settle();
    const { source, destination } = two.wire[2]!;
    const request = [...opened(two.alice, two.wire[2]!, 'initiator'), unknown(true)];
    two.deliver('gw', source, destination, forged(two.gw, 'initiator', { exchange: 'IKE_AUTH', response: false, messageId: 1 }, request));
    expect(two.gw.states()).toEqual(['connecting', 'failed']);
    expect(two.settle().alice.states()).toEqual(['connecting', 'failed']);
  });
});

describe('the first child SA may fail, and the IKE SA stands', () => {
  test('NO_PROPOSAL_CHOSEN', () => {
    const base = pair();
    const two = established({ gw: child(base, 'gw', { proposals: [{ encryption: [{ name: 'aes-gcm-16', bits: 256 }], integrity: [], groups: [], extendedSequenceNumbers: false }] }) });
    expect(notifiesIn(opened(two.alice, two.wire[3]!, 'responder'))).toEqual([notifyTypes.NO_PROPOSAL_CHOSEN]);
    for (const party of [two.alice, two.gw]) {
      expect(party.states()).toEqual(['connecting', 'established']);
      expect(party.events('child-sa')).toMatchObject([{ state: 'failed' }]);
      expect([party.stack.size, party.stack.larval]).toEqual([0, 0]);
    }
  });

  test('TS_UNACCEPTABLE', () => {
    const base = pair();
    const two = established({ gw: child(base, 'gw', { local: [prefix('172.16.0.0/12')] }) });
    expect(notifiesIn(opened(two.alice, two.wire[3]!, 'responder'))).toEqual([notifyTypes.TS_UNACCEPTABLE]);
    expect(two.alice.states()).toEqual(['connecting', 'established']);
    expect(two.alice.events('child-sa')).toMatchObject([{ state: 'failed', spiIn: 0 }]);
  });
});

test('the responder narrows what is asked for to what it wants too', () => {
  const base = pair();
  const two = established({
    alice: child(base, 'alice', { remote: [prefix('10.0.0.0/8')] }),
    gw: child(base, 'gw', { local: [prefix('10.99.0.0/24'), prefix('10.97.1.0/24')] }),
  });
  expect(two.alice.events('child-sa')).toMatchObject([{ selectors: '10.98.0.0/24 === 10.99.0.0/24, 10.97.1.0/24' }]);
  expect(two.alice.stack.policies.size).toBe(4);
});

test('the initiator takes no wider selectors than it has asked for', () => {
  const two = pair();
  two.link = (datagram) => (two.wire.length === 4 && datagram.from === 'gw' ? [] : [datagram]);
  two.initiate().settle();
  const wide = opened(two.alice, two.wire[3]!, 'responder').map((payload): Payload =>
    payload.type === 'TSi' ? { ...payload, selectors: [{ ...payload.selectors[0]!, endAddress: ip('10.98.3.255') }] } : payload,
  );
  two.deliver('alice', two.wire[3]!.source, two.wire[3]!.destination, forged(two.alice, 'responder', { exchange: 'IKE_AUTH', response: true, messageId: 1 }, wide));
  expect(two.alice.states()).toEqual(['connecting', 'established']);
  expect(two.alice.events('child-sa')).toMatchObject([{ state: 'failed' }]);
  expect([two.alice.stack.size, two.alice.stack.larval]).toEqual([0, 0]);
});

test('a gateway tells its clients apart by their identities, each with a key of its own', () => {
  const two = pair();
  const [connection] = two.gw.config.connections;
  const bob = { ...connection!, name: 'bob', remoteIdentity: { type: 'fqdn', value: 'bob' } as const, authentication: preSharedKey("bob's own") };
  const gateway = pair({ gwDaemon: { connections: [bob, connection!] } }).initiate().settle();
  expect(gateway.gw.events('ike-sa').at(-1)).toMatchObject({ state: 'established', connection: 'tunnel', peerIdentity: 'alice' });
});

test('two clients behind one NAT have chosen the same SPI: the second child SA fails, and the first is left alone', () => {
  const two = pair({ nat: 'initiator' });
  const taken = { type: 'SADB_ADD', saType: 3, errno: 0, sequence: 0, pid: 0 } as const;
  two.gw.stack.sas.set(`2703024129 203.0.113.7`, taken);
  two.initiate().settle();
  expect(two.alice.states()).toEqual(['connecting', 'established']);
  expect([...two.gw.stack.sas.values()]).toEqual([taken]);
  expect(two.alice.stack.size).toBe(0);
});

describe('an inner address from the gateway', () => {
  const base = pair();
  const alice = { virtualAddress: 'request', ...child(base, 'alice', { local: ['dynamic'] }) } as const;
  const gw = (pool: string): object => ({ virtualAddress: { pool: prefix(pool) }, ...child(base, 'gw', { remote: ['dynamic'] }) });

  test('is asked for, given, and what the tunnel carries', () => {
    const two = established({ alice, gw: gw('10.98.0.0/24') });
    expect(two.alice.inner).toEqual([ip('10.98.0.1')]);
    expect(two.alice.events('virtual-address')).toMatchObject([{ address: '10.98.0.1' }]);
    expect(two.alice.events('child-sa')).toMatchObject([{ state: 'established', selectors: '10.98.0.1/32 === 10.99.0.0/24' }]);
    expect(two.gw.events('child-sa')).toMatchObject([{ state: 'established', selectors: '10.99.0.0/24 === 10.98.0.1/32' }]);
  });

  test('is one of IPv6 where the networks are (RFC 7296 §3.15.1: 16 octets and the length of a prefix), whatever the outer version', () => {
    const [of, gateway] = [{ ...alice, ...child(base, 'alice', { local: ['dynamic'], remote: [prefix('fd99::/64')] }) }, { ...gw('fd98::/64'), ...child(base, 'gw', { local: [prefix('fd99::/64')], remote: ['dynamic'] }) }];
    const two = established({ alice: of, gw: gateway });
    expect(two.alice.inner).toEqual([ip('fd98::1')]);
    expect(two.gw.events('child-sa')).toMatchObject([{ state: 'established', selectors: 'fd99::/64 === fd98::1/128' }]);
    const refused = established({ alice, gw: gateway });
    expect(refused.alice.events('child-sa')[0]).toMatchObject({ state: 'failed', story: 'gw makes no child SA: FAILED_CP_REQUIRED.' });
  });

  test('is given back when the IKE SA goes, and given out again', () => {
    const two = established({ alice, gw: gw('10.98.0.4/32') });
    two.command('alice', { kind: 'terminate', connection: 'tunnel' }).settle();
    expect(two.alice.inner).toEqual([]);
    two.initiate().settle();
    expect(two.alice.inner).toEqual([ip('10.98.0.4')]);
  });

  test('goes along when the IKE SA is rekeyed', () => {
    const two = established({ alice, gw: gw('10.98.0.4/32') });
    two.command('gw', { kind: 'rekey', connection: 'tunnel', what: 'ike' }).settle();
    expect(two.alice.inner).toEqual([ip('10.98.0.4')]);
    two.command('gw', { kind: 'terminate', connection: 'tunnel' }).settle();
    expect(two.alice.inner).toEqual([]);
  });

  test('there is none left: INTERNAL_ADDRESS_FAILURE and no child SA', () => {
    const two = established({ alice, gw: { ...gw('10.98.0.4/32'), remoteIdentity: 'any' } });
    const second = pair({ alice: { ...alice, localIdentity: { type: 'fqdn', value: 'bob' } }, seed: 2 }).initiate();
    const from = { address: ip('203.0.113.8'), port: 500 };
    const talk = (): void => {
      // a second client at another address talks to the same gateway
      for (let step = 0; step < 4; step++) {
        const said = second.wire.at(-1)!;
        const before = two.wire.length;
        two.deliver('gw', from, said.destination, said.payload);
        const answer = two.wire.slice(before).at(-1);
        if (answer === undefined) return;
        second.deliver('alice', answer.source, said.source, answer.payload);
      }
    };
    talk();
    expect(second.alice.states()).toEqual(['connecting', 'established']);
    expect(second.alice.events('child-sa')).toMatchObject([{ state: 'failed' }]);
    expect(second.alice.inner).toEqual([]);
  });

  test('who does not ask for one is not let in without: FAILED_CP_REQUIRED', () => {
    const two = established({ gw: gw('10.98.0.0/24') });
    expect(notifiesIn(opened(two.alice, two.wire[3]!, 'responder'))).toEqual([notifyTypes.FAILED_CP_REQUIRED]);
  });
});

test('a client that has started anew says INITIAL_CONTACT, and the gateway forgets what it had with it', () => {
  const two = established();
  const reborn = pair({ seed: 3 }).initiate();
  for (let step = 0; step < 2; step++) {
    const said = reborn.wire.at(-1)!;
    two.deliver('gw', said.source, said.destination, said.payload);
    const answer = two.wire.at(-1)!;
    reborn.deliver('alice', answer.source, answer.destination, answer.payload);
  }
  expect(reborn.alice.states()).toEqual(['connecting', 'established']);
  expect(two.gw.states()).toEqual(['connecting', 'established', 'connecting', 'deleted', 'established']);
  expect(two.gw.stack.size).toBe(2);
});
