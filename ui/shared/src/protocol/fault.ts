/** Why something in the protocol was refused. `code` is stable; texts for people come from a catalogue by this code. */
export class Fault extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "Fault";
  }
}
