/** The protocol in TypeScript (docs/protocol.md); `tests/vectors` holds it equal to the Rust side. */
export * from "./bytes.ts";
export * from "./domain.ts";
export * from "./eip712.ts";
export * from "./fault.ts";
export * from "./grant.ts";
export * from "./hpke.ts";
export * from "./http-signature.ts";
export * from "./institution.ts";
export * from "./key.ts";
export * from "./log.ts";
export * from "./merkle.ts";
export * from "./poster.ts";
export * from "./record.ts";
export * from "./section.ts";
export * from "./section-keys.ts";
export * from "./structured-field.ts";
export * from "./types.ts";
