import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { Service } from 'kubernetes-models/v1/Service';
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { manifestProblems } from '../fixtures/typed-manifests.ts';

const file = join(import.meta.dirname, '../../docs/deploy/kubernetes/worker.yaml');

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
}

const manifests = parseAllDocuments(readFileSync(file, 'utf8')).map((document) => {
  expect(document.errors).toEqual([]);
  return document.toJS() as Manifest; // as: every one is validated against the schema of its kind below
});

function manifest(kind: string): object {
  const found = manifests.filter((each) => each.kind === kind);
  expect(found, kind).toHaveLength(1);
  return found[0]!;
}

const account = new ServiceAccount(manifest('ServiceAccount'));
const service = new Service(manifest('Service'));
const set = new StatefulSet(manifest('StatefulSet'));
const budget = new PodDisruptionBudget(manifest('PodDisruptionBudget'));
const policy = new NetworkPolicy(manifest('NetworkPolicy'));
const pod = set.spec!.template.spec!;
const container = pod.containers[0]!;

describe('the manifests for Kubernetes', () => {
  test('are one of each kind, and each is what the schema of its kind says', () => {
    const models = [account, service, set, budget, policy];
    expect(manifests.map(({ kind }) => kind)).toEqual(models.map(({ kind }) => kind));
    for (const model of models) model.validate();
  });

  test('have no field that is none of its kind: a cluster would drop it', { timeout: 60_000 }, () => {
    const typed = (spoil: (spec: Record<string, unknown>) => void = () => undefined): readonly string[] => {
      const models = ['v1/ServiceAccount', 'v1/Service', 'apps/v1/StatefulSet', 'policy/v1/PodDisruptionBudget'];
      const all = [...models, 'networking.k8s.io/v1/NetworkPolicy'].map((model) => {
        const copy = structuredClone(manifest(model.split('/').at(-1) ?? '')) as { spec: Record<string, unknown> };
        if (model.endsWith('StatefulSet')) spoil(copy.spec);
        return { model, manifest: copy };
      });
      return manifestProblems(all);
    };
    expect(typed()).toEqual([]);
    expect(typed((spec) => (spec['replica'] = 2))).toEqual([expect.stringMatching(/replica\W+ does not exist/)]);
    expect(typed((spec) => (spec['replicas'] = 'two'))).toEqual([expect.stringMatching(/'string' is not assignable/)]);
  });

  test('name no namespace and belong together by their labels', () => {
    for (const { metadata } of manifests) {
      expect(metadata).not.toHaveProperty('namespace');
      expect(metadata.labels).toEqual(manifests[0]!.metadata.labels);
    }
    const { labels } = manifests[0]!.metadata;
    expect(set.spec!.selector.matchLabels).toEqual(labels);
    expect(set.spec!.template.metadata!.labels).toEqual(labels);
    expect(service.spec!.selector).toEqual(labels);
    expect(budget.spec!.selector).toEqual({ matchLabels: labels });
  });
});

describe('a pod', () => {
  test('runs one image, by its digest', () => {
    expect(pod.containers).toHaveLength(1);
    expect(container.image).toMatch(/^[a-z0-9./-]+@sha256:[0-9a-f]{64}$/);
  });

  test('has no more rights than the image needs', () => {
    expect(pod.securityContext).toMatchObject({
      ...{ runAsNonRoot: true, runAsUser: 65_532, runAsGroup: 65_532, fsGroup: 65_532 },
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(container.securityContext).toEqual({
      ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
      capabilities: { drop: ['ALL'] },
    });
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(account.automountServiceAccountToken).toBe(false);
    expect([pod.hostNetwork, pod.hostPID, pod.hostIPC]).toEqual([undefined, undefined, undefined]);
  });

  test('can write where a worker writes, and its quarantine outlives it', () => {
    expect(container.volumeMounts!.map(({ mountPath }) => mountPath)).toEqual(['/var/lib/umbra', '/tmp']);
    const claimed = set.spec!.volumeClaimTemplates!.map(({ metadata }) => metadata!.name);
    expect(claimed).toEqual([container.volumeMounts![0]!.name]);
    expect(pod.volumes!.map(({ name }) => name)).toEqual([container.volumeMounts![1]!.name]);
  });

  test('is asked whether it answers and whether it takes part, at the port that it opens', () => {
    const port = container.ports![0]!;
    expect(container.livenessProbe!.httpGet).toEqual({ path: '/healthz', port: port.name });
    expect(container.readinessProbe!.httpGet).toEqual({ path: '/readyz', port: port.name });
    expect(service.spec!.ports).toEqual([{ name: 'api', port: port.containerPort, targetPort: port.name }]);
  });

  test('has its configuration and its token from a Secret, and no secret stands in the file', () => {
    const names = container.env!.map(({ name, valueFrom }) => [name, valueFrom!.secretKeyRef!.name]);
    expect(names).toEqual([
      ['UMBRA_WORKER_CONFIG', 'umbra-worker'],
      ['UMBRA_API_TOKEN', 'umbra-worker'],
    ]);
    expect(manifests.map(({ kind }) => kind)).not.toContain('Secret');
  });

  test('has the time that a clean stop takes, and bounded memory', () => {
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(20);
    expect(container.resources!.limits).toHaveProperty('memory');
    expect(container.resources!.requests).toHaveProperty('cpu');
  });
});

test('the network policy closes what it does not open, both ways', () => {
  expect(policy.spec!.policyTypes).toEqual(['Ingress', 'Egress']);
  for (const rule of policy.spec!.egress!) {
    expect(rule.to?.length).toBeGreaterThan(0);
    expect(rule.ports?.length).toBeGreaterThan(0);
  }
  for (const rule of policy.spec!.ingress!) expect(rule).toMatchObject({ from: [{}], ports: [{ port: 8080 }] });
});
