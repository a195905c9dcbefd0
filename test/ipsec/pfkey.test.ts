/** The conversation that src/ipsec/README.md settles. */
import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { fromHex } from '../../src/core/bytes.ts';
import { minutes, seconds, type Instant } from '../../src/core/time.ts';
import { authAlgorithms, encryptionAlgorithms, ipsecModes, pfkeyErrors, policyLevels, saStates, saTypes, type PfkeyMessage } from '../../src/wire/pfkey/message.ts';
import { add, address, drops, east, eastNet, events, Host, inbound, inner, carried, messages, of, pair, plainPolicy, policy, spiToEast, transportPolicy, west, westNet, type Request } from './host.ts';

const { EEXIST, ESRCH, EINVAL, ENOENT, EOPNOTSUPP } = pfkeyErrors;
const at = (n: number): Instant => seconds(n) as number as Instant;
const named = (spi: number) => ({ spi, replay: 0, state: 0, auth: 0, encrypt: 0, flags: 0 });
const toWest = { source: address(east), destination: address(west) };
const getSpi = (min = 0x100, max = 0xffff_ffff): Request => ({ type: 'SADB_GETSPI', ...toWest, sa2: { mode: ipsecModes.TUNNEL, sequence: 0, reqid: 17 }, spiRange: { min, max } });
const get = (spi: number, destination = west): Request => ({ type: 'SADB_GET', sa: named(spi), destination: address(destination) });
const limit = (fields: Partial<PfkeyMessage['lifetimeHard'] & object>) => ({ allocations: 0, bytes: 0n, addtime: 0n, usetime: 0n, ...fields });

