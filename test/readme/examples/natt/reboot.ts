import { answered, bringUp, claim, count, defineScenario, guard, minutes, ping, seenAt } from '../../../../lab/index.ts';

export const reboot = defineScenario({
  id: 'reboot',
  title: 'The box is switched off and on',
  teaches: 'A box that reboots forgets its mappings. The client opens a new one with whatever it sends next.',
  refs: ['RFC 7296 §2.23'],
  parameters: { pause: count(1, 60, 5, 'minutes of quiet after the reboot') },
  acts: ({ pause }) => [
    {
      id: 'off-and-on',
      title: 'A ping, a reboot, a ping',
      topology: 'home',
      play: async (stage) => {
        const { clients: [alice], boxes: [box], server } = stage.cast;
        await bringUp(stage, [alice!]);
        await stage.control(box!.name, { kind: 'reboot' });
        await stage.pass(minutes(pause));
        await ping(stage, { ping: 'afterwards', from: alice!.name, to: server });
      },
      checks: ({ clients: [alice], boxes: [box] }) => [
        guard({ id: 'lost', claim: 'The box lost its mappings', expected: 'a mapping removed by the reboot' }, (trace) => {
          const lost = trace.of('mapping-removed', box!.name);
          return { holds: lost.length > 0, observed: `${lost.length} lost`, evidence: lost };
        }),
        claim({ id: 'spoke', claim: 'The client spoke on 4500', expected: 'packets from 4500', ref: 'RFC 3948 §2.1' }, (trace) => {
          const sent = seenAt(trace, { node: alice!.name, direction: 'out' }).filter(({ from }) => from.port === 4500);
          return { holds: sent.length > 0, observed: `${sent.length} packets`, evidence: sent };
        }),
        answered({ id: 'works', claim: 'The tunnel works again' }, 'afterwards'),
      ],
    },
  ],
});
