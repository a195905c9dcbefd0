/** The report's data out of the page they came in. */
import { reportSchema } from '../document.ts';
import type { OfAnySchema, ReportDocument } from '../document.ts';

/** A sentence where the data cannot be read. */
export async function unpacked(page: Document): Promise<ReportDocument | string> {
  const base64 = page.getElementById('data')?.textContent;
  if (!base64) return 'There is no report in this page, or the file was cut off.';
  const report = await inflated(base64).catch(() => undefined);
  if (report === undefined) return 'The data of this report cannot be unpacked: the file was damaged or cut off.';
  if (report.schema !== reportSchema) return `This report is of schema ${String(report.schema)}, and this page reads schema ${reportSchema}: run the lesson again with --report.`;
  return report as ReportDocument;
}

async function inflated(base64: string): Promise<OfAnySchema> {
  const packed = Uint8Array.from(atob(base64), (octet) => octet.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  return (await new Response(stream).json()) as OfAnySchema;
}
