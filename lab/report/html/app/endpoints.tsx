/** What an endpoint's stack holds at this moment, and what daemon and stack have said to each other. */
import { useEffect, useMemo } from 'preact/hooks';
import { signal } from '@preact/signals';
import { databasesAt, pfkeyOf } from '../model/security.ts';
import { goTo, journey, model, moment } from './state.ts';
import { useWindowed } from './windowed.ts';
import { clock } from './words.ts';

const endpoint = signal('');

export function EndpointsPanel() {
  const { act, trace } = model.value;
  const all = act.network.nodes.filter(({ system }) => system !== undefined);
  const node = all.find(({ name }) => name === endpoint.value) ?? all[0];
  const said = useMemo(() => (node === undefined ? [] : pfkeyOf(trace, node)), [trace, node]);
  if (node === undefined) return <p class="empty">No endpoint has a stack of its own in this network.</p>;
  const { sad, spd } = databasesAt(said, moment.value);
  return (
    <div class="endpoints-panel">
      <label class="of">Endpoint <select value={node.name} onChange={({ currentTarget }) => (endpoint.value = currentTarget.value)}>{all.map(({ name, system }) => <option key={name} value={name}>{name} ({system})</option>)}</select></label>
      <h2>Security associations</h2>
      {sad.length === 0 ? <p class="empty">None at this moment.</p> : (
        <div class="scrolling" tabIndex={0} role="region" aria-label={`Security associations of ${node.name}`}>
          <table>
            <thead><tr><th scope="col">SPI</th><th scope="col">from</th><th scope="col">to</th><th scope="col">form</th><th scope="col">since</th></tr></thead>
            <tbody>{sad.map(({ spi, from, to, inUdp, since, text }) => <tr key={spi} title={text}><td>{spi.toString(16).padStart(8, '0')}</td><td>{from}</td><td>{to}</td><td>{inUdp ? 'in UDP' : 'plain'}</td><td>{clock(since)}</td></tr>)}</tbody>
          </table>
        </div>
      )}
      <h2>Policies</h2>
      {spd.length === 0 ? <p class="empty">None at this moment.</p> : <ul class="policies">{spd.map(({ direction, selector }) => <li key={`${direction} ${selector}`}><b>{direction}</b> <span class="mono">{selector}</span></li>)}</ul>}
      <h2>PF_KEY</h2>
      <Messages said={said} host={node.name} />
    </div>
  );
}

function Messages({ said, host }: { readonly said: ReturnType<typeof pfkeyOf>; readonly host: string }) {
  const list = useWindowed(said.length, () => 24, (i) => said[i]!.event.seq);
  const reached = said.findLastIndex(({ event }) => event.seq <= moment.value);
  useEffect(() => list.show(Math.max(0, reached)), [reached]);
  if (said.length === 0) return <p class="empty">Daemon and stack have said nothing.</p>;
  return (
    <div class="messages" ref={list.scroller} tabIndex={0} role="region" aria-label={`PF_KEY messages of ${host}`}>
      <div style={{ height: `${list.height}px` }}>
        {list.items.map(({ index, key, start }) => {
          const { event, text } = said[index]!;
          const isOfThis = journey.value !== undefined && event.cause !== undefined && journey.value.sightings.some(({ seq }) => seq === event.cause);
          return (
            <div key={key} data-index={index} ref={list.measure} class={`pfkey${index > reached ? ' later' : ''}${isOfThis ? ' here' : ''}`} style={{ transform: `translateY(${start}px)` }} onClick={() => goTo(event.seq)}>
              <time>{clock(event.at)}</time> <span class="direction" aria-label={event.body.direction === 'to-stack' ? 'to the stack' : 'to the daemon'}>{event.body.direction === 'to-stack' ? '↓' : '↑'}</span> <span class="mono">{text}</span>
            </div>
          );
        })}
      </div>
    </div>
  );
}
