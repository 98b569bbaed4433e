/**
 * What a Fargate task may be: CPU in units (1024 = 1 vCPU), memory in MiB as first, last and step. Source: "Task CPU and
 * memory" of the ECS developer guide. As data: a size that AWS adds is a line here.
 */
const sizes: readonly { readonly cpu: number; readonly memoryMib: readonly [number, number, number] }[] = [
  { cpu: 512, memoryMib: [1024, 4096, 1024] },
  { cpu: 1024, memoryMib: [2048, 8192, 1024] },
  { cpu: 2048, memoryMib: [4096, 16_384, 1024] },
  { cpu: 4096, memoryMib: [8192, 30_720, 1024] },
  { cpu: 8192, memoryMib: [16_384, 61_440, 4096] },
  { cpu: 16_384, memoryMib: [32_768, 122_880, 8192] },
];

export const fargateCpus: readonly number[] = sizes.map(({ cpu }) => cpu);

/** Why Fargate does not take this memory with this CPU, as the rest of a sentence; undefined when it does. */
export function whyNotOnFargate(cpu: number, memoryMib: number): string | undefined {
  const size = sizes.find((each) => each.cpu === cpu);
  if (size === undefined) return undefined;
  const [first, last, step] = size.memoryMib;
  if (memoryMib >= first && memoryMib <= last && memoryMib % step === 0) return undefined;
  return `must be ${first} to ${last} in steps of ${step} with ${cpu} CPU units`;
}
