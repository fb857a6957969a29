//! The window where a PIN is typed: a program of its own, so that no other program of Wardkey ever sees a PIN.
//!
//! It reads one job from standard input, shows who asks and for what, takes the PIN into a buffer that is wiped, lets the
//! card do the job's operations, and writes one answer to standard output (protocol §9).
//!
//! Start at [`dialog`] (what happens, without a window), [`view`] (what it looks like) and [`hsm_card`] (the card).
#![forbid(unsafe_code)]

pub mod ask;
pub mod card;
pub mod dialog;
pub mod entry;
pub mod fault;
pub mod guard;
pub mod hsm_card;
pub mod icon;
pub mod input;
pub mod job;
pub mod keystrokes;
pub mod log;
pub mod reader;
pub mod renderer;
pub mod reply;
pub mod rules;
pub mod texts;
pub mod theme;
pub mod touch;
pub mod view;
pub mod window;
pub mod worker;
