import type { ChangeView, ConfigEvent } from '../../sync/topics/config-sync-view.ts';
import type { AclEvent } from '../../sync/acls/acl-sync.ts';
import type { Notice } from './event.ts';
import { someOf } from './some-of.ts';

/** What the syncs of a link tell, in one line each. */
export function configNotice(link: string, event: ConfigEvent): Notice {
  const { kind } = event;
  switch (kind) {
    case 'configs synced':
      return { kind, link, message: `${event.topic}: ${someOf(event.changes.map(becomes))}` };
    case 'config edit reverted':
      return { kind, link, message: `${event.topic}: ${someOf(event.changes.map(becomes))}` };
    case 'configs refused': {
      const names = event.first.map(({ topic, name }) => `${name} of ${topic}`);
      return { kind, link, message: `${event.message}: ${someOf(names, event.count)}` };
    }
  }
}

/** Undefined for what is no news: nobody else may write the copies. */
export function aclNotice(link: string | undefined, event: AclEvent): Notice | undefined {
  const of = link === undefined ? {} : { link };
  switch (event.kind) {
    case 'acls synced': {
      const created = event.created === 0 ? [] : [`created ${someOf(event.first.created, event.created)}`];
      const removed = event.removed === 0 ? [] : [`removed ${someOf(event.first.removed, event.removed)}`];
      return { kind: event.kind, ...of, message: [...created, ...removed].join('; ') };
    }
    case 'acls refused':
      return { kind: event.kind, ...of, message: someOf(event.first, event.count) };
    case 'fence seen':
      if (event.fence === 'fenced') return undefined;
      return {
        ...{ kind: 'leaks found', ...of },
        message: event.fence === 'unfenced' ? 'there is no authorizer: anybody can' : someOf(event.leaks),
      };
  }
}

export function groupsRemoved(link: string, groups: readonly string[]): Notice {
  return { kind: 'groups removed', link, message: someOf(groups) };
}

function becomes({ name, shown, wanted }: ChangeView): string {
  return `${name} ${shown ?? '(default)'} → ${wanted ?? '(default)'}`;
}
