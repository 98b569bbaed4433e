/** What a person decides about a tail: part of the manifest that outlives it, said through the API. */
export { type TailDecision, tailDecisionSchema } from '../../quarantine/manifest.ts';
