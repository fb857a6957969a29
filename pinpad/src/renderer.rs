//! What draws the window: OpenGL and wgpu (Vulkan, Direct3D, Metal, OpenGL ES) each fail somewhere (remote desktops, bare virtual
//! machines), so if one does not open a window, the other is tried. Order and figures: docs/decisions/0016.

use crate::fault::PinpadError;
use crate::window::Window;
use eframe::Renderer;
use eframe::egui::{self, ViewportBuilder};
use std::error::Error;

/// Which is tried first. For a terminal where the first opens a window but draws it badly, which no program can notice.
pub const FIRST: &str = "WARDKEY_PINPAD_RENDERER";

/// Makes the window; called once, by the renderer that works.
pub(crate) type Make<'a> = dyn FnMut(&egui::Context) -> Result<Window, Box<dyn Error + Send + Sync>> + 'a;

/// Opens the window with the first renderer that can, and returns when it is closed.
///
/// # Errors
/// [`PinpadError::NoWindow`] if none can.
pub(crate) fn run(viewport: &ViewportBuilder, make: &mut Make<'_>) -> Result<(), PinpadError> {
    let mut made = false;
    let wish = std::env::var(FIRST).ok();
    first_that_works(order(wish.as_deref()), |renderer| {
        let outcome = attempt(renderer, viewport, &mut |ctx| {
            made = true;
            make(ctx)
        });
        // A window that was there cannot be made again: its dialog may have had its answer.
        match outcome {
            Err(error) if made => Attempt::Over(error.to_string()),
            Err(error) => Attempt::Failed(error.to_string()),
            Ok(()) => Attempt::Done,
        }
    })
}

/// OpenGL first, because it opens a window sooner; `wgpu` as a wish turns that round.
fn order(wish: Option<&str>) -> [Renderer; 2] {
    match wish {
        Some("wgpu") => [Renderer::Wgpu, Renderer::Glow],
        _ => [Renderer::Glow, Renderer::Wgpu],
    }
}

/// How a renderer fared.
enum Attempt {
    /// The window was open and is closed.
    Done,
    /// No window was opened.
    Failed(String),
    /// The window was open when it failed.
    Over(String),
}

fn first_that_works(order: [Renderer; 2], mut attempt: impl FnMut(Renderer) -> Attempt) -> Result<(), PinpadError> {
    for renderer in order {
        match attempt(renderer) {
            Attempt::Done => return Ok(()),
            Attempt::Failed(why) => tracing::warn!("failed to open the window with {renderer}: {why}"),
            Attempt::Over(why) => {
                tracing::error!("the window failed with {renderer}: {why}");
                return Err(PinpadError::NoWindow);
            }
        }
    }
    Err(PinpadError::NoWindow)
}

fn attempt(renderer: Renderer, viewport: &ViewportBuilder, make: &mut Make<'_>) -> eframe::Result {
    let options = eframe::NativeOptions {
        viewport: viewport.clone(),
        renderer,
        centered: true,
        persist_window: false,
        // The event loop can be made once per process; the second renderer goes on with it.
        run_and_return: true,
        ..Default::default()
    };
    eframe::run_native(
        "wardkey-pinpad",
        options,
        Box::new(|creation| Ok(Box::new(make(&creation.egui_ctx)?))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(outcomes: [fn() -> Attempt; 2]) -> (bool, Vec<Renderer>) {
        let mut tried = Vec::new();
        let done = first_that_works(order(None), |renderer| {
            tried.push(renderer);
            outcomes[tried.len() - 1]()
        });
        (done.is_ok(), tried)
    }

    #[test]
    fn the_second_is_tried_if_the_first_opens_no_window() {
        use Renderer::{Glow, Wgpu};
        let failed = || Attempt::Failed("no adapter".into());
        assert_eq!(played([|| Attempt::Done, failed]), (true, vec![Glow]));
        assert_eq!(played([failed, || Attempt::Done]), (true, vec![Glow, Wgpu]));
        assert_eq!(played([failed, failed]), (false, vec![Glow, Wgpu]));
        assert_eq!(
            played([|| Attempt::Over("lost".into()), || Attempt::Done]),
            (false, vec![Glow]),
            "a dialog is never begun twice"
        );
    }

    #[test]
    fn a_terminal_may_wish_the_other_first() {
        assert_eq!(order(Some("wgpu"))[0], Renderer::Wgpu);
        assert_eq!(order(Some("nonsense"))[0], Renderer::Glow);
    }
}
