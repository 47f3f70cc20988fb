/** The exit codes, and the error that carries one. */

/** As DESIGN and sysexits.h have them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notRunning: 3,
  foundProblems: 4,
  unavailable: 69,
  alreadyRunning: 75,
  badConfig: 78,
} as const;

/** Ends a command with a message for people and a code for programs. */
export class ExitError extends Error {
  override readonly name = "ExitError";
  constructor(readonly code: number, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}
