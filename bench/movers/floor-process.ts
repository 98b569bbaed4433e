import net from 'node:net';
import { z } from 'zod';
import { floorAnswerBytes } from './floor-shape.ts';

/**
 * The floor: moves the bytes of one socket to another and does nothing else. It asks for an answer, the kernel writes
 * it into a block, the block goes out in one write: what this costs, every process costs that moves bytes in Node. No
 * protocol, no checks, no two clusters that answer late.
 */
const blocks = 4;

const [from, to] = z.tuple([z.coerce.number(), z.coerce.number()]).parse((process.argv[2] ?? '').split(','));
const free: Buffer[] = Array.from({ length: blocks }, () => Buffer.allocUnsafeSlow(floorAnswerBytes));
let block: Buffer | undefined = free.pop();
let filled = 0;
let moved = 0;
const ask = Buffer.alloc(1);

const target = net.connect({ host: '127.0.0.1', port: to, noDelay: true });
const source = net.connect({
  host: '127.0.0.1',
  port: from,
  noDelay: true,
  onread: {
    buffer: () => current().subarray(filled),
    callback: (count) => {
      filled += count;
      if (filled === floorAnswerBytes) pass();
      return true;
    },
  },
});
for (let asked = 0; asked < blocks - 1; asked++) source.write(ask);

process.on('message', () => process.send?.({ moved }));
process.once('disconnect', () => {
  source.destroy();
  target.destroy();
});

function current(): Buffer {
  // One block more than answers are asked for: one is always there.
  if (block === undefined) throw new Error('the floor was given more than it asked for');
  return block;
}

function pass(): void {
  const full = current();
  block = free.pop();
  filled = 0;
  target.write(full, () => {
    moved += full.length;
    if (block === undefined) block = full;
    else free.push(full);
    source.write(ask);
  });
}
