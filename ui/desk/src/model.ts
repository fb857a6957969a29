// The view model: what the workstation shows, generated from Rust (desk/src/view) and named here for the window.
// Times are whole seconds since 1970 (UTC); dates without a time are ISO text (YYYY-MM-DD); ids are hex.
export type * from "@wardkey/shared/workstation";
