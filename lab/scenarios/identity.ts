/** Identities that are addresses, and keys that are found by address, behind a NAT (RFC 3715 §2.1, RFC 2409 §5.4). */
import { toHex, utf8 } from '../../src/core/bytes.ts';
import type { Trace } from '../../src/trace/trace.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { clearPayloads, isEncrypted } from '../checks/phase-one.ts';
import { answered } from '../checks/pings.ts';
import { isIke, path, seenAt } from '../checks/wire.ts';
import type { SeenIke } from '../checks/wire.ts';
import type { Adjustment, Cast } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { defineScenario } from './scenario.ts';
import type { Act, Stage } from './scenario.ts';
import { bringUp, impatient, ping } from './stagecraft.ts';

export const identity = defineScenario({
  id: 'identity',
  chapter: 'Why NAT breaks IPsec',
  title: 'An address is no name',
  teaches:
    'A client behind a NAT that calls itself by its address names one that nobody outside can see: its packets come from the box. A strict gateway refuses it, and one that looks for the pre-shared key by address finds none. Names cross a NAT as they are.',
  refs: ['RFC 3715 §2.1', 'RFC 2409 §5.4', 'RFC 4945 §3.1.1', 'RFC 7296 §1.2'],
  parameters: {},
  acts: () => [control, strict, byName, lenient, keyOfAnAddress, keyOfAnAddressBehindNat, keyOfAnybody, keyOfAName, certificate, keyOfANameInV2],
});

// ---- the identity ----------------------------------------------------------------------------------------------------------

const itsAddress: Adjustment = { clients: { ike: { ...impatient, identity: { type: 'address' } } }, gateway: { ike: { addressIdentity: 'strict' } } };

const control: Act = {
  id: 'control',
  title: 'No NAT: the client calls itself by its address, its packets come from there, and the strict gateway is content',
  topology: 'direct',
  keepsTopology: true,
  adjust: itsAddress,
  play: comesIn,
  checks: (cast) => [untranslated(cast), knownAs(cast, cast.clients[0]!.address, 'RFC 4945 §3.1.1'), itWorks],
};

const strict: Act = {
  id: 'strict',
  title: 'The same two with a box between them: the identity says one address, the packets say another',
  topology: 'home',
  needs: { boxes: 1 },
  adjust: itsAddress,
  play: isRefused('The client says who it is, and the gateway looks where its packets come from'),
  checks: (cast) => [
    translated(cast),
    claim({ id: 'refused', claim: 'The gateway refuses the identity', expected: 'a refusal that names both addresses', ref: 'RFC 3715 §2.1' }, (trace) => {
      const refusals = trace.of('drop', cast.gateway.name).filter(({ body }) => ['ike-authentication', 'isakmp-identity'].includes(body.reason));
      const [named] = refusals.filter(({ body }) => [cast.clients[0]!.address, body.peer?.address ?? ''].every((address) => body.detail.includes(address)));
      return { holds: named !== undefined, observed: named?.body.detail ?? refusals[0]?.body.detail ?? 'it refuses nothing', evidence: refusals };
    }),
    noTunnel(cast),
  ],
};

const byName: Act = {
  id: 'by-name',
  title: 'The client calls itself by a name: the same strict gateway lets it in, wherever its packets come from',
  topology: 'home',
  needs: { boxes: 1 },
  adjust: { clients: { ike: { identity: { type: 'fqdn', value: 'alice.example' } } }, gateway: { ike: { addressIdentity: 'strict' } } },
  play: comesIn,
  checks: (cast) => [translated(cast), knownAs(cast, 'alice.example', 'RFC 3715 §2.1'), itWorks],
};

const lenient: Act = {
  id: 'lenient',
  title: 'The client calls itself by its address again, and the gateway takes that for a name like any other',
  topology: 'home',
  needs: { boxes: 1 },
  adjust: { ...itsAddress, gateway: { ike: { addressIdentity: 'any' } } },
  play: comesIn,
  checks: (cast) => [translated(cast), knownAs(cast, cast.clients[0]!.address, 'RFC 4945 §3.1.1'), itWorks],
};

// ---- the key ---------------------------------------------------------------------------------------------------------------

const secret = "alice's own secret";

/** The client has its own key, and the gateway knows it and another one, each by what is said here. */
const keysBy = (hers: string, another: string, ike: NonNullable<Adjustment['clients']>['ike']): Adjustment => ({
  clients: { ike: { ...ike, ...impatient, preSharedKey: secret } },
  gateway: { ike: { ...ike, preSharedKeys: { [another]: "another's secret", [hers]: secret } } },
});

