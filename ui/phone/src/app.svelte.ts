/** The one page: which phase it is in, and the session behind every screen. */
import { Fault } from "@wardkey/shared/protocol";
import { faultCode } from "./fault-code.ts";
import { Session, browserSurroundings } from "./patient/session.ts";

export type Phase =
  | { name: "loading" }
  | { name: "stopped"; code: string }
  | { name: "welcome"; session: Session }
  | { name: "ready"; session: Session };

class Page {
  phase = $state.raw<Phase>({ name: "loading" });

  async start(): Promise<void> {
    this.phase = { name: "loading" };
    try {
      if (!globalThis.isSecureContext) throw new Fault("not-secure", "not a secure context");
      const session = await Session.start(await browserSurroundings());
      if (!session.patient) {
        this.phase = { name: "welcome", session };
        return;
      }
      this.ready(session);
      // A list that did not get through last time; every grant tries it again.
      session.publishKeys().catch(() => undefined);
    } catch (error) {
      this.phase = { name: "stopped", code: faultCode(error) };
    }
  }

  ready(session: Session): void {
    this.phase = { name: "ready", session };
  }
}

export const page = new Page();
