import { describe, expect, test } from 'vitest';
import { contradictions } from '../../src/nat/contradictions.ts';
import { ipv6Presets, presets, presetNamed } from '../../src/nat/presets.ts';
import { boxWith, outside } from './lab.ts';
import { echo, esp, tcp, udp } from './packets.ts';

const alice = '10.0.0.2';
const bob = '10.0.0.3';
const gateway = '198.51.100.1';
const other = '198.51.100.2';

/** The outside port that a translated packet left from. */
const portOf = (passed: string): number => Number(/^\w+ 203\.0\.113\.1:(\d+) >/.exec(passed)?.[1]);

describe('every preset', () => {
  test.each(presets.map((preset) => [preset.name, preset] as const))('%s: one client speaks and is answered, over UDP, TCP and ping', (name, preset) => {
    expect(preset.title).not.toBe('');
    expect(preset.met).not.toBe('');
    for (const { says, where } of preset.sources) expect([says, where]).not.toContain('');
    expect(preset.modelled).not.toBe('');
    const lab = boxWith(name);
    const port = portOf(lab.out(udp(`${alice}:7000`, `${gateway}:7000`)));
    expect(lab.in(udp(`${gateway}:7000`, `${outside}:${port}`))).toBe(`udp ${gateway}:7000 > ${alice}:7000`);
    const tcpPort = portOf(lab.out(tcp(`${alice}:8000`, `${gateway}:80`, ['syn'])));
    expect(lab.in(tcp(`${gateway}:80`, `${outside}:${tcpPort}`, ['syn', 'ack']))).toBe(`tcp ${gateway}:80 > ${alice}:8000`);
    const identifier = Number(/id (\d+)/.exec(lab.out(echo(alice, gateway, 77)))![1]);
    expect(lab.in(echo(gateway, outside, identifier, 'echo-reply'))).toBe(`icmp ${gateway} > ${alice} type 0 id 77`);
    const passes = preset.behaviour.esp !== 'blocked';
    expect(lab.out(esp(alice, gateway))).toBe(passes ? `esp ${outside} > ${gateway}` : 'nat-esp-blocked');
    expect(lab.in(esp(gateway, outside))).toBe(passes ? `esp ${gateway} > ${alice}` : 'nat-esp-blocked');
  });

  test('there are twenty at least', () => expect(presets.length).toBeGreaterThanOrEqual(20));
  test('what nobody has said is said to be modelled, all of it', () => {
    expect([...presets, ...ipv6Presets].filter(({ sources, modelled }) => sources.length === 0 && !modelled.startsWith('All of it')).map(({ name }) => name)).toEqual([]);
  });
  test('no two behave alike', () => {
    const behaviours = presets.map(({ behaviour }) => JSON.stringify(behaviour));
    expect(presets.filter((_, i) => behaviours.indexOf(behaviours[i]!) !== i).map(({ name }) => name)).toEqual([]);
  });
  test('each is a box that can be', () => expect(presets.flatMap(({ name, behaviour }) => contradictions(behaviour).map(({ knobs }) => [name, knobs]))).toEqual([]));
  test('names are unique', () => {
    const names = [...presets, ...ipv6Presets].map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
    expect(names.filter((name) => presetNamed(name)?.name !== name)).toEqual([]);
  });
  test('an unknown name gives nothing', () => expect(presetNamed('open')).toBeUndefined());
});

describe('the cones: who may send to a port that was opened to gateway:500', () => {
  const admitted = {
    'full-cone': { [`${gateway}:500`]: true, [`${gateway}:4500`]: true, [`${other}:500`]: true },
    restricted: { [`${gateway}:500`]: true, [`${gateway}:4500`]: true, [`${other}:500`]: false },
    'port-restricted': { [`${gateway}:500`]: true, [`${gateway}:4500`]: false, [`${other}:500`]: false },
    symmetric: { [`${gateway}:500`]: true, [`${gateway}:4500`]: false, [`${other}:500`]: false },
    'linux-masquerade': { [`${gateway}:500`]: true, [`${gateway}:4500`]: false, [`${other}:500`]: false },
  };
  test.each(Object.entries(admitted))('%s', (name, peers) => {
    const lab = boxWith(name);
    const port = portOf(lab.out(udp(`${alice}:500`, `${gateway}:500`)));
    for (const [peer, may] of Object.entries(peers)) {
      expect(lab.in(udp(peer, `${outside}:${port}`)), peer).toBe(may ? `udp ${peer} > ${alice}:500` : 'nat-filtered');
    }
  });
});

describe('one outside port for every destination, or one for each', () => {
  test.each(['full-cone', 'restricted', 'port-restricted', 'linux-masquerade', 'passthrough-500'])('%s keeps one', (name) => {
    const lab = boxWith(name);
    expect(portOf(lab.out(udp(`${alice}:4500`, `${gateway}:4500`)))).toBe(4500);
    expect(portOf(lab.out(udp(`${alice}:4500`, `${other}:4500`)))).toBe(4500);
  });
  test.each(['symmetric', 'linux-masquerade-random'])('%s takes another', (name) => {
    const lab = boxWith(name);
    const ports = Array.from({ length: 20 }, (_, i) => portOf(lab.out(udp(`${alice}:4500`, `${gateway}:${5000 + i}`))));
    expect(new Set(ports).size).toBe(20);
  });
});

