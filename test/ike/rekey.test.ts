import { describe, expect, test } from 'vitest';
import { notifyTypes, type Payload } from '../../src/wire/ike/message.ts';
import { established, minutes, pair, seconds, type Datagram, type Pair, type PartyName } from '../support/pair.ts';
import { forged, ladder, opened } from '../support/insider.ts';

const other = (who: PartyName): PartyName => (who === 'alice' ? 'gw' : 'alice');
const outbound = (two: Pair, who: PartyName): number[] => two[who].stack.to(two[other(who)].config.address).map(({ sa }) => sa!.spi);
const inbound = (two: Pair, who: PartyName): number[] => two[who].stack.to(two[who].config.address).map(({ sa }) => sa!.spi);
const withGroups = (two: Pair, who: PartyName, groups: readonly string[]): object => {
  const { child } = two[who].config.connections[0]!;
  return { child: { ...child, proposals: [{ ...child.proposals[0]!, groups }] } };
};

/** One pair of SAs on either side, which fit each other. */
function expectOneTunnel(two: Pair): void {
  expect(inbound(two, 'alice')).toHaveLength(1);
  expect(inbound(two, 'gw')).toHaveLength(1);
  expect(outbound(two, 'alice')).toEqual(inbound(two, 'gw'));
  expect(outbound(two, 'gw')).toEqual(inbound(two, 'alice'));
  const keys = ({ stack }: Pair['alice']): string[] => [...stack.sas.values()].map(({ sa, encryptionKey }) => `${sa!.spi} ${Buffer.from(encryptionKey!).toString('hex')}`).sort();
  expect(keys(two.alice)).toEqual(keys(two.gw));
  expect([two.alice.stack.policies.size, two.gw.stack.policies.size]).toEqual([2, 2]);
  expect([two.alice.stack.larval, two.gw.stack.larval]).toEqual([0, 0]);
}

describe.each(['alice', 'gw'] as const)('%s rekeys the child SA', (who) => {
  test('a successor with fresh keys takes over, the old one is deleted, the policies stay', () => {
    const two = established();
    const old = inbound(two, who);
    two.wire.length = 0;
    two.command(who, { kind: 'rekey', connection: 'tunnel', what: 'child' }).settle();
    // 1  HDR, SK {N(REKEY_SA), SA, Ni, TSi, TSr}  -->
    // 2           <--  HDR, SK {SA, Nr, TSi, TSr}
    // 3  HDR, SK {D}                              -->
    // 4                           <--  HDR, SK {D}
    expect(ladder(two.wire)).toEqual([[who, 'CREATE_CHILD_SA'], [other(who), 'CREATE_CHILD_SA answer'], [who, 'INFORMATIONAL'], [other(who), 'INFORMATIONAL answer']]);
    expectOneTunnel(two);
    expect(inbound(two, who)).not.toEqual(old);
    for (const party of [two.alice, two.gw]) {
      expect(party.events('child-sa').map(({ state }) => state)).toEqual(['established', 'established', 'rekeyed', 'deleted']);
      expect(party.stack.of('SADB_X_SPDADD')).toHaveLength(2);
    }
  });

  test('with perfect forward secrecy', () => {
    const base = pair();
    const two = established({ alice: withGroups(base, 'alice', ['ecp-256']), gw: withGroups(base, 'gw', ['ecp-256']) });
    two.command(who, { kind: 'rekey', connection: 'tunnel', what: 'child' }).settle();
    expect(two[who].events('ike-message').some(({ notation }) => notation.includes('N(REKEY_SA), SA, Ni, KEi'))).toBe(true);
    expectOneTunnel(two);
  });

  test('with a group that the other side does not want at first: INVALID_KE_PAYLOAD, and again', () => {
    const base = pair();
    const lists = { [who]: withGroups(base, who, ['curve25519', 'ecp-256']), [other(who)]: withGroups(base, other(who), ['ecp-256']) };
    const two = established(lists);
    two.wire.length = 0;
    two.command(who, { kind: 'rekey', connection: 'tunnel', what: 'child' }).settle();
    expect(ladder(two.wire).map(([, name]) => name)).toEqual(['CREATE_CHILD_SA', 'CREATE_CHILD_SA answer', 'CREATE_CHILD_SA', 'CREATE_CHILD_SA answer', 'INFORMATIONAL', 'INFORMATIONAL answer']);
    expectOneTunnel(two);
  });
});

