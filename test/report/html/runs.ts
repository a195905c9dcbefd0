/** Runs on the simulator, as a report has them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sim } from '../../../lab/backends/sim/backend.ts';
import { page, reportPage } from '../../../lab/report/html/bundle.ts';
import type { ReportAct, ReportDocument } from '../../../lab/report/html/document.ts';
import { reportIn } from '../../../lab/report/html/file.ts';
import { reportOf } from '../../../lab/report/html/report.ts';
import { runScenario } from '../../../lab/run.ts';
import type { RunOptions } from '../../../lab/run.ts';
import { scenarios } from '../../../lab/scenarios/index.ts';

/** Each is run once for all tests of a file. */
export function reported(scenario: string, options: Pick<RunOptions, 'preset' | 'ike' | 'values'> = {}): Promise<ReportDocument> {
  const name = JSON.stringify([scenario, options]);
  const report = reports.get(name) ?? runScenario(scenarios.find(({ id }) => id === scenario)!, { backend: sim, ...options }).then((result) => reportOf([result]));
  reports.set(name, report);
  return report;
}
const reports = new Map<string, Promise<ReportDocument>>();

export const actOf = (report: ReportDocument, id: string): ReportAct => report.lessons[0]!.acts.find((act) => act.id === id)!;

/** As it comes out of the page: octets are hex there. */
export const asRead = (report: ReportDocument): ReportDocument => JSON.parse(JSON.stringify(report, (_, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value))) as ReportDocument;

export interface Folder extends Disposable {
  write(name: string, report: ReportDocument): Promise<string>;
  text(name: string, text: string): string;
}

let emptyPage: Promise<string> | undefined;

export function folder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'natt-lab-report-'));
  const text = (name: string, content: string): string => {
    const file = join(path, name);
    writeFileSync(file, content);
    return file;
  };
  return { text, write: async (name, report) => text(name, reportIn(await (emptyPage ??= page(reportPage)), report)), [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

/** The same act again and again, one after the other: as many events as are wanted, none of them folded away because it says the same as its neighbour. */
export function repeated(act: ReportAct, wanted: number): ReportAct {
  const first = act.events[0]!.seq;
  const times = Math.ceil(wanted / act.events.length);
  const length = act.events.at(-1)!.at + 1000;
  const events = Array.from({ length: times }, (_, i) =>
    act.events.map((event) => ({
      ...event,
      seq: event.seq + i * act.events.length - first,
      at: (event.at + i * length) as typeof event.at,
      ...(event.cause !== undefined && { cause: event.cause + i * act.events.length - first }),
    })),
  ).flat();
  return { ...act, events };
}