describe('answers', () => {
  test('carry type, sequence and pid of the request', () => {
    const [answer] = messages(new Host(ip(west)).pfkey({ type: 'SADB_REGISTER', sequence: 4711, pid: 99 }));
    expect(answer).toMatchObject({ type: 'SADB_REGISTER', sequence: 4711, pid: 99, errno: 0 });
  });

  test('REGISTER says which algorithms there are', () => {
    const { supportedEncryption, supportedAuth } = new Host(ip(west)).ask({ type: 'SADB_REGISTER' });
    expect(supportedEncryption!.map(({ id, minBits, maxBits }) => [id, minBits, maxBits])).toEqual([
      [encryptionAlgorithms['3DESCBC'], 192, 192],
      [encryptionAlgorithms.AESCBC, 128, 256],
      [encryptionAlgorithms.AES_GCM_ICV16, 128, 256],
      [encryptionAlgorithms.CHACHA20POLY1305, 256, 256],
    ]);
    expect(supportedAuth!.map(({ id }) => id)).toEqual([authAlgorithms.MD5HMAC, authAlgorithms.SHA1HMAC, authAlgorithms.SHA2_256HMAC, authAlgorithms.SHA2_384HMAC, authAlgorithms.SHA2_512HMAC]);
  });

  const unknown = 0x9999;
  test.each<[string, Request, number]>([
    ['another protocol than ESP and AH is not served', { type: 'SADB_DUMP', saType: 9 }, EINVAL],
    ['a dump of no SAs of AH', { type: 'SADB_DUMP', saType: saTypes.AH }, ENOENT],
    ['a dump of no SAs', { type: 'SADB_DUMP' }, ENOENT],
    ['a dump of no policies', { type: 'SADB_X_SPDDUMP' }, ENOENT],
    ['GET of an SA that is not there', get(unknown), ESRCH],
    ['DELETE of an SA that is not there', { type: 'SADB_DELETE', sa: named(unknown), destination: address(west) }, ESRCH],
    ['UPDATE of an SA that is not there', { ...add(unknown, east, west), type: 'SADB_UPDATE' }, ESRCH],
    ['DELETE without an SA', { type: 'SADB_DELETE', destination: address(west) }, EINVAL],
    ['GETSPI without a range', { ...getSpi(), spiRange: undefined as never }, EINVAL],
    ['GETSPI in the reserved range', getSpi(1, 255), ENOENT],
    ['GETSPI between two families', { ...getSpi(), source: address('2001:db8::1') }, EINVAL],
    ['ADD with a reserved SPI', add(255, east, west), EINVAL],
    ['ADD with a key of no length that the cipher has', add(unknown, east, west, { more: { encryptionKey: new Uint8Array(19) } }), EINVAL],
    ['ADD of an AEAD with an authentication key', add(unknown, east, west, { more: { authKey: new Uint8Array(20) } }), EINVAL],
    ['ADD of an inbound SA with extended numbers and no window', add(unknown, east, west, { extended: true, replay: 0 }), EINVAL],
    ['ADD in a mode that is none (BEET)', add(unknown, east, west, { more: { sa2: { mode: 3, sequence: 0, reqid: 1 } } }), EINVAL],
    ['SPDADD in transport mode with tunnel ends', { ...policy('out', west, east, [west, east]), policy: { ...transportPolicy('out', west, east).policy!, requests: [{ ...transportPolicy('out', west, east).policy!.requests[0]!, tunnel: { source: ip(west), destination: ip(east) } }] } }, EINVAL],
    ['SPDADD in tunnel mode without ends', { ...policy('out', west, east, [west, east]), policy: { ...transportPolicy('out', west, east).policy!, requests: [{ ...transportPolicy('out', west, east).policy!.requests[0]!, mode: ipsecModes.TUNNEL }] } }, EINVAL],
    ['ADD with encapsulation and a port missing', add(unknown, east, west, { more: { nattType: 2, nattSourcePort: 4500 } }), EINVAL],
    ['ADD with an encapsulation that nobody knows', add(unknown, east, west, { more: { nattType: 3, nattSourcePort: 500, nattDestinationPort: 500 } }), EINVAL],
    ['SPDADD UNIQUE without a reqid', policy('out', westNet, eastNet, [west, east], 0), EINVAL],
    ['SPDADD of two families', { ...policy('out', westNet, eastNet, [west, east]), source: address('2001:db8::/64') }, EINVAL],
    ['SPDDELETE of a policy that is not there', { ...policy('out', westNet, eastNet, [west, east]), type: 'SADB_X_SPDDELETE' }, ENOENT],
    ['what only the stack says', { type: 'SADB_EXPIRE' }, EOPNOTSUPP],
  ])('%s', (_, request, errno) => {
    const host = new Host(ip(west));
    expect(host.ask(request)).toMatchObject({ type: request.type, errno });
    expect(host.stack.nextWake()).toBeUndefined();
  });

  test('level USE, which would let traffic out in the clear, is refused', () => {
    const request = policy('out', westNet, eastNet, [west, east]);
    const [wanted] = request.policy!.requests;
    expect(new Host(ip(west)).ask({ ...request, policy: { ...request.policy!, requests: [{ ...wanted!, level: policyLevels.USE }] } }).errno).toBe(EINVAL);
  });

  test('bytes that are no message get a drop and no answer', () => {
    const outputs = new Host(ip(west)).do({ kind: 'pfkey', message: fromHex('0203') });
    expect(drops(outputs)).toEqual(['pfkey-malformed']);
    expect(of(outputs, 'pfkey')).toEqual([]);
  });
});

