/** A report as one file: the page with the data in it, compressed. */
import { gunzipSync, gzipSync } from 'node:zlib';
import { Problem } from '../../problem.ts';
import { octetsAsHex } from '../json.ts';
import { dataMark, page, reportPage } from './bundle.ts';
import { reportSchema } from './document.ts';
import type { OfAnySchema, ReportDocument } from './document.ts';

const opening = '<script type="application/gzip;base64" id="data">';
const closing = '</script>';

/** Needs no network, and nothing beside it. */
export const reportFile = async (report: ReportDocument): Promise<string> => reportIn(await page(reportPage), report);

/** The same where the page is there already: for many reports. */
export const reportIn = (empty: string, report: ReportDocument): string =>
  empty.replace(dataMark, () => `${opening}${gzipSync(JSON.stringify(report, octetsAsHex)).toString('base64')}${closing}`);

/** The data of a report that was written before. `name` is what people call the file. Throws a Problem where it is none, or of another schema. */
export function readReport(name: string, text: string): ReportDocument {
  const from = text.indexOf(opening);
  const to = text.indexOf(closing, from);
  if (from < 0 || to < 0) throw new Problem(`${name} is no report of this lab, or was cut off: a report is made with --report`);
  const report = unpacked(name, text.slice(from + opening.length, to));
  if (report.schema !== reportSchema) throw new Problem(`${name} is a report of schema ${String(report.schema)}, and this lab reads schema ${reportSchema}: run the lesson again with --report, or open the file by itself`);
  return report as ReportDocument;
}

function unpacked(name: string, base64: string): OfAnySchema {
  try {
    return JSON.parse(gunzipSync(Buffer.from(base64, 'base64')).toString('utf8')) as OfAnySchema;
  } catch {
    throw new Problem(`the data in ${name} cannot be unpacked: the file was damaged or cut off`);
  }
}