test('who answers a rekey sends by the new SA only when the old one is deleted: until then the other may not be ready', () => {
  const two = established();
  const [old] = outbound(two, 'gw');
  two.link = (datagram) => (datagram.from === 'gw' ? [] : [datagram]);
  two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'child' }).settle();
  expect(inbound(two, 'gw')).toHaveLength(2);
  expect(outbound(two, 'gw')).toEqual([old]);
  two.link = (datagram) => [datagram];
  two.pass(seconds(10));
  expectOneTunnel(two);
});

test('SADB_EXPIRE with the soft limit starts it, once, whichever of the two SAs it is', () => {
  const two = established();
  const reqid = 1;
  const [spi] = inbound(two, 'alice');
  const [spiOut] = outbound(two, 'alice');
  const soft = { lifetimeSoft: { allocations: 0, bytes: 0n, addtime: 10n, usetime: 0n }, sa2: { mode: 2, sequence: 0, reqid } };
  const sa = (n: number): object => ({ sa: { spi: n, replay: 0, state: 2, auth: 0, encrypt: 0, flags: 0 } });
  two.wire.length = 0;
  two.stackSays('alice', { type: 'SADB_EXPIRE', ...sa(spi!), ...soft });
  two.stackSays('alice', { type: 'SADB_EXPIRE', ...sa(spiOut!), ...soft });
  two.settle();
  expect(ladder(two.wire)).toHaveLength(4);
  expectOneTunnel(two);
});

test('SADB_EXPIRE with the hard limit deletes the child SA on both sides', () => {
  const two = established();
  const [spi] = inbound(two, 'alice');
  two.stackSays('alice', {
    type: 'SADB_EXPIRE', sa: { spi: spi!, replay: 0, state: 3, auth: 0, encrypt: 0, flags: 0 }, sa2: { mode: 2, sequence: 0, reqid: 1 },
    lifetimeHard: { allocations: 0, bytes: 0n, addtime: 10n, usetime: 0n },
  });
  two.settle();
  expect([two.alice.stack.size, two.gw.stack.size, two.alice.stack.policies.size, two.gw.stack.policies.size]).toEqual([0, 0, 0, 0]);
  expect(two.gw.states()).toEqual(['connecting', 'established']);
});

test('the limits go to the stack, the soft ones a little before their time', () => {
  const base = pair();
  const { child } = base.alice.config.connections[0]!;
  const lifetime = { softTime: minutes(50), hardTime: minutes(60), softPackets: 1000, hardPackets: 2000 };
  const two = established({ alice: { child: { ...child, lifetime } } });
  for (const { lifetimeSoft, lifetimeHard } of two.alice.stack.sas.values()) {
    expect(lifetimeHard).toMatchObject({ allocations: 2000, addtime: 3600n });
    expect(Number(lifetimeSoft!.addtime)).toBeGreaterThanOrEqual(2700);
    expect(Number(lifetimeSoft!.addtime)).toBeLessThanOrEqual(3000);
    expect(lifetimeSoft!.allocations).toBeGreaterThanOrEqual(900);
  }
});

const nonceIn = (payloads: readonly Payload[]): string => Buffer.from(payloads.find((payload) => payload.type === 'Nonce')!.data).toString('hex');