const mainMode = { version: 'v1', v1: { exchange: 'main' } } as const;
const aggressiveMode = { version: 'v1', v1: { exchange: 'aggressive' } } as const;

const keyOfAnAddress: Act = {
  id: 'key-of-an-address',
  title: 'Main mode, no NAT: the gateway has a key for each address, and finds the right one',
  topology: 'direct',
  keepsTopology: true,
  keepsIke: true,
  adjust: withAddress(keysBy('203.0.113.10', '203.0.113.11', mainMode), '203.0.113.10'),
  play: comesIn,
  checks: (cast) => [untranslated(cast), itWorks],
};

const keyOfAnAddressBehindNat: Act = {
  id: 'key-of-an-address-behind-nat',
  title: 'Main mode behind a box: the identity comes encrypted with the key that it is needed to find, and the address is not hers',
  topology: 'home',
  keepsTopology: true,
  keepsIke: true,
  adjust: withAddress(keysBy('192.168.1.10', '192.168.1.11', mainMode), '192.168.1.10'),
  play: isRefused('The client has the right key, and the gateway looks for it by where the packets come from'),
  checks: (cast) => [
    translated(cast),
    claim({ id: 'no-key', claim: 'The gateway has no key for the address that it sees', expected: "a refusal that names the box's address", ref: 'RFC 2409 §5.4' }, (trace) => {
      const [refusal] = trace.of('drop', cast.gateway.name).filter(({ body }) => body.reason === 'isakmp-no-connection');
      return { holds: refusal !== undefined && refusal.body.peer !== undefined && refusal.body.detail.includes(refusal.body.peer.address), observed: refusal?.body.detail ?? 'it refuses nothing', evidence: refusal ? [refusal] : [] };
    }),
    claim({ id: 'before-the-identity', claim: 'It never comes to an identity', expected: 'main mode ends before message 5, the first one that is encrypted', ref: 'RFC 2409 §5.4' }, (trace) => {
      const sent = saidByClient(trace, cast);
      const encrypted = sent.filter(isEncrypted);
      return { holds: sent.length > 0 && encrypted.length === 0, observed: `${plural(sent.length, 'message')} of the client, ${encrypted.length} encrypted`, evidence: sent.slice(0, 3) };
    }),
    noTunnel(cast),
  ],
};

const keyOfAnybody: Act = {
  id: 'key-of-anybody',
  title: 'Main mode with one key for everybody: it works, and whoever knows the key may call himself what he likes',
  topology: 'home',
  keepsTopology: true,
  keepsIke: true,
  adjust: {
    clients: { ike: { ...mainMode, preSharedKey: 'known to all', identity: { type: 'fqdn', value: 'the-director.example' } } },
    gateway: { ike: { ...mainMode, preSharedKeys: { any: 'known to all' } } },
  },
  play: comesIn,
  checks: (cast) => [translated(cast), knownAs(cast, 'the-director.example', 'RFC 2409 §5.4'), itWorks],
};

const keyOfAName: Act = {
  id: 'key-of-a-name',
  title: 'Aggressive mode says the name first: the gateway has a key for each, and everybody on the way can read who calls',
  topology: 'home',
  keepsTopology: true,
  keepsIke: true,
  adjust: keysBy('alice.example', 'bob.example', aggressiveMode),
  play: comesIn,
  checks: (cast) => [
    translated(cast),
    claim({ id: 'readable', claim: "The client's identity crosses the box in the clear", expected: 'the name in the first message', ref: 'RFC 2409 §5.4' }, (trace) => {
      const [first] = saidByClient(trace, cast);
      const said = first && clearPayloads(first).find((payload) => payload.type === 'ID');
      return { holds: said !== undefined && toHex(said.data) === nameOf(cast), observed: said === undefined ? 'no identity to be read' : `"${Buffer.from(said.data).toString()}"`, evidence: first ? [first] : [] };
    }),
    itWorks,
  ],
};

const certificate: Act = {
  id: 'certificate',
  title: 'Main mode with signatures: there is no key to be found, and the name stays hidden',
  topology: 'home',
  keepsTopology: true,
  keepsIke: true,
  adjust: { clients: { ike: { ...mainMode, authentication: 'rsa-signature' } }, gateway: { ike: { ...mainMode, authentication: 'rsa-signature' } } },
  play: comesIn,
  checks: (cast) => [translated(cast), knownAs(cast, 'alice.example', 'RFC 2409 §5.1'), hidden(cast, 'RFC 2409 §5.1'), itWorks],
};

