/** The Job that plays the matrix on Kubernetes: fields as batch/v1 has them, and every shard played once. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { root } from '../cli/lab.ts';

const text = readFileSync(`${root}.ci/kubernetes/job.yaml`, 'utf8');

const labels = z.record(z.string().regex(/^[a-z0-9A-Z._/-]{1,63}$/), z.string().regex(/^[a-z0-9A-Z._-]{0,63}$/));
const quantity = z.string().regex(/^\d+(\.\d+)?(m|[KMGT]i?)?$/);
const quantities = z.strictObject({ cpu: quantity.optional(), memory: quantity.optional() });
const seccompProfile = z.strictObject({ type: z.enum(['RuntimeDefault', 'Unconfined', 'Localhost']) });

/** What of the batch/v1 Job (and the pod in it) is used here; any other field, or one in another place, is refused, as `kubectl apply` with strict validation does. */
const job = z.strictObject({
  apiVersion: z.literal('batch/v1'),
  kind: z.literal('Job'),
  metadata: z.strictObject({ name: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/), labels }),
  spec: z.strictObject({
    completionMode: z.enum(['NonIndexed', 'Indexed']),
    completions: z.int().min(1).max(100_000),
    parallelism: z.int().min(1),
    backoffLimitPerIndex: z.int().min(0),
    podFailurePolicy: z.strictObject({
      rules: z
        .array(
          z.union([
            z.strictObject({ action: z.enum(['FailJob', 'FailIndex', 'Ignore', 'Count']), onExitCodes: z.strictObject({ containerName: z.string(), operator: z.enum(['In', 'NotIn']), values: z.array(z.int().min(1).max(255)).min(1) }) }),
            z.strictObject({ action: z.enum(['FailJob', 'FailIndex', 'Ignore', 'Count']), onPodConditions: z.array(z.strictObject({ type: z.string(), status: z.enum(['True', 'False', 'Unknown']) })) }),
          ]),
        )
        .max(20),
    }),
    activeDeadlineSeconds: z.int().min(1),
    ttlSecondsAfterFinished: z.int().min(0),
    template: z.strictObject({
      metadata: z.strictObject({ labels }),
      spec: z.strictObject({
        // A pod failure policy takes no other.
        restartPolicy: z.literal('Never'),
        automountServiceAccountToken: z.boolean(),
        securityContext: z.strictObject({ runAsNonRoot: z.boolean(), runAsUser: z.int().min(1), seccompProfile }),
        containers: z
          .array(
            z.strictObject({
              name: z.string(),
              image: z.string(),
              imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
              command: z.array(z.string()),
              args: z.array(z.string()),
              securityContext: z.strictObject({ allowPrivilegeEscalation: z.boolean(), capabilities: z.strictObject({ drop: z.array(z.string()) }) }),
              resources: z.strictObject({ requests: quantities, limits: quantities }),
            }),
          )
          .length(1),
      }),
    }),
  }),
});

const [document, ...others] = parseAllDocuments(text);
const { spec } = job.parse(document!.toJS());
const [container] = spec.template.spec.containers;

test('it is one Job of batch/v1', () => expect(others).toEqual([]));

test('its pods play every shard, each one once', () => {
  expect(spec).toMatchObject({ completionMode: 'Indexed', parallelism: spec.completions });
  const [, count] = /--shard "\$\(\(JOB_COMPLETION_INDEX \+ 1\)\)\/(\d+)"/.exec(container!.args.join(' '))!;
  expect(Number(count)).toBe(spec.completions);
});

test('a verdict is not asked for a second time, a lost pod is begun anew', () => {
  const [lost, verdict] = spec.podFailurePolicy.rules;
  expect(lost).toMatchObject({ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] });
  // Every exit status of the lab but 0.
  expect(verdict).toEqual({ action: 'FailIndex', onExitCodes: { containerName: container!.name, operator: 'In', values: [1, 2, 3] } });
  expect(spec.backoffLimitPerIndex).toBeGreaterThan(0);
});