describe('linux-masquerade', () => {
  test('a second client from port 500 gets one below 512, from 4500 one above 1023', () => {
    const lab = boxWith('linux-masquerade');
    lab.out(udp(`${alice}:500`, `${gateway}:500`));
    lab.out(udp(`${alice}:4500`, `${gateway}:4500`));
    const low = portOf(lab.out(udp(`${bob}:500`, `${gateway}:500`)));
    expect(low).toBeGreaterThan(0);
    expect(low).toBeLessThan(512);
    expect(low).not.toBe(500);
    expect(portOf(lab.out(udp(`${bob}:4500`, `${gateway}:4500`)))).toBeGreaterThan(1023);
  });
  test('a second client keeps its port to another server, and the port of its last flow to a third', () => {
    const lab = boxWith('linux-masquerade');
    lab.out(udp(`${alice}:500`, `${gateway}:500`));
    expect(portOf(lab.out(udp(`${bob}:500`, `${other}:500`)))).toBe(500);
    const changed = portOf(lab.out(udp(`${bob}:500`, `${gateway}:500`)));
    expect(changed).not.toBe(500);
    expect(portOf(lab.out(udp(`${bob}:500`, '198.51.100.3:500')))).toBe(changed);
  });
  test('raw ESP serves one client per server', () => {
    const lab = boxWith('linux-masquerade');
    lab.out(esp(alice, gateway));
    expect(lab.out(esp(bob, gateway))).toBe('nat-esp-taken');
    expect(lab.out(esp(bob, other))).toBe(`esp ${outside} > ${other}`);
  });
  test('each flow has a timer of its own: 30 s until answered', () => {
    const lab = boxWith('linux-masquerade');
    lab.out(udp(`${alice}:500`, `${gateway}:500`));
    lab.wait(20);
    lab.out(udp(`${alice}:500`, `${other}:500`));
    lab.wait(10);
    expect(lab.in(udp(`${gateway}:500`, `${outside}:500`))).toBe('nat-filtered');
    expect(lab.in(udp(`${other}:500`, `${outside}:500`))).toBe(`udp ${other}:500 > ${alice}:500`);
  });
  test('the answer itself still counts 30 s, the next packet 120 s', () => {
    const lab = boxWith('linux-masquerade');
    lab.out(udp(`${alice}:500`, `${gateway}:500`));
    lab.wait(5);
    lab.in(udp(`${gateway}:500`, `${outside}:500`));
    expect(lab.box.nextWake()?.at).toBe(35_000);
    lab.out(udp(`${alice}:500`, `${gateway}:500`));
    expect(lab.box.nextWake()?.at).toBe(125_000);
  });
});

describe('passthrough-500', () => {
  test('a second client to the same server is refused until the first mapping has expired; to another server it is not', () => {
    const lab = boxWith('passthrough-500');
    expect(portOf(lab.out(udp(`${alice}:500`, `${gateway}:500`)))).toBe(500);
    expect(lab.out(udp(`${bob}:500`, `${gateway}:500`))).toBe('nat-pinned-port-taken');
    expect(portOf(lab.out(udp(`${bob}:500`, `${other}:500`)))).toBe(500);
    lab.wait(30);
    expect(portOf(lab.out(udp(`${bob}:500`, `${gateway}:500`)))).toBe(500);
    expect(lab.out(udp(`${alice}:500`, `${gateway}:500`))).toBe('nat-pinned-port-taken');
  });
  test('port 4500 is translated as ever', () => {
    const lab = boxWith('passthrough-500');
    lab.out(udp(`${alice}:4500`, `${gateway}:4500`));
    expect(portOf(lab.out(udp(`${bob}:4500`, `${gateway}:4500`)))).toBeGreaterThan(1023);
  });
  test('nobody else is given the pinned port', () => {
    const lab = boxWith('passthrough-500', { ports: { range: [499, 501], keepLowApart: false, assignment: 'random' } });
    const ports = [1, 2, 3].map((client) => portOf(lab.out(udp(`10.0.1.${client}:9`, `${gateway}:500`))));
    expect(ports.sort()).toEqual([499, 501, NaN]);
  });
});

test('passthrough-500-steal: the newcomer takes the mapping, and the first client hears nothing more', () => {
  const lab = boxWith('passthrough-500-steal');
  lab.out(udp(`${alice}:500`, `${gateway}:500`));
  lab.out(udp(`${alice}:4500`, `${gateway}:4500`));
  expect(portOf(lab.out(udp(`${bob}:500`, `${gateway}:500`)))).toBe(500);
  expect(lab.in(udp(`${gateway}:500`, `${outside}:500`))).toBe(`udp ${gateway}:500 > ${bob}:500`);
  expect(lab.in(udp(`${gateway}:4500`, `${outside}:4500`))).toBe(`udp ${gateway}:4500 > ${alice}:4500`);
  const stolen = lab.events.find((event) => event.kind === 'mapping-removed');
  expect(stolen).toMatchObject({ why: 'stolen', mapping: { inside: { address: alice, port: 500 } } });
});

test('udp-4500-blocked: nothing goes out to port 4500, in UDP', () => {
  const lab = boxWith('udp-4500-blocked');
  expect(lab.out(udp(`${alice}:4500`, `${gateway}:4500`))).toBe('nat-port-blocked');
  expect(lab.out(udp(`${alice}:4500`, `${gateway}:500`))).toBe(`udp ${outside}:4500 > ${gateway}:500`);
  expect(lab.out(tcp(`${alice}:4500`, `${gateway}:4500`, ['syn']))).toBe(`tcp ${outside}:4500 > ${gateway}:4500`);
});
