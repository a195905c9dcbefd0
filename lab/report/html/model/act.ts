/** An act as the page thinks of it: made once from the document, and asked from then on. */
import { fromHex } from '../../../../src/core/bytes.ts';
import { TraceLog } from '../../../../src/trace/trace.ts';
import type { TraceEvent } from '../../../../src/trace/events.ts';
import type { Trace } from '../../../../src/trace/trace.ts';
import { journeysOf } from '../../../ladder/journey.ts';
import type { Journeys } from '../../../ladder/journey.ts';
import { lanesOf } from '../../../ladder/lanes.ts';
import type { Lane } from '../../../ladder/lanes.ts';
import { rowsOf } from '../../../ladder/rows.ts';
import type { Row } from '../../../ladder/rows.ts';
import type { ReportAct, ReportLesson } from '../document.ts';
import { NatTables } from './nat-table.ts';

export interface ActModel {
  readonly lesson: ReportLesson;
  readonly act: ReportAct;
  readonly key: string;
  readonly trace: Trace;
  readonly journeys: Journeys;
  readonly rows: readonly Row[];
  readonly tables: NatTables;
  /** The columns of the ladder. */
  readonly lanes: readonly Lane[];
  /** What a reader should see first: the evidence of the first check that failed, else the beginning. */
  readonly opening: number;
}

export function actModel(key: string, lesson: ReportLesson, act: ReportAct): ActModel {
  const trace = new TraceLog(act.events[0]?.seq ?? 0);
  for (const { at, node, layer, body, cause } of act.events) trace.record(at, node, { layer, body: withOctets(body) } as unknown as Parameters<TraceLog['record']>[2], cause);
  const journeys = journeysOf(trace, act.network.nodes);
  const failed = act.checks.find(({ verdict }) => verdict === 'fail') ?? act.checks.find(({ verdict }) => verdict === 'inconclusive');
  return {
    lesson,
    act,
    key,
    trace,
    journeys,
    rows: rowsOf(trace, journeys),
    tables: new NatTables(trace, journeys),
    lanes: lanesOf(act.network, journeys),
    opening: failed?.evidence[0] ?? act.events[0]?.seq ?? 0,
  };
}

/** Octets are hex on the way here. */
function withOctets(body: TraceEvent['body']): TraceEvent['body'] {
  const { bytes } = body as { bytes?: Uint8Array | string };
  return typeof bytes === 'string' ? ({ ...body, bytes: fromHex(bytes) } as TraceEvent['body']) : body;
}