describe('an SA', () => {
  test('is larval after GETSPI, with an SPI of the range, and mature after UPDATE', () => {
    const host = new Host(ip(west));
    const { sa } = host.ask(getSpi(0x5000, 0x5003));
    expect(sa).toMatchObject({ state: saStates.LARVAL });
    expect(sa!.spi).toBeGreaterThanOrEqual(0x5000);
    expect(sa!.spi).toBeLessThanOrEqual(0x5003);
    const outputs = host.pfkey({ ...add(sa!.spi, east, west), type: 'SADB_UPDATE' });
    expect(messages(outputs)).toMatchObject([{ type: 'SADB_UPDATE', errno: 0, sa: { spi: sa!.spi, state: saStates.MATURE } }]);
    expect(events(outputs)).toEqual(['sa-added', 'esp-keys']);
  });

  test('GETSPI never gives an SPI twice, and says when the range is full', () => {
    const host = new Host(ip(west));
    const answers = Array.from({ length: 5 }, () => host.ask(getSpi(0x5000, 0x5003)));
    expect(new Set(answers.slice(0, 4).map(({ sa }) => sa!.spi)).size).toBe(4);
    expect(answers[4]!.errno).toBe(ENOENT);
  });

  test('a larval one that nobody fills goes after 165 s, with an EXPIRE', () => {
    const host = new Host(ip(west));
    const { sa } = host.ask(getSpi());
    expect(messages(host.until(at(164)))).toEqual([]);
    expect(messages(host.until(at(166)))).toMatchObject([{ type: 'SADB_EXPIRE', sa: { spi: sa!.spi, state: saStates.LARVAL } }]);
    expect(host.ask(get(sa!.spi)).errno).toBe(ESRCH);
  });

  test('cannot be added twice, but to another destination', () => {
    const host = new Host(ip(west));
    expect(host.ask(add(0x1000, west, east)).errno).toBe(0);
    expect(host.ask(add(0x1000, west, east)).errno).toBe(EEXIST);
    expect(host.ask(add(0x1000, west, '203.0.113.9')).errno).toBe(0);
  });

  test('GET says everything of it, in seconds since the lab started', () => {
    const { west: host } = pair({ ports: [4500, 61234], more: { lifetimeHard: limit({ addtime: 3600n }), lifetimeSoft: limit({ addtime: 3000n, allocations: 9 }) } });
    host.now = 12_900 as Instant;
    host.outbound(inner('10.1.0.5', '10.2.0.6'));
    host.now = 17_300 as Instant;
    host.outbound(inner('10.1.0.5', '10.2.0.6'));
    expect(host.ask(get(spiToEast, east))).toMatchObject({
      errno: 0,
      sa: { spi: spiToEast, replay: 8, state: saStates.MATURE, auth: authAlgorithms.NONE, encrypt: encryptionAlgorithms.AES_GCM_ICV16 },
      sa2: { mode: ipsecModes.TUNNEL, reqid: 17 },
      source: { address: west }, destination: { address: east },
      nattType: 2, nattSourcePort: 4500, nattDestinationPort: 61234,
      lifetimeCurrent: { allocations: 2, bytes: 66n, addtime: 0n, usetime: 18n },
      lifetimeHard: { addtime: 3600n }, lifetimeSoft: { addtime: 3000n, allocations: 9 },
    });
  });

  test('usetime is 0 only when it was never used', () => {
    const { west: host } = pair();
    expect(host.ask(get(spiToEast, east)).lifetimeCurrent!.usetime).toBe(0n);
    host.outbound(inner('10.1.0.5', '10.2.0.6'));
    expect(host.ask(get(spiToEast, east)).lifetimeCurrent!.usetime).toBe(1n);
  });

  test('DUMP counts down to 0', () => {
    const { west: host } = pair();
    expect(messages(host.pfkey({ type: 'SADB_DUMP' })).map(({ sa, sequence }) => [sa!.spi, sequence])).toEqual([[0x1000, 1], [0x2000, 0]]);
  });

  test('DELETE and FLUSH end it', () => {
    const { west: host } = pair();
    expect(events(host.pfkey({ type: 'SADB_DELETE', sa: named(spiToEast), destination: address(east) }))).toEqual(['sa-deleted']);
    expect(drops(host.outbound(inner('10.1.0.5', '10.2.0.6')))).toEqual(['policy-no-sa']);
    expect(events(host.pfkey({ type: 'SADB_FLUSH' }))).toEqual(['sa-deleted']);
    expect(host.ask({ type: 'SADB_DUMP' }).errno).toBe(ENOENT);
  });

  test('a mature one takes no other keys', () => {
    const { west: host } = pair();
    expect(host.ask({ ...add(spiToEast, west, east), type: 'SADB_UPDATE' }).errno).toBe(EINVAL);
  });
});

