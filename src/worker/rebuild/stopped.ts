/** The rebuild ends here, on purpose and before the copy was touched; the message says why. */
export class Stopped extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Stopped';
  }
}
