/** The group that the workers of a site form at its cluster, and the type of its protocol: no consumers are in it. */
export const workerGroup = 'umbra-workers';
export const workerProtocolType = 'umbra';
