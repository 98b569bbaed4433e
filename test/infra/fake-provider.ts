import { checkClusterHandler } from '../../src/provider/handlers/check-cluster.ts';
import { checkPrefixesHandler } from '../../src/provider/handlers/check-prefixes.ts';
import { drillScheduleHandler } from '../../src/provider/handlers/drill-schedule.ts';
import { localClusterHandler } from '../../src/provider/handlers/local-cluster.ts';
import { localWorkerHandler } from '../../src/provider/handlers/local-worker.ts';
import { prefixPolicyHandler } from '../../src/provider/handlers/prefix-policy.ts';
import { schemaPrimaryHandler } from '../../src/provider/handlers/schema-primary.ts';
import { shadowLinkHandler } from '../../src/provider/handlers/shadow-link.ts';
import type { CheckCluster } from '../../src/provider/ports.ts';
import type { Catalogue } from '../../src/provider/server/dispatch.ts';
import { bindInvoke } from '../../src/provider/server/invoke.ts';
import { bindResource } from '../../src/provider/server/resource.ts';
import { catalogueOf, fakeApis, fakeClock, fakeClusters, fakeWorkers } from '../provider/fakes.ts';

/** The provider's real handlers on fake ports. `check` answers for clusters that are there already. */
export function fakeProvider(check: CheckCluster): Catalogue {
  const apis = fakeApis();
  const ports = { openApi: apis.open, clock: fakeClock() };
  // Of a pair that does not run yet.
  const noWorkers = fakeWorkers();
  return catalogueOf(
    bindResource(localClusterHandler(fakeClusters())),
    bindResource(localWorkerHandler(fakeWorkers())),
    bindResource(shadowLinkHandler(ports)),
    bindResource(prefixPolicyHandler(ports)),
    bindResource(schemaPrimaryHandler(ports)),
    bindResource(drillScheduleHandler(ports)),
    bindInvoke(checkClusterHandler(check)),
    bindInvoke(checkPrefixesHandler({ workers: noWorkers, openApi: apis.open })),
  );
}
