import { expect, test } from 'vitest';
import { ip, prefix } from '../../src/core/address.ts';
import { SecurityPolicies } from '../../src/ike/policies.ts';
import { PfkeyClient } from '../../src/ike/pfkey-client.ts';
import { selectorOf } from '../../src/ike/traffic-selectors.ts';
import { StackDouble } from '../support/stack-double.ts';

const selectors = { local: [selectorOf(prefix('10.99.0.0/24'))], remote: [selectorOf(prefix('10.98.0.1/32'))] };
const ends = (peer: string): { local: ReturnType<typeof ip>; peer: ReturnType<typeof ip> } => ({ local: ip('198.51.100.1'), peer: ip(peer) });

function policies(): { spd: SecurityPolicies; now: () => string[] } {
  const stack = new StackDouble(1);
  const client = new PfkeyClient((message) => void stack.handle(message));
  return {
    spd: new SecurityPolicies(client),
    now: () => [...stack.policies.values()].map(({ policy }) => `${policy!.direction} reqid ${policy!.requests[0]!.reqid} to ${policy!.requests[0]!.tunnel!.destination}`),
  };
}

test('an inbound and an outbound policy lead to the child SA', () => {
  const { spd, now } = policies();
  spd.add(1, selectors, ends('203.0.113.7'), { protocol: 'esp', mode: 'tunnel' });
  expect(now()).toEqual(['1 reqid 1 to 198.51.100.1', '2 reqid 1 to 203.0.113.7']);
  spd.remove(1, selectors);
  expect(now()).toEqual([]);
});

test('a client that comes back before its old IKE SA is given up takes the policies over, and keeps them when the old one goes', () => {
  const { spd, now } = policies();
  spd.add(1, selectors, ends('203.0.113.7'), { protocol: 'esp', mode: 'tunnel' });
  spd.add(2, selectors, ends('203.0.113.8'), { protocol: 'esp', mode: 'tunnel' });
  expect(now()[1]).toBe('2 reqid 2 to 203.0.113.8');
  spd.move(1, selectors, ends('203.0.113.9')); // the old one changes nothing any more
  spd.remove(1, selectors);
  expect(now()[1]).toBe('2 reqid 2 to 203.0.113.8');
});

test('when the newer one goes, the older one has them again, as it is by then', () => {
  const { spd, now } = policies();
  spd.add(1, selectors, ends('203.0.113.7'), { protocol: 'esp', mode: 'tunnel' });
  spd.add(2, selectors, ends('203.0.113.8'), { protocol: 'esp', mode: 'tunnel' });
  spd.move(1, selectors, ends('203.0.113.9'));
  spd.remove(2, selectors);
  expect(now()[1]).toBe('2 reqid 1 to 203.0.113.9');
});

test('in transport mode equal selectors are one reqid, as real systems have it', () => {
  const { spd } = policies();
  expect(spd.reqidInTransport(selectors, 'esp')).toBeUndefined();
  spd.add(7, selectors, ends('203.0.113.7'), { protocol: 'esp', mode: 'transport' });
  expect(spd.reqidInTransport(selectors, 'esp')).toBe(7);
  expect(spd.reqidInTransport({ ...selectors, remote: [selectorOf(prefix('10.98.0.2/32'))] }, 'esp')).toBeUndefined();
  spd.add(8, selectors, ends('203.0.113.8'), { protocol: 'esp', mode: 'tunnel' });
  expect(spd.reqidInTransport(selectors, 'esp')).toBeUndefined();
});
