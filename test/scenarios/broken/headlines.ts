/** Rules broken in the lessons of the tour, and which checks notice. */
import { ip } from '../../../src/core/address.ts';
import { seconds } from '../../../src/core/time.ts';
import { presetNamed } from '../../../src/nat/presets.ts';
import { withMarker } from '../../../src/wire/natt.ts';
import type { TraceEvent } from '../../../src/trace/events.ts';
import { alongside, answersFromAnotherPort, deafToEsp, each, espOn500, followsAKeepalive, forgedHash, fromElsewhere, junk, liar, markerOn500, needlessUdp, neverFollows, neverForgets, noMarker, pingAnswered, pingLost, plainEsp, repeatsItselfOn, silentAbout, staysOn500, twoOctets, without, wrongHash } from '../../support/breaking.ts';
import type { BrokenRule } from '../../support/breaking.ts';
import { boxes, connections, ikeConfig, ikeHeader, isClient, isEsp, isGateway, isIke, isKeepalive, named, on, only, receiving, routersForBoxes, sending } from '../../support/sabotage.ts';

const positions = ['none', 'initiator', 'responder', 'both', 'double'] as const;

export const headlineRules: readonly BrokenRule[] = [
  // ---- detection ---------------------------------------------------------------------------------------------------------
  { lesson: 'detection', rule: 'the request has a wrong source hash', sabotage: wrongHash('source', 'request'), red: [...each(['none', 'responder'], 'hashes-request', 'gateway-concludes'), ...each(['initiator', 'both', 'double'], 'hashes-request')] },
  { lesson: 'detection', rule: 'the request has a wrong destination hash', sabotage: wrongHash('destination', 'request'), red: [...each(['none', 'initiator', 'double'], 'hashes-request', 'gateway-concludes'), ...each(['responder', 'both'], 'hashes-request')] },
  { lesson: 'detection', rule: 'the response has a wrong source hash', sabotage: wrongHash('source', 'response'), red: [...each(['none', 'initiator', 'double'], 'hashes-response', 'client-concludes'), ...each(['responder', 'both'], 'hashes-response')] },
  { lesson: 'detection', rule: 'the response has a wrong destination hash', sabotage: wrongHash('destination', 'response'), red: [...each(['none', 'responder'], 'hashes-response', 'client-concludes'), ...each(['initiator', 'both', 'double'], 'hashes-response')] },
  { lesson: 'detection', rule: 'the gateway says of the client what the hashes do not', sabotage: liar(isGateway, 'nat-detection', ({ remoteBehindNat }: { remoteBehindNat: boolean }) => ({ remoteBehindNat: !remoteBehindNat })), red: each(positions, 'gateway-concludes') },
  { lesson: 'detection', rule: 'the client says of itself what the hashes do not', sabotage: liar(isClient, 'nat-detection', ({ localBehindNat }: { localBehindNat: boolean }) => ({ localBehindNat: !localBehindNat })), red: [...each(positions, 'client-concludes'), 'no-nat-t/undetected'] },
  { lesson: 'detection', rule: 'the client begins on 4500', sabotage: connections(isClient, { startPort: 4500 }), red: [...each(['none', 'no-nat-t'], 'stays'), ...each(['initiator', 'responder', 'both', 'double'], 'moves')] },
  { lesson: 'detection', rule: 'IKE stays on 500 though a NAT is known', sabotage: staysOn500, red: each(['initiator', 'responder', 'both', 'double'], 'moves') },
  { lesson: 'detection', rule: 'ESP goes plain though a NAT is known', sabotage: plainEsp, red: [...each(['initiator', 'responder', 'double'], 'encapsulation'), 'both/encapsulation', 'both/data', 'no-nat-t/data'] },
  { lesson: 'detection', rule: 'ESP goes in UDP though no NAT is known', sabotage: needlessUdp, red: each(['none', 'no-nat-t'], 'encapsulation') },
  { lesson: 'detection', rule: 'the client does not hear ESP', sabotage: deafToEsp(isClient), red: each(['none', 'initiator', 'responder', 'both', 'double', 'no-nat-t'], 'data') },
  { lesson: 'detection', rule: 'there is no box where one should be', topology: 'direct', red: each(['initiator', 'responder', 'both', 'double'], 'translated', 'moves', 'encapsulation') },
  { lesson: 'detection', rule: 'ESP on port 500', sabotage: espOn500, red: each(['initiator', 'responder', 'both', 'double'], 'encapsulation') },
  { lesson: 'detection', rule: 'a wrong hash in the request that fools the gateway (forged)', forge: forgedHash('request', 'gateway'), red: each(positions, 'hashes-request') },
  { lesson: 'detection', rule: 'a wrong hash in the response that fools the client (forged)', forge: forgedHash('response', 'alice'), red: [...each(positions, 'hashes-response'), 'no-nat-t/undetected'] },
  { lesson: 'detection', rule: 'there is a box where none should be', set: ['position=none'], topology: 'home', red: ['none/translated', 'none/stays', 'none/encapsulation'] },
  { lesson: 'detection', rule: 'the client offers nothing', sabotage: connections(isClient, { natTraversal: false }), red: ['none/hashes-request', 'none/hashes-response', 'none/gateway-concludes', 'none/client-concludes', ...each(['initiator', 'responder', 'double'], 'hashes-request', 'hashes-response', 'gateway-concludes', 'client-concludes', 'moves', 'encapsulation'), 'both/hashes-request', 'both/hashes-response', 'both/gateway-concludes', 'both/client-concludes', 'both/moves', 'both/encapsulation', 'both/data', 'no-nat-t/offered'] },
  // ---- port-float --------------------------------------------------------------------------------------------------------
  { lesson: 'port-float', rule: 'no marker on 4500', sabotage: noMarker, red: each(['float', 'start-on-4500'], 'marker') },
  { lesson: 'port-float', rule: 'a marker on 500', sabotage: markerOn500, red: each(['float', 'no-nat'], 'marker') },
  { lesson: 'port-float', rule: 'IKE stays on 500 though a NAT is known', sabotage: staysOn500, red: ['float/moves', 'float/marker', 'float/no-way-back', 'start-on-4500/never-on-500', 'start-on-4500/marker'] },
  { lesson: 'port-float', rule: 'the client begins on 4500', sabotage: connections(isClient, { startPort: 4500 }), red: ['float/moves', 'float/no-esp-on-500', 'no-nat/stays'] },
  { lesson: 'port-float', rule: 'the client repeats its first message on 500', sabotage: repeatsItselfOn(500), red: ['float/no-way-back', 'start-on-4500/never-on-500'] },
  { lesson: 'port-float', rule: 'the client repeats its first message on 4500', sabotage: repeatsItselfOn(4500), red: ['float/moves'] },
  { lesson: 'port-float', rule: 'ESP on port 500', sabotage: espOn500, red: ['float/no-way-back', 'float/no-esp-on-500', 'float/encapsulation', 'start-on-4500/never-on-500', 'start-on-4500/encapsulation'] },
  { lesson: 'port-float', rule: 'something else than IKE on port 500', sabotage: alongside((datagram) => datagram.local.port === 500, (datagram) => [{ ...datagram, payload: junk.subarray(0, 5) }]), red: ['float/no-esp-on-500'] },
  { lesson: 'port-float', rule: 'ESP goes plain though a NAT is known', sabotage: plainEsp, red: each(['float', 'start-on-4500'], 'encapsulation') },
  { lesson: 'port-float', rule: 'ESP goes in UDP though no NAT is known', sabotage: needlessUdp, red: ['no-nat/encapsulation'] },
  { lesson: 'port-float', rule: 'answers come from another port', preset: 'full-cone', sabotage: answersFromAnotherPort, red: each(['float', 'start-on-4500'], 'answers') },
  { lesson: 'port-float', rule: 'answers go to the port that the client is known for', preset: 'symmetric', sabotage: only(isGateway, () => ({ said: sending((datagram) => [isIke(datagram) ? on('peer', datagram.local.port)(datagram) : datagram]) })), red: ['float/moves', 'float/no-way-back', 'float/answers', 'float/encapsulation', 'float/data', 'start-on-4500/answers', 'start-on-4500/encapsulation', 'start-on-4500/data'] },
  { lesson: 'port-float', rule: 'the client does not hear ESP', sabotage: deafToEsp(isClient), red: each(['float', 'start-on-4500', 'no-nat'], 'data') },
  { lesson: 'port-float', rule: 'the box translates nothing', sabotage: routersForBoxes, red: ['float/translated', 'float/moves', 'float/no-way-back', 'float/encapsulation', 'start-on-4500/translated', 'start-on-4500/encapsulation'] },
  // ---- keepalive ---------------------------------------------------------------------------------------------------------
  { lesson: 'keepalive', rule: 'a keepalive of two octets', sabotage: twoOctets, red: each(['cure', 'just-in-time', 'just-too-late', 'as-configured'], 'one-octet') },
  { lesson: 'keepalive', rule: 'a keepalive after every packet', sabotage: alongside(isEsp, (datagram) => [{ ...datagram, payload: Uint8Array.of(0xff) }]), red: ['control/silent', 'cure/only-when-idle'] },
  { lesson: 'keepalive', rule: 'keepalives from nobody', sabotage: ikeConfig(isClient, () => ({ keepalive: { interval: 'off' } })), red: ['cure/one-octet', 'cure/only-when-idle', 'cure/often-enough', 'cure/reached', 'just-in-time/keepalives', 'just-in-time/one-octet', 'just-in-time/held', 'just-too-late/keepalives', 'just-too-late/one-octet', 'lost/moved', 'lost/proves-nothing', 'as-configured/one-octet', 'as-configured/held'] },
  { lesson: 'keepalive', rule: 'a keepalive every 25 s instead of 20', sabotage: ikeConfig(isClient, ({ keepalive: { interval } }) => ({ keepalive: { interval: interval === 20_000 ? seconds(25) : interval } })), red: ['cure/often-enough'] },
  { lesson: 'keepalive', rule: 'the client is never idle', sabotage: alongside(isKeepalive, (datagram) => [{ ...datagram, payload: junk }]), red: ['cure/long-enough', 'as-configured/long-enough'] },
  { lesson: 'keepalive', rule: 'the client also speaks from another port', sabotage: alongside(isEsp, (datagram) => [{ ...on('local', 500)(datagram), payload: junk }]), red: ['cure/same-port'] },
  { lesson: 'keepalive', rule: 'the client does not hear ESP', sabotage: deafToEsp(isClient), red: ['control/worked', 'cure/reached', 'just-in-time/held', 'lost/client-again', 'lost/gateway-again', 'as-configured/worked'] },
  { lesson: 'keepalive', rule: 'the client hears no more ESP after half a minute', sabotage: deafToEsp(isClient, seconds(30)), red: ['cure/reached', 'just-in-time/held'] },
  { lesson: 'keepalive', rule: 'mappings never expire', sabotage: neverForgets, red: ['control/expired', 'control/dies-at-the-box', 'control/cut-off', 'just-too-late/gap', 'just-too-late/dies-at-the-box'] },
  { lesson: 'keepalive', rule: 'the box gives the same port again', sabotage: boxes(() => ({ mapping: 'endpoint-independent', ports: presetNamed('linux-masquerade')!.behaviour.ports })), red: ['lost/moved', 'lost/dies-at-the-box', 'lost/old-port', 'lost/follows'] },
  { lesson: 'keepalive', rule: 'the gateway follows a bare keepalive', sabotage: followsAKeepalive(true), red: ['lost/proves-nothing', 'lost/dies-at-the-box', 'lost/old-port'] },
  { lesson: 'keepalive', rule: 'the gateway says that it follows a bare keepalive', sabotage: followsAKeepalive(false), red: ['lost/proves-nothing'] },
  { lesson: 'keepalive', rule: 'the gateway follows and does not say so', sabotage: silentAbout(isGateway, ({ kind }) => kind === 'peer-moved'), red: ['lost/follows'] },
  { lesson: 'keepalive', rule: 'the box does not tell that a mapping expired (forged)', forge: without('mapping-expired'), red: ['control/expired'] },
  { lesson: 'keepalive', rule: 'the gateway follows nobody', sabotage: neverFollows, red: ['lost/follows', 'lost/client-again', 'lost/gateway-again'] },
  { lesson: 'keepalive', rule: 'the last ping is lost (forged)', forge: pingLost('gateway to client, new port'), red: ['lost/gateway-again'] },
  { lesson: 'keepalive', rule: 'the client\'s ping from the new port is lost (forged)', forge: pingLost('client to server, new port'), red: ['lost/client-again'] },
  { lesson: 'keepalive', rule: 'a ping to the old port is answered (forged)', forge: pingAnswered('gateway to client, old port'), red: ['lost/old-port'] },
  { lesson: 'keepalive', rule: 'a ping into the gap is answered (forged)', forge: pingAnswered('gateway to client, in the gap'), red: ['just-too-late/gap'] },
  { lesson: 'keepalive', rule: "the client's answer to the gateway is lost (forged)", forge: (event) => (event.node === 'gateway' && event.body.kind === 'ike-message' && event.body.exchange === 'INFORMATIONAL' && event.body.response ? undefined : event), red: ['as-configured/held'] },
  { lesson: 'keepalive', rule: 'a ping to a forgotten client is answered (forged)', forge: pingAnswered('gateway to client, too late'), red: ['control/cut-off'] },
  { lesson: 'keepalive', rule: 'the gateway\'s packets never came to the box (forged)', forge: (event) => (event.node === 'box' && event.body.kind === 'packet' && event.body.interface === 'eth1' && event.body.direction === 'in' ? undefined : event), red: each(['control', 'just-too-late', 'lost'], 'dies-at-the-box') },
  // ---- multi-client ------------------------------------------------------------------------------------------------------
  { lesson: 'multi-client', rule: 'one client begins on 4500', sabotage: connections(named('client2'), { startPort: 4500 }), red: ['together/same-ports'] },
  { lesson: 'multi-client', rule: 'one client never comes up', sabotage: only(named('client3'), () => ({ heard: (input) => (input.kind === 'datagram' ? [] : [input]) })), red: ['together/all-up', 'together/distinct-ports', 'together/distinct-addresses', 'together/own-answers', 'together/undisturbed'] },
  { lesson: 'multi-client', rule: 'one client has its tunnel and does not say so', sabotage: silentAbout((config) => ['client3', 'bob'].includes(config.name), (body) => body.kind === 'child-sa' && body.state === 'established'), red: each(['together', 'twins'], 'all-up') },
  { lesson: 'multi-client', rule: 'two clients at one outside port (forged)', forge: (event, act) => (act === 'together' && event.node === 'gateway' && event.body.kind === 'packet' && event.body.direction === 'in' ? fromElsewhere(event, { port: 4500 }) : event), red: ['together/distinct-ports'] },
  { lesson: 'multi-client', rule: 'a virtual address given twice', sabotage: liar(isClient, 'virtual-address', () => ({ address: '10.98.0.1' })), red: each(['together', 'twins'], 'distinct-addresses') },
  { lesson: 'multi-client', rule: 'the answers to one are delivered to another (forged)', forge: (event) => (event.body.kind === 'inner' && event.body.direction === 'delivered' && event.node === 'client2' ? { ...event, node: 'client3' } : event.body.kind === 'inner' && event.body.direction === 'delivered' && event.node === 'alice' ? { ...event, node: 'bob' } : event), red: ['together/own-answers', 'together/undisturbed', 'twins/own-answers'] },
  { lesson: 'multi-client', rule: 'one client does not hear ESP', sabotage: deafToEsp((config) => ['client1', 'alice'].includes(config.name)), red: each(['together', 'twins'], 'own-answers') },
  { lesson: 'multi-client', rule: 'one client hears nothing after the other has left', sabotage: deafToEsp(named('client3'), 100), red: ['together/undisturbed'] },
  { lesson: 'multi-client', rule: 'nobody rekeys', sabotage: only(isClient, () => ({ heard: (input) => (input.kind === 'command' && input.command.kind === 'rekey' ? [] : [input]) })), red: ['together/changes'] },
  { lesson: 'multi-client', rule: 'nobody leaves', sabotage: only(isClient, () => ({ heard: (input) => (input.kind === 'command' && input.command.kind === 'terminate' ? [] : [input]) })), red: ['together/changes', 'together/stable'] },
  {
    lesson: 'multi-client',
    rule: 'one client leaves with the other',
    sabotage: only(named('client3'), () => ({ heard: (input) => (input.kind === 'command' && input.command.kind === 'ping' && input.command.ping.includes('second') ? [{ kind: 'command', command: { kind: 'terminate', connection: 'gateway' } }] : [input]) })),
    red: ['together/undisturbed', 'together/stable'],
  },
  {
    lesson: 'multi-client',
    rule: 'an SA of a third client ends (forged)',
    forge: (event, act) => (act === 'together' && event.body.kind === 'step' && event.body.story.includes('again') ? ({ ...event, node: 'client3', body: { kind: 'ike-sa', state: 'deleted', initiatorSpi: '', story: 'forged' } } as unknown as TraceEvent) : event),
    red: ['together/stable'],
  },
  { lesson: 'multi-client', rule: 'one of the twins has another address (forged)', forge: (event, act) => (act === 'twins' && event.node === 'bob' && event.body.kind === 'packet' ? fromElsewhere(event, { address: ip('192.168.1.3') }) : event), red: ['twins/same-address'] },
  // ---- passthrough -------------------------------------------------------------------------------------------------------
  { lesson: 'passthrough', rule: 'the box translates port 500', preset: 'symmetric', red: ['without-nat-t/pinned', 'without-nat-t/never-in', 'without-nat-t/gives-up', 'with-nat-t/pinned', 'with-nat-t/waits', 'start-on-4500/pins-500'] },
  { lesson: 'passthrough', rule: 'the box does not steal', sabotage: boxes(({ pinned }) => ({ pinned: { ...pinned, onConflict: 'refuse' } })), red: ['stolen/stolen', 'stolen/astray', 'stolen/cut-off', 'stolen-after-the-move/stolen', 'stolen-after-the-move/second-works'] },
  { lesson: 'passthrough', rule: 'the box does not tell what it took away (forged)', forge: without('mapping-removed'), red: each(['stolen', 'stolen-after-the-move'], 'stolen') },
  { lesson: 'passthrough', rule: 'the gateway does not tell of its answers', sabotage: silentAbout(isGateway, (body) => body.kind === 'ike-message' && body.exchange === 'INFORMATIONAL'), red: ['stolen-after-the-move/nobody-dead'] },
  { lesson: 'passthrough', rule: 'mappings never expire', sabotage: neverForgets, red: ['with-nat-t/waits', 'with-nat-t/second-works'] },
  { lesson: 'passthrough', rule: 'the second client speaks from another port, too', sabotage: alongside((datagram) => datagram.local.port === 500, (datagram) => [on('local', 501)(datagram)], named('client2')), red: ['without-nat-t/never-in', 'with-nat-t/waits'] },
  { lesson: 'passthrough', rule: 'the second client does not say that it gives up', sabotage: silentAbout(named('client2'), (body) => body.kind === 'ike-sa' && body.state === 'failed'), red: ['without-nat-t/gives-up'] },
  { lesson: 'passthrough', rule: 'the first client does not hear ESP', sabotage: deafToEsp(named('client1')), red: [...each(['without-nat-t', 'with-nat-t', 'stolen-after-the-move'], 'first-works'), 'start-on-4500/client1-works'] },
  { lesson: 'passthrough', rule: 'the second client does not hear ESP', sabotage: deafToEsp(named('client2')), red: [...each(['with-nat-t', 'stolen-after-the-move'], 'second-works'), 'start-on-4500/client2-works'] },
  { lesson: 'passthrough', rule: 'the first client speaks from 4500, too', sabotage: alongside((datagram) => datagram.local.port === 500, (datagram) => [on('local', 4500)({ ...datagram, payload: withMarker(datagram.payload) })], named('client1')), red: ['without-nat-t/stays-on-500'] },
  { lesson: 'passthrough', rule: 'the first packet of the second client is lost', sabotage: only(named('client2'), () => { let n = 0; return { said: sending((datagram) => (n++ === 0 ? [] : [datagram])) }; }), red: ['start-on-4500/at-once'] },
  { lesson: 'passthrough', rule: 'what is meant for the first client does not reach the second (forged)', forge: (event) => (event.node === 'client2' && event.body.kind === 'packet' && event.body.direction === 'in' ? undefined : event), red: ['stolen/astray'] },
  { lesson: 'passthrough', rule: 'the gateway does not say who is dead', sabotage: silentAbout(isGateway, (body) => body.kind === 'peer-dead'), red: ['stolen/cut-off'] },
  { lesson: 'passthrough', rule: 'the first client does not answer the gateway\'s questions', sabotage: only(named('client1'), () => ({ heard: receiving((datagram) => (ikeHeader(datagram.payload)?.exchange === 37 && isIke(datagram) && !ikeHeader(datagram.payload)!.flags.response ? [] : [datagram])) })), red: ['stolen-after-the-move/nobody-dead', 'stolen-after-the-move/first-works'] },
];
