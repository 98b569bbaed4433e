/** What applications import as `umbra/kafkajs`. It stands on Node alone: kafkajs is the application's own. */
export { type Followed, type FollowOptions, followPrimary, type PrimaryFollower } from './follow-primary.ts';
export {
  followProducer,
  type FollowingProducer,
  type FollowProducerOptions,
  type Moves,
  type ProducerLike,
} from './follow-producer.ts';
export type { Destination, Primary, SitePlaces } from './primary.ts';
export { type PasswordMechanism, saslBySite, type SiteCredentials } from './sasl-by-site.ts';
export type { SocketRequest } from './site-sockets.ts';
