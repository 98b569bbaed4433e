import type { EvidenceContent } from '../../evidence/document.ts';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import type { DrillPorts } from './drill-ports.ts';

const everyMs = 500;
/** Of a longer run every second one is let go, again and again. */
const samplesMax = 4_000;

type Sample = EvidenceContent['exposure'][number];

/** How the exposure of the link that ends here went during a run. */
export class ExposureTrace {
  readonly #ports: Pick<DrillPorts, 'link' | 'clock'>;
  #samples: Sample[] = [];

  constructor(ports: Pick<DrillPorts, 'link' | 'clock'>) {
    this.#ports = ports;
  }

  samples(): readonly Sample[] {
    return this.#samples;
  }

  /** Until `signal` aborts. Never rejects. */
  async keep(signal: AbortSignal): Promise<void> {
    const pause = new Wakeup();
    while (!hasAborted(signal)) {
      const view = this.#ports.link()?.view();
      if (view !== undefined) {
        const { seconds, basis } = view.exposure;
        this.#samples.push({ at: this.#ports.clock.now().toISOString(), link: view.id, seconds, basis });
      }
      if (this.#samples.length > samplesMax) this.#samples = this.#samples.filter((_sample, index) => index % 2 === 0);
      await pause.wait(signal, everyMs);
    }
  }
}
