// Words of the master-key area for several master keys and for the institution’s key.

export const masterWords = {
  suspend: "Suspend",
  suspended: (holder: string) => `The card of ${holder} is suspended.`,
  resume: "Resume",
  resumed: (holder: string) => `The card of ${holder} may act again once enough master keys have signed.`,
  approvedFirst: (holder: string) => `${holder} is approved once another master key has signed.`,
  key: {
    title: "The institution’s key",
    epoch: (n: number) => `Epoch ${n}`,
    good: "Every card that may act has it, and no other.",
    due: (names: string) => `These no longer should have it, and still do: ${names}. Move it to a new key.`,
    missing: (n: number) => `${n === 1 ? "One card does" : `${n} cards do`} not have it yet.`,
    pending: "A move was begun here and not finished. Nothing is lost; go on with it.",
    explain: "A new key is sealed to every active card; people go on working meanwhile. One PIN.",
    move: "Move to a new key",
    resume: "Go on with the move",
    give: "Give it to them",
    moving: "Moving the institution’s key",
    moved: "The institution’s key has moved.",
    given: "Every card that may act has the key now.",
  },
  masters: {
    title: "Master keys",
    rule: (needed: number, all: number) =>
      all === 1
        ? "One key signs everything. Add another, so that its loss can be mended."
        : `${needed} of ${all} must sign.`,
    own: "This card",
    words: "Words",
    remove: "Remove",
    removeTitle: (name: string) => `Remove the master key ${name}?`,
    removeText: "It signs nothing more. Move the institution’s key afterwards.",
    threshold: "Keys that must sign from now on",
    change: "Change the number",
    changeTitle: "How many master keys must sign?",
    changed: "Signed. It holds once enough master keys have signed.",
    offeredTitle: "A new card was offered here",
    offeredText: (card: string, replaces: string) =>
      replaces === ""
        ? `Card ${card} becomes a further master key.`
        : `Card ${card} takes the place of key ${replaces}.`,
    offeredThreshold: (n: number) => `${n} must sign from then on.`,
    offeredWords: "Must be the words that its holder saw.",
    accept: "Accept with this master card",
    addHow: "To add a key or replace a lost one: prepare the new card under “First time?”, then offer it.",
    offerTitle: "Or: offer this card as a master key",
    offerText: (institution: string) =>
      `The card signs that it joins the master keys of ${institution}. A current master key then accepts it.`,
    replaces: "Takes the place of (begin of the lost key’s name; empty: a further key)",
    offer: "Sign and offer",
    offered: "Offered. Compare the words, then insert a current master card and sign in.",
  },
  proposals: {
    title: "Waiting for signatures",
    none: "Nothing waits for a further signature.",
    kinds: {
      approve: "Approve a card",
      suspend: "Suspend a card",
      resume: "Let a card act again",
      masters: "Change the master keys",
    },
    signed: (given: number, needed: number) => `${given} of ${needed} signatures`,
    by: (name: string) => `Key ${name}`,
    own: "this card",
    until: "Can be signed until",
    list: "From then on",
    cosign: "Sign as well",
    cosigned: "Signed.",
    withdraw: "Withdraw",
    withdrawTitle: "Withdraw it?",
    reason: "Reason",
    withdrawConfirm: "Withdraw",
    withdrawn: "Withdrawn.",
    states: { open: "Open", done: "Done", withdrawn: "Withdrawn", stale: "Overtaken" },
  },
};