describe('both sides rekey the child SA at once', () => {
  test.each([1, 2, 3, 4, 5, 6])('one successor is left, the one that was not made with the lowest nonce (seed %i)', (seed) => {
    const two = established({ seed });
    two.wire.length = 0;
    two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'child' });
    two.command('gw', { kind: 'rekey', connection: 'tunnel', what: 'child' });
    two.settle();
    expectOneTunnel(two);
    // requests of alice and gw, then their answers: who made the exchange with the lowest nonce closes its own (RFC 7296 §2.8.1)
    const [fromAlice, fromGw] = [opened(two.alice, two.wire[0]!, 'initiator'), opened(two.alice, two.wire[1]!, 'responder')];
    const answers = two.wire.slice(2, 4);
    const [toAlice, toGw] = [answers.find(({ from }) => from === 'gw')!, answers.find(({ from }) => from === 'alice')!];
    const aliceLowest = [nonceIn(fromAlice), nonceIn(opened(two.alice, toAlice, 'responder'))].sort()[0]!;
    const gwLowest = [nonceIn(fromGw), nonceIn(opened(two.alice, toGw, 'initiator'))].sort()[0]!;
    const survivor = aliceLowest > gwLowest ? fromAlice : fromGw;
    const proposals = survivor.find((payload) => payload.type === 'SA')!.proposals;
    const spi = Buffer.from(proposals[0]!.spi).readUInt32BE();
    expect(inbound(two, survivor === fromAlice ? 'alice' : 'gw')).toEqual([spi]);
  });

  test.each(['alice', 'gw'] as const)('also when %s hears of it late', (who) => {
    const two = established();
    let held: Datagram[] = [];
    two.link = (datagram) => {
      if (datagram.from === who || held.length > 0) return [datagram];
      held = [datagram];
      return [];
    };
    two.command(other(who), { kind: 'rekey', connection: 'tunnel', what: 'child' });
    two.command(who, { kind: 'rekey', connection: 'tunnel', what: 'child' });
    two.settle().pass(minutes(2));
    expectOneTunnel(two);
  });
});

describe.each(['alice', 'gw'] as const)('%s rekeys the IKE SA', (who) => {
  test('a successor inherits the child SAs, the old one is deleted, message IDs start again', () => {
    const two = established();
    const child = inbound(two, who);
    two.wire.length = 0;
    two.command(who, { kind: 'rekey', connection: 'tunnel', what: 'ike' }).settle();
    expect(ladder(two.wire)).toEqual([[who, 'CREATE_CHILD_SA'], [other(who), 'CREATE_CHILD_SA answer'], [who, 'INFORMATIONAL'], [other(who), 'INFORMATIONAL answer']]);
    expect(inbound(two, who)).toEqual(child);
    for (const party of [two.alice, two.gw]) expect(party.states()).toEqual(['connecting', 'established', 'established', 'rekeyed', 'deleted']);
    expect(two.alice.events('ike-keys').at(-1)).toMatchObject({ skEi: two.gw.events('ike-keys').at(-1)!.skEi, role: who === 'alice' ? 'initiator' : 'responder' });
    two.command('gw', { kind: 'probe', connection: 'tunnel' }).command('alice', { kind: 'probe', connection: 'tunnel' }).settle();
    expect(two.gw.events('ike-message').slice(-4).map(({ messageId }) => messageId)).toEqual([0, 0, 0, 0]);
    two.command(other(who), { kind: 'rekey', connection: 'tunnel', what: 'child' }).settle();
    expectOneTunnel(two);
  });

  test('when its time has come', () => {
    const two = established({ [who]: { rekeyIkeAfter: minutes(10) } });
    two.pass(minutes(10));
    expect(two.alice.states()).toEqual(['connecting', 'established', 'established', 'rekeyed', 'deleted']);
    two.pass(minutes(10));
    expect(two.alice.states().filter((state) => state === 'rekeyed')).toHaveLength(2);
  });
});

