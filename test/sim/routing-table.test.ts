import { expect, test } from 'vitest';
import { ip, prefix } from '../../src/core/address.ts';
import { RoutingTable } from '../../src/sim/routing-table.ts';

const table = new RoutingTable();
for (const [to, interfaceName] of [
  ['0.0.0.0/0', 'uplink'],
  ['10.0.0.0/8', 'office'],
  ['10.1.2.128/25', 'lab'],
  ['10.1.2.200/32', 'printer'],
  ['10.1.2.0/24', 'floor'],
  ['2001:db8::/32', 'six'],
  ['2001:db8:0:8000::/49', 'upper six'],
] as const) {
  table.add({ to: prefix(to), interface: interfaceName });
}

test.each([
  ['10.1.2.200', 'printer'],
  ['10.1.2.201', 'lab'],
  ['10.1.2.127', 'floor'],
  ['10.1.3.1', 'office'],
  ['11.0.0.0', 'uplink'],
  ['2001:db8::1', 'six'],
  ['2001:db8:0:7fff::1', 'six'],
  ['2001:db8:0:8000::1', 'upper six'],
])('the longest prefix that holds %s leads to %s', (destination, expected) => {
  expect(table.lookup(ip(destination))?.interface).toBe(expected);
});

test('an address that no prefix holds has no route', () => {
  expect(table.lookup(ip('2001:db9::1'))).toBeUndefined();
});

test('of equal prefixes the one added last wins', () => {
  const routes = new RoutingTable();
  routes.add({ to: prefix('10.0.0.0/8'), interface: 'first' });
  routes.add({ to: prefix('10.0.0.0/8'), interface: 'second' });
  expect(routes.lookup(ip('10.1.1.1'))?.interface).toBe('second');
});

test('an interface can be left out of the search', () => {
  expect(table.lookup(ip('10.1.2.200'), 'printer')?.interface).toBe('lab');
});
