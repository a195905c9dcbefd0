/** `lab nat probe`: what it says, to whom, and with which exit status. */
import { describe, expect, test, vi } from 'vitest';
import { lab } from './lab.ts';

vi.setConfig({ testTimeout: 60_000, maxConcurrency: 3 });

describe.concurrent('lab nat probe', () => {
  test('a table in 80 columns, each line with the requirement that it answers', async () => {
    const { stdout, stderr, status } = await lab(['nat', 'probe', 'linux-masquerade'], { COLUMNS: '200' });
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(stdout).toMatch(/^✓ Mapping +endpoint-independent +RFC 4787 REQ-1$/m);
    expect(stdout).toMatch(/^✗ Hairpinning +none +RFC 4787 REQ-9$/m);
    expect([stderr, status]).toEqual(['', 0]);
  });

  test('keeps to 40 columns', async () => {
    const { stdout } = await lab(['nat', 'probe', 'symmetric'], { COLUMNS: '40' });
    expect(stdout.split('\n').filter((line) => line.length > 40 && line.trim().includes(' '))).toEqual([]);
  });

  test('--json: the findings, and a verdict for each requirement', async () => {
    const { stdout, status } = await lab(['nat', 'probe', 'full-cone', '--json']);
    const result = JSON.parse(stdout) as { findings: Record<string, unknown>; requirements: { ref: string; verdict: string }[]; disagreements: unknown[] };
    expect(result.findings['mapping']).toEqual({ measured: true, value: 'endpoint-independent' });
    expect(result.requirements).toContainEqual(expect.objectContaining({ ref: 'RFC 4787 REQ-1', level: 'MUST', verdict: 'pass' }));
    expect([result.disagreements, status]).toEqual([[], 0]);
  });

  test.for([
    [['nat', 'probe'], 'probe what?'],
    [['nat', 'probe', 'simmetric'], 'no NAT preset or topology "simmetric"; did you mean "symmetric"?'],
    [['nat', 'probe', 'double-nta'], 'did you mean "double-nat"?'],
    [['nat', 'probe', './nowhere.yaml'], 'cannot read the topology ./nowhere.yaml'],
    [['nat', 'probe', 'symmetric', '--backend', 'smi'], 'did you mean "sim"?'],
    [['nat', 'probe', 'ipv4-over-ipv6'], 'the probe speaks IPv4, and the topology ipv4-over-ipv6 has IPv6 on'],
    [['nat', 'probe', 'nat64'], 'nat64 is a box for IPv6, and the probe speaks IPv4'],
    [['nat', 'probe', 'symmetric', '--serve'], 'probe what?'],
    [['nat', 'probe', '--serve', '--address', '198.51.100.77'], 'this machine has no such address'],
    [['nat', 'probe', '--server', '2001:db8::1'], 'expected an IPv4 address or a name'],
    [['nat', 'probe', '--server', '127.0.0.1', '--longest', 'ever'], '--longest ever: expected a duration'],
    [['nat', 'probe', '--server', '127.0.0.1', '--second-address', '198.51.100.77'], 'this machine has no such address'],
  ] as const)('lab %s', async ([words, message]) => {
    const { status, stdout, stderr } = await lab([...words]);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect([stdout, status]).toEqual(['', 2]);
  });

  test('a server that does not answer: what to look after there, and status 3', async () => {
    const { status, stdout, stderr } = await lab(['nat', 'probe', '--server', '127.0.0.1:9']);
    expect(stderr).toContain('no answer from 127.0.0.1:9. Is "lab nat probe --serve" running there?');
    expect([stdout, status]).toEqual(['', 3]);
  });
});
