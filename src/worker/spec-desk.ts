import type { DrillSpec } from '../drill/drill-spec.ts';
import type { LinkSpec } from '../pair/spec.ts';
import type { DeclaredPolicy } from '../prefix-policy/declared-policy.ts';
import type { SchemaPrimary } from '../schema-primary/schema-primary.ts';
import type { EventSink } from './events/event.ts';
import { channelStates, type ChannelView, type JudgedSpec, judgedSpecOf, putJudgedSpec } from './spec-channel-view.ts';
import type { SiteState } from './state/state.ts';

/** Sections of a site's spec, as they are in force. */
export interface SiteDeclared {
  readonly prefixPolicy: DeclaredPolicy | undefined;
  readonly schemaPrimary: SchemaPrimary | undefined;
  readonly links: readonly LinkSpec[];
  readonly drills: readonly DrillSpec[];
}

/** What whoever brings declarations as documents has to know of the site, and writes down there. */
export interface SpecDesk {
  /** Everything that is declared at this site, however it came. */
  declared(): SiteDeclared;
  /** The newest declaration that came as a document; undefined before the first. */
  judged(): JudgedSpec | undefined;
  record(judged: JudgedSpec, signal: AbortSignal): Promise<void>;
  /** Grows with everything that is written down: of two workers that say they lead, the one that knows more is right. */
  knownTo(): bigint;
  /** How that goes, for the views and metrics. */
  show(view: ChannelView): void;
}

/** {@link SpecDesk} over the state of the site; `site` throws where this worker does not lead it. */
export class StoredSpecs implements SpecDesk {
  readonly #site: () => { readonly state: SiteState; readonly events: EventSink };
  #view: ChannelView | undefined;

  constructor(site: () => { readonly state: SiteState; readonly events: EventSink }) {
    this.#site = site;
  }

  /** As it was shown last. */
  get view(): ChannelView | undefined {
    return this.#view;
  }

  declared(): SiteDeclared {
    const state = this.#site().state;
    const { schemaPrimary } = state;
    const drills = state.drills.specs();
    return { prefixPolicy: state.prefixPolicy?.declared, schemaPrimary, links: state.links(), drills };
  }

  judged(): JudgedSpec | undefined {
    return judgedSpecOf(this.#site().state);
  }

  record(judged: JudgedSpec, signal: AbortSignal): Promise<void> {
    return putJudgedSpec(this.#site().state, judged, signal);
  }

  knownTo(): bigint {
    return this.#site().state.end;
  }

  show(view: ChannelView): void {
    const before = this.#view;
    this.#view = view;
    if (before?.state === view.state && before.reason === view.reason) return;
    const { well } = channelStates[view.state];
    const message = `${view.document}: ${view.state}${view.reason === undefined ? '' : `: ${view.reason}`}`;
    this.#site().events.report({ kind: 'spec channel changed', level: well ? 'info' : 'error', message });
  }
}
