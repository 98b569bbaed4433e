import type { ChangeView, ConfigEvent } from '../../sync/topics/config-sync-view.ts';
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

export function groupsRemoved(link: string, groups: readonly string[]): Notice {
  return { kind: 'groups removed', link, message: someOf(groups) };
}

function becomes({ name, shown, wanted }: ChangeView): string {
  return `${name} ${shown ?? '(default)'} → ${wanted ?? '(default)'}`;
}
