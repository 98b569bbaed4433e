/** The requests without which nothing is copied, in the versions that are sent (docs/versions.md). */
export const neededRequests: readonly { readonly name: string; readonly key: number; readonly version: number }[] = [
  { name: 'Produce', key: 0, version: 9 },
  { name: 'Fetch', key: 1, version: 13 },
  { name: 'ListOffsets', key: 2, version: 6 },
  { name: 'Metadata', key: 3, version: 12 },
  { name: 'OffsetForLeaderEpoch', key: 23, version: 4 },
  { name: 'WriteTxnMarkers', key: 27, version: 1 },
  { name: 'DescribeProducers', key: 61, version: 0 },
  { name: 'DescribeTransactions', key: 65, version: 0 },
];
