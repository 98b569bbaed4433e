import { Reader } from '@platformatic/kafka';
import { MalformedError } from './errors.ts';

/**
 * The library's reader over one answer, made safe. By itself it follows hostile lengths: its varints are signed, a
 * negative length moves it back, and an array with a huge count then reads the same bytes until memory is used up.
 * Here the position only moves forward and never past the end, so whatever is read is bounded by the bytes there are.
 *
 * Does not reach into the readers that the library makes for itself (tagged fields with a meaning, decompressed
 * records): codecs with those are not to be used (see versions-api.ts, replication/records.ts).
 */
export function boundedReader(bytes: Buffer): Reader {
  let position = 0;
  return Object.defineProperty(Reader.from(bytes), 'position', {
    get: () => position,
    set: (next: number) => {
      if (next < position || next > bytes.length) {
        throw new MalformedError(`a length leads from byte ${position} to ${next} of ${bytes.length}`);
      }
      position = next;
    },
  });
}
