import type { PrimaryFollower } from './follow-primary.ts';

export interface SiteCredentials {
  readonly username: string;
  readonly password: string;
}

/** The mechanisms by which a user name and a password are shown. */
export type PasswordMechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512';

/**
 * `new Kafka({ ...follower, sasl: saslBySite(follower, 'scram-sha-512', { a, b }) })`: for clusters that know the
 * application by different passwords. kafkajs reads name and password at every authentication, and gets those of the
 * site that is primary then. The mechanism is the same at both.
 */
export function saslBySite<Mechanism extends PasswordMechanism>(
  follower: Pick<PrimaryFollower, 'current'>,
  mechanism: Mechanism,
  credentials: Readonly<Record<'a' | 'b', SiteCredentials>>,
): { readonly mechanism: Mechanism; readonly username: string; readonly password: string } {
  const now = (): SiteCredentials => {
    const site = follower.current()?.site;
    if (site === 'a' || site === 'b') return credentials[site];
    throw new Error(
      `umbra: there are no credentials for ${site === undefined ? 'an unknown primary' : `site ${site}`}`,
    );
  };
  return {
    mechanism,
    get username() {
      return now().username;
    },
    get password() {
      return now().password;
    },
  };
}
