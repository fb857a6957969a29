// Words for error codes. A code without an entry is shown with the notice's own message and action.
import type { Notice } from "../model";

const words: Record<string, { message: string; action: string }> = {
  "grant-revoked": { message: "The patient has ended this access.", action: "Ask the patient if it is still needed." },
  "grant-expired": { message: "The access has run out.", action: "Ask the patient to grant it again." },
  "grant-not-yet-valid": { message: "The access has not begun yet.", action: "See its dates in the list of patients." },
  "grant-unknown": { message: "The chain does not know this grant.", action: "Ask the patient to grant access again." },
  "grant-bad-signature": {
    message: "The grant is not signed by this patient.",
    action: "Do not go on. Tell IT staff.",
  },
  "grant-wrong-chain": {
    message: "The grant belongs to another network.",
    action: "Ask the patient to scan your poster again.",
  },
  "section-not-granted": { message: "The patient did not share this section.", action: "Ask the patient to grant it." },
  "institution-suspended": { message: "This institution is suspended.", action: "Call the network’s operator." },
  "device-unknown": { message: "This card is not approved.", action: "Send a request under Cards." },
  "device-suspended": {
    message: "This card is suspended.",
    action: "Ask the master-key holder. What was typed is kept.",
  },
  "device-revoked": { message: "This card was revoked.", action: "Ask IT staff for a new card." },
  "device-expired": {
    message: "The approval of this card has run out.",
    action: "Ask the master-key holder to approve it again.",
  },
  "device-right-missing": { message: "This card may not do that.", action: "Ask the master-key holder for the right." },
  "chain-silent": { message: "The chain has not been heard for too long.", action: "Wait, or call IT staff." },
  "card-service-down": {
    message: "The smart card service is not running.",
    action: "Restart this terminal, or call IT staff. What was typed is kept.",
  },
  "card-two": { message: "Two cards are inserted.", action: "Leave only your own card in a reader." },
  unexpected: { message: "Something unexpected happened.", action: "Try again. If it stays, tell IT staff." },
};

/** The notice in the language of the window, or as the workstation said it. */
export function translated(notice: Notice): Notice {
  const { message, action } = words[notice.code] ?? notice;
  return { ...notice, message: sentence(message), action: sentence(action) };
}

/** The workstation's fragments ("the card was removed") as sentences. */
function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") return "";
  const begun = trimmed.charAt(0).toLocaleUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}
