// Where a master key may be kept, each with its own words on the screen that uses it.
export const places = {
  card: {
    signInText: "Insert the master card, then type its PIN in the PIN window.",
    signIn: "Sign in with the master card",
    prepareText:
      "Make the institution’s master key on a new card. Keep that card in a safe place, never at a ward terminal.",
    prepare: "Prepare a master card",
    prepared: "The master card is prepared. Sign in with it.",
    evidence: "",
  },
  hsm: {
    signInText: "The master key is in an HSM. Its PIN is typed in the PIN window.",
    signIn: "Sign in with the HSM",
    prepareText: "Make the institution’s master key in the HSM that the settings name. It cannot leave the HSM.",
    prepare: "Make the key in the HSM",
    prepared: "The master key is in the HSM. Sign in with it.",
    evidence: "Kept in an HSM: no attestation",
  },
  file: {
    signInText: "The master key is in a sealed file. Its PIN is typed in the PIN window.",
    signIn: "Sign in with the key file",
    prepareText: "Make the institution’s master key in the file that the settings name. For trials only.",
    prepare: "Make the key file",
    prepared: "The key file is made. Sign in with it.",
    evidence: "Kept in a file: no attestation, trial only",
  },
};
