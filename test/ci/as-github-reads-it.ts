/** GitHub's own parser: workflows in, a JSON list of texts, and out what it has against each. A program, for tsx lets it import JSON as bundlers do. */
import { readFileSync } from 'node:fs';
import { NoOperationTraceWriter, convertWorkflowTemplate, parseWorkflow } from '@actions/workflow-parser';

const contents = JSON.parse(readFileSync(0, 'utf8')) as readonly string[];
const complaints = contents.map(async (content) => {
  const { context, value } = parseWorkflow({ name: 'workflow.yml', content }, new NoOperationTraceWriter());
  const template = value === undefined ? undefined : await convertWorkflowTemplate(context, value);
  return [...context.errors.getErrors().map(({ message }) => message), ...(template?.errors ?? []).map(({ Message }) => Message)];
});
process.stdout.write(JSON.stringify(await Promise.all(complaints)));