describe('a policy', () => {
  const out = policy('out', westNet, eastNet, [west, east]);

  test('is found by selector and by id, replaced by SPDUPDATE, and ended', () => {
    const host = new Host(ip(west));
    const { policy: added } = host.ask(out);
    expect(host.ask(out).errno).toBe(EEXIST);
    expect(host.ask({ ...policy('out', westNet, eastNet, [west, '203.0.113.9']), type: 'SADB_X_SPDUPDATE' }).policy).toMatchObject({ id: added!.id, requests: [{ tunnel: { destination: '203.0.113.9' } }] });
    expect(messages(host.pfkey({ type: 'SADB_X_SPDDUMP' }))).toMatchObject([{ sequence: 0, source: { address: '10.1.0.0', prefixLength: 24 }, policy: { id: added!.id } }]);
    const byId: Request = { type: 'SADB_X_SPDGET', policy: { ...added!, requests: [] } };
    expect(host.ask(byId)).toMatchObject({ errno: 0, destination: { address: '10.2.0.0' } });
    expect(host.ask({ ...byId, type: 'SADB_X_SPDDELETE2' }).errno).toBe(0);
    expect(host.ask(byId).errno).toBe(ENOENT);
    host.pfkey(out);
    expect(host.ask({ ...out, type: 'SADB_X_SPDDELETE' }).errno).toBe(0);
    host.pfkey(out);
    host.pfkey({ type: 'SADB_X_SPDFLUSH' });
    expect(host.ask({ type: 'SADB_X_SPDDUMP' }).errno).toBe(ENOENT);
  });

  test('without an SA asks for one once in 30 s, and only a daemon that has registered', () => {
    const host = new Host(ip(west));
    host.pfkey(out);
    const send = () => host.outbound(inner('10.1.0.5', '10.2.0.6'));
    const unasked = send();
    expect([drops(unasked), messages(unasked)]).toEqual([['policy-no-sa'], []]);
    host.pfkey({ type: 'SADB_REGISTER' });
    expect(messages(send())).toMatchObject([{ type: 'SADB_ACQUIRE', pid: 0, source: { address: west }, destination: { address: east }, sa2: { reqid: 17 }, policy: { direction: 2 } }]);
    expect(messages(send())).toEqual([]);
    host.until(at(29));
    expect(messages(send())).toEqual([]);
    host.until(at(30));
    expect(messages(send())).toHaveLength(1);
  });

  test('that had an SA asks again at once when it is gone', () => {
    const { west: host } = pair();
    host.pfkey({ type: 'SADB_REGISTER' });
    host.pfkey({ type: 'SADB_FLUSH' });
    expect(messages(host.outbound(inner('10.1.0.5', '10.2.0.6')))).toHaveLength(1);
    host.pfkey(add(spiToEast, west, east));
    host.outbound(inner('10.1.0.5', '10.2.0.6'));
    host.pfkey({ type: 'SADB_FLUSH' });
    expect(messages(host.outbound(inner('10.1.0.5', '10.2.0.6')))).toHaveLength(1);
  });

  test('a daemon that could not is not answered', () => {
    expect(messages(new Host(ip(west)).pfkey({ type: 'SADB_ACQUIRE', errno: 110 }))).toEqual([]);
  });

  test('DISCARD and NONE do what they say, the lower priority first', () => {
    const { west: host } = pair();
    host.pfkey({ ...policy('out', westNet, eastNet, [west, east], 17, 10), type: 'SADB_X_SPDUPDATE' });
    host.pfkey(plainPolicy('out', 'DISCARD', '10.1.0.0/24', '10.2.0.9/32', 9));
    host.pfkey(plainPolicy('out', 'DISCARD', '10.1.0.0/24', '10.2.0.8/32', 11));
    host.pfkey(plainPolicy('out', 'NONE', '10.1.0.5/32', '10.3.0.0/16'));
    expect(drops(host.outbound(inner('10.1.0.5', '10.2.0.9')))).toEqual(['policy-discard']);
    expect(of(host.outbound(inner('10.1.0.5', '10.2.0.8')), 'esp')).toHaveLength(1);
    expect(of(host.outbound(inner('10.1.0.5', '10.3.0.1')), 'bypass')).toHaveLength(1);
    expect(drops(host.outbound(inner('10.1.0.6', '10.3.0.1')))).toEqual(['policy-discard']);
  });
});

