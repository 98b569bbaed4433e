// Progress of long work, line by line. Plain JavaScript: it runs before `npm ci`, under any Node from 20 on.

/** An error meant for a person: its message is the whole story, no stack is printed. */
export class ToolError extends Error {
  constructor(message, options) {
    super(message, options);
    this.name = 'ToolError';
  }
}

/** Without a terminal to redraw on, one line per this much waiting shows that the work goes on. */
const heartbeatMs = 30_000;
const redrawMs = 1_000;
const nameWidth = 16;

export function renderStep({ mark, name, detail, elapsedMs }) {
  const label = `${mark} ${name.padEnd(nameWidth)}`;
  const time = `${(elapsedMs / 1000).toFixed(1)} s`;
  return detail === '' ? `${label}  ${time}` : `${label}  ${detail}  ${time}`;
}

/**
 * Runs `work` and prints `✓ name  summary  12.3 s` when it is done, `✗ …` when it threw (the error goes on).
 * `work` gets `report(detail)` to say what it is doing and returns `{ value, summary }`.
 * On a terminal the line is redrawn every second unless `background` is set; elsewhere it is printed at the first
 * detail and then every 30 s.
 */
export async function runStep(name, work, { out = process.stdout, background = false } = {}) {
  const startedAt = performance.now();
  const live = out.isTTY === true && !background;
  let detail = '';
  const line = (mark, text) => renderStep({ mark, name, detail: text, elapsedMs: performance.now() - startedAt });
  const draw = () => out.write(live ? `\r\u001B[2K${line('…', detail)}` : `${line('…', detail)}\n`);
  const timer = setInterval(draw, live ? redrawMs : heartbeatMs);
  timer.unref();
  const finish = (mark, text) => out.write(`${live ? '\r\u001B[2K' : ''}${line(mark, text)}\n`);
  try {
    const { value, summary } = await work((text) => {
      const first = detail === '';
      detail = text;
      if (live || first) draw();
    });
    finish('✓', summary);
    return value;
  } catch (error) {
    finish('✗', detail);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** The text a person sees for an error: the message alone where it was written for people, else with the stack. */
export function renderError(error) {
  if (error instanceof ToolError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
