import type { RegistryProduct } from './registry-settings.ts';

/** What the HTTP API of a registry said about itself. Most fields only some products answer. */
export type RegistrySight =
  | { readonly kind: 'unreachable'; readonly url: string; readonly why: string }
  /** It asks for credentials, or for others. */
  | { readonly kind: 'refused'; readonly url: string; readonly status: number }
  | RegistryAnswers;

export interface RegistryAnswers {
  readonly kind: 'answers';
  readonly url: string;
  readonly product: RegistryProduct | 'unknown';
  readonly version: string | undefined;
  /** Of the Kafka cluster that holds its log (Confluent). */
  readonly kafkaClusterId: string | undefined;
  /** Whether it may be elected to write, and whether it is (Karapace). */
  readonly eligible: boolean | undefined;
  readonly leads: boolean | undefined;
  readonly mode: string | undefined;
  readonly compatibility: string | undefined;
  /** Its ids for versions it was asked for. */
  readonly versions: readonly AnsweredVersion[];
}

export interface AnsweredVersion {
  readonly subject: string;
  readonly version: number;
  /** Undefined where it does not know the version. */
  readonly id: number | undefined;
}

/** One process of a registry, as it shows itself in the consumer group in which they elect who writes. */
export interface RegistryMember {
  /** `host:port`, as it advertises itself. */
  readonly address: string;
  readonly eligible: boolean;
  readonly leads: boolean;
}

export type RegistryGroupSight =
  /** No members: no registry runs on this cluster, or its group has another name. */
  | { readonly kind: 'empty'; readonly group: string }
  | { readonly kind: 'members'; readonly group: string; readonly members: readonly RegistryMember[] }
  /** The group may not be described, or is none of a registry. */
  | { readonly kind: 'unread'; readonly group: string; readonly why: string };