describe('lifetimes', () => {
  test('in time: soft is told once and the SA goes on, hard ends it', () => {
    const { west: host } = pair({ more: { lifetimeSoft: limit({ addtime: 60n }), lifetimeHard: limit({ addtime: 90n }) } });
    const soft = host.until(at(60));
    expect(messages(soft).map(({ type, sa, lifetimeSoft }) => [type, sa!.state, lifetimeSoft?.addtime])).toEqual([['SADB_EXPIRE', saStates.DYING, 60n], ['SADB_EXPIRE', saStates.DYING, 60n]]);
    expect(of(host.outbound(inner('10.1.0.5', '10.2.0.6')), 'esp')).toHaveLength(1);
    const hard = host.until(at(90));
    expect(messages(hard).map(({ type, lifetimeHard }) => [type, lifetimeHard?.addtime])).toEqual([['SADB_EXPIRE', 90n], ['SADB_EXPIRE', 90n]]);
    expect(events(hard)).toEqual(['sa-expired', 'sa-expired']);
    expect(drops(host.outbound(inner('10.1.0.5', '10.2.0.6')))).toEqual(['policy-no-sa']);
    expect(host.stack.nextWake()).toBeUndefined();
  });

  test('in packets: the packet that would be one too many ends the SA', () => {
    const { west: host, east: other } = pair({ more: { lifetimeSoft: limit({ allocations: 2 }), lifetimeHard: limit({ allocations: 3 }) } });
    const sent = Array.from({ length: 3 }, () => host.outbound(inner('10.1.0.5', '10.2.0.6')));
    expect(sent.map((outputs) => messages(outputs).map(({ lifetimeSoft }) => lifetimeSoft?.allocations))).toEqual([[], [2], []]);
    const fourth = host.outbound(inner('10.1.0.5', '10.2.0.6'));
    expect(drops(fourth)).toEqual(['esp-lifetime']);
    expect(messages(fourth)).toMatchObject([{ type: 'SADB_EXPIRE', lifetimeHard: { allocations: 3 }, lifetimeCurrent: { allocations: 3 } }]);
    expect(sent.flatMap((outputs) => carried(outputs)).flatMap((input) => inbound(other.do(input)))).toHaveLength(3);
  });

  test('after the first use: the clock starts with the first packet', () => {
    const { west: host } = pair({ more: { lifetimeHard: limit({ usetime: 20n }) } });
    expect(host.stack.nextWake()).toBeUndefined();
    host.until(at(100));
    host.outbound(inner('10.1.0.5', '10.2.0.6'));
    expect(host.stack.nextWake()!.at).toBe(at(120));
    expect(events(host.until(at(121)))).toEqual(['sa-expired']);
  });

  test('a rekey: the newest mature SA of the policy is used, a dying one only when there is no other', () => {
    const { west: host } = pair({ more: { lifetimeSoft: limit({ addtime: 10n }) } });
    const spiUsed = () => new DataView(of(host.outbound(inner('10.1.0.5', '10.2.0.6')), 'esp')[0]!.payload.slice().buffer).getUint32(0);
    host.until(minutes(1) as number as Instant);
    expect(spiUsed()).toBe(spiToEast);
    host.pfkey(add(0x1001, west, east));
    expect(spiUsed()).toBe(0x1001);
    host.pfkey(add(0x1002, west, east));
    expect(spiUsed()).toBe(0x1002);
    host.pfkey({ type: 'SADB_DELETE', sa: named(0x1002), destination: address(east) });
    expect(spiUsed()).toBe(0x1001);
  });
});