describe('both sides rekey the IKE SA at once', () => {
  test.each([1, 2, 3, 4, 5, 6])('one successor is left with the children, not the one that was made with the lowest nonce (seed %i)', (seed) => {
    const two = established({ seed });
    const child = inbound(two, 'alice');
    two.wire.length = 0;
    two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'ike' });
    two.command('gw', { kind: 'rekey', connection: 'tunnel', what: 'ike' });
    two.settle();
    const old = 0;
    const requests = [opened(two.alice, two.wire[0]!, 'initiator', old), opened(two.alice, two.wire[1]!, 'responder', old)];
    const [toAlice, toGw] = [two.wire.slice(2, 4).find(({ from }) => from === 'gw')!, two.wire.slice(2, 4).find(({ from }) => from === 'alice')!];
    const answers = [opened(two.alice, toAlice, 'responder', old), opened(two.alice, toGw, 'initiator', old)];
    const [ofAlice, ofGw] = [0, 1].map((i) => [nonceIn(requests[i]!), nonceIn(answers[i]!)].sort()[0]!);
    const survivor = requests[ofAlice! > ofGw! ? 0 : 1]!;
    const spi = Buffer.from(survivor.find((payload) => payload.type === 'SA')!.proposals[0]!.spi).toString('hex');
    expect(inbound(two, 'alice')).toEqual(child);
    for (const party of [two.alice, two.gw]) {
      const gone = party.events('ike-sa').filter(({ state }) => state === 'deleted').map(({ initiatorSpi }) => initiatorSpi);
      expect(gone).toHaveLength(2);
      expect(gone).not.toContain(spi);
    }
    two.wire.length = 0;
    two.command('gw', { kind: 'rekey', connection: 'tunnel', what: 'child' }).settle();
    expect(ladder(two.wire)).toHaveLength(4);
    expectOneTunnel(two);
    two.command('alice', { kind: 'terminate', connection: 'tunnel' }).settle();
    expect([two.alice.stack.size, two.gw.stack.size]).toEqual([0, 0]);
  });

  test('one request is lost: its sender learns from the DELETE of the old IKE SA, or from what goes on under the new one, that the other has won', () => {
    for (const goesOn of [false, true]) {
      const two = established();
      let lost = false;
      two.link = (datagram) => {
        if (lost || datagram.from !== 'gw') return [datagram];
        lost = true;
        return [];
      };
      two.command('gw', { kind: 'rekey', connection: 'tunnel', what: 'ike' });
      two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'ike' });
      if (goesOn) two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'child' });
      two.settle().pass(minutes(2));
      expectOneTunnel(two);
      expect(two.gw.states().filter((state) => state === 'established')).toHaveLength(2);
      expect(two.gw.stack.of('SADB_X_SPDADD')).toHaveLength(2); // the child SA was never lost
    }
  });
});

test('a rekey of the child SA that is queued behind one of the IKE SA goes by the new IKE SA', () => {
  const two = established();
  two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'ike' }).command('alice', { kind: 'rekey', connection: 'tunnel', what: 'child' }).settle();
  expectOneTunnel(two);
  expect(two.alice.states().filter((state) => state === 'deleted')).toHaveLength(1);
});

describe('what does not fit the moment (RFC 7296 §2.25)', () => {
  test('a rekey of a child SA that is not here: CHILD_SA_NOT_FOUND, with its SPI', () => {
    const two = established();
    const { source, destination } = two.wire[2]!;
    const spi = Uint8Array.of(9, 9, 9, 9);
    two.deliver('gw', source, destination, forged(two.gw, 'initiator', { exchange: 'CREATE_CHILD_SA', response: false, messageId: 2 }, [{ type: 'Notify', protocol: 3, spi, notifyType: notifyTypes.REKEY_SA, data: new Uint8Array(0) }]));
    expect(opened(two.gw, two.wire.at(-1)!, 'responder')).toMatchObject([{ notifyType: notifyTypes.CHILD_SA_NOT_FOUND, protocol: 3, spi }]);
  });

  test('a child SA is rekeyed while the IKE SA is: TEMPORARY_FAILURE, and once more later', () => {
    const two = established();
    two.wire.length = 0;
    two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'ike' });
    two.command('gw', { kind: 'rekey', connection: 'tunnel', what: 'child' });
    two.settle();
    const refusal = two.alice.events('ike-message').find(({ notation }) => notation.includes('TEMPORARY_FAILURE'));
    expect(refusal).toMatchObject({ direction: 'sent' });
    const child = inbound(two, 'gw');
    two.pass(minutes(1));
    expect(inbound(two, 'gw')).not.toEqual(child);
    expectOneTunnel(two);
  });

  test('the peer does not know the child SA any more: another is made from nothing', () => {
    const two = established();
    two.link = (datagram) => (two.wire.length === 6 && datagram.from === 'gw' ? [] : [datagram]);
    two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'child' }).settle();
    const { source, destination } = two.wire[5]!;
    const gone: Payload = { type: 'Notify', protocol: 3, spi: new Uint8Array(4), notifyType: notifyTypes.CHILD_SA_NOT_FOUND, data: new Uint8Array(0) };
    two.link = (datagram) => [datagram];
    two.deliver('alice', source, destination, forged(two.alice, 'responder', { exchange: 'CREATE_CHILD_SA', response: true, messageId: 2 }, [gone]));
    expect(two.alice.events('child-sa').map(({ state }) => state)).toEqual(['established', 'deleted']);
    two.settle();
    expect(two.alice.events('child-sa').map(({ state }) => state)).toEqual(['established', 'deleted', 'established']);
  });
});
