/** What stands in the boxes' tables at this moment. */
import { describeEndpoint } from '../../../../src/core/address.ts';
import type { Mapping } from '../../../../src/core/events.ts';
import { describeDuration } from '../../../../src/core/time.ts';
import { journey, model, moment, now } from './state.ts';
import { ago, clock } from './words.ts';

const most = 200;

export function NatTablePanel() {
  const { tables, act } = model.value;
  const rows = tables.at(moment.value, now.value);
  const isFresh = new Set((journey.value?.led ?? []).flatMap(({ node, body }) => (body.kind === 'mapping-created' ? [`${node} ${show(body.mapping.outside, body.mapping)} ${show(body.mapping.inside, body.mapping)}`] : [])));
  const boxes = act.network.nodes.filter(({ kind }) => kind === 'nat');
  const many = boxes.length > 1;
  if (boxes.length === 0) return <p class="empty">No NAT box stands in this network.</p>;
  if (rows.length === 0) return <p class="empty">No mapping at {clock(now.value)}.</p>;
  return (
    <div class="table-panel" tabIndex={0} role="region" aria-label="NAT table at this moment">
      <table>
        <thead><tr>{many && <th scope="col">box</th>}<th scope="col">inside</th><th scope="col">outside</th><th scope="col">peer</th><th scope="col">idle</th></tr></thead>
        <tbody>
          {rows.slice(0, most).map(({ box, mapping, since, used, key }) => (
            <tr key={key} class={isFresh.has(`${box} ${show(mapping.outside, mapping)} ${show(mapping.inside, mapping)}`) ? 'fresh' : ''}>
              {many && <td>{box}</td>}
              <td><span class="faint">{mapping.protocol}</span> {show(mapping.inside, mapping)}</td>
              <td class={mapping.inside.port === mapping.outside.port ? '' : 'changed'}>{show(mapping.outside, mapping)}</td>
              <td>{show(mapping.remote, mapping)}</td>
              <td title={`made at ${clock(since)}; it lived ${describeDuration(mapping.expiresIn)} then if nothing refreshed it`}>{used === undefined ? 'not seen' : ago(now.value - used)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > most && <p class="faint">… and {rows.length - most} more</p>}
    </div>
  );
}

const show = (endpoint: Mapping['inside'], { protocol }: Mapping): string => (protocol === 'esp' || protocol === 'ah' ? endpoint.address : describeEndpoint(endpoint));