const keyOfANameInV2: Act = {
  id: 'key-of-a-name-in-v2',
  title: 'IKEv2: the keys that encrypt do not depend on the pre-shared one, so the name comes first, and hidden',
  topology: 'home',
  keepsTopology: true,
  keepsIke: true,
  adjust: keysBy('alice.example', 'bob.example', { version: 'v2' }),
  play: comesIn,
  checks: (cast) => [translated(cast), hidden(cast, 'RFC 7296 §1.2'), itWorks],
};

function withAddress({ clients, ...others }: Adjustment, address: string): Adjustment {
  return { ...others, clients: { ...clients, address } };
}

// ---- what is played --------------------------------------------------------------------------------------------------------

async function comesIn(stage: Stage): Promise<void> {
  const [client] = stage.cast.clients;
  stage.step(`${client!.name} calls itself ${client!.identity}`);
  await bringUp(stage, [client!]);
  await ping(stage, { ping: pingName, from: client!.name, to: stage.cast.server });
}

function isRefused(story: string): Act['play'] {
  return async (stage) => {
    stage.step(story);
    await bringUp(stage, stage.cast.clients.slice(0, 1));
  };
}

// ---- checks ----------------------------------------------------------------------------------------------------------------

const pingName = 'through the tunnel';
const itWorks = answered({ id: 'works', claim: 'The tunnel carries data' }, pingName);

const arrivals = (trace: Trace, { gateway }: Cast): readonly SeenIke[] => seenAt(trace, { node: gateway.name, direction: 'in' }).filter(isIke);
const saidByClient = (trace: Trace, { clients }: Cast): readonly SeenIke[] => seenAt(trace, { node: clients[0]!.name, direction: 'out' }).filter(isIke);
const nameOf = ({ clients }: Cast): string => toHex(utf8(clients[0]!.identity));

const untranslated = (cast: Cast): Check =>
  guard({ id: 'untranslated', claim: "The client's packets arrive with its own address", expected: `all from ${cast.clients[0]!.address}` }, (trace) => whence(trace, cast, (own) => own));

const translated = (cast: Cast): Check =>
  guard({ id: 'translated', claim: "The client's packets arrive with another address than its own", expected: `none from ${cast.clients[0]!.address}` }, (trace) => whence(trace, cast, (own) => !own));

function whence(trace: Trace, cast: Cast, wanted: (own: boolean) => boolean) {
  const messages = arrivals(trace, cast);
  const wrong = messages.filter(({ from }) => !wanted(from.address === cast.clients[0]!.address));
  return messages.length === 0 ? nothing('nothing reached the gateway') : { holds: wrong.length === 0, observed: path(wrong[0] ?? messages[0]!), evidence: [wrong[0] ?? messages[0]!] };
}

const knownAs = (cast: Cast, name: string, ref: string): Check =>
  claim({ id: 'known-as', claim: `The gateway knows the client as ${name}`, expected: 'the IKE SA is up, under this identity', ref }, (trace) => {
    const up = trace.of('ike-sa', cast.gateway.name).filter(({ body }) => body.state === 'established');
    return { holds: up.length > 0 && up.every(({ body }) => body.peerIdentity === name), observed: up.map(({ body }) => body.peerIdentity ?? 'nobody').join(', ') || 'no IKE SA', evidence: up };
  });

const noTunnel = (cast: Cast): Check =>
  claim({ id: 'no-tunnel', claim: 'The client does not get in', expected: 'its IKE SA fails, and there is no child SA' }, (trace) => {
    const [failed] = trace.of('ike-sa', cast.clients[0]!.name).filter(({ body }) => body.state === 'failed');
    const tunnels = trace.of('child-sa').filter(({ body }) => body.state === 'established');
    return { holds: failed !== undefined && tunnels.length === 0, observed: tunnels.length > 0 ? 'there is a tunnel' : (failed?.body.story ?? 'it is still trying'), evidence: [...tunnels, ...(failed ? [failed] : [])] };
  });

const hidden = (cast: Cast, ref: string): Check =>
  claim({ id: 'hidden', claim: "The client's identity cannot be read on the way", expected: 'its name in no message', ref }, (trace) => {
    const messages = saidByClient(trace, cast);
    const readable = messages.filter(({ payload }) => toHex(payload).includes(nameOf(cast)));
    return { holds: messages.length > 0 && readable.length === 0, observed: `${plural(messages.length, 'message')}, ${readable.length} with the name in the clear`, evidence: readable.length > 0 ? readable : messages.slice(0, 1) };
  });
