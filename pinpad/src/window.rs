//! The window: feeds keys, news and time to the dialog and shows what it says.

use crate::card::{Ask, Card};
use crate::dialog::{Dialog, Ending, Key, News, Phase, Step};
use crate::fault::PinpadError;
use crate::input::Keyboard;
use crate::texts::{self, ENGLISH};
use crate::theme::{self, Palette};
use crate::view::{self, Press};
use crate::worker::{self, Task};
use crate::{guard, icon, renderer};
use eframe::egui::{self, Theme, ViewportBuilder, ViewportCommand, vec2};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use wardkey_core::fault::Coded as _;
use wardkey_hsm::CardError;

/// How often an idle window looks at the clock.
const CLOCK: Duration = Duration::from_secs(1);
/// Time between two pictures while something moves.
const MOVING: Duration = Duration::from_millis(40);

/// What runs beside the window and must live as long as it: the reader monitor.
pub type Companion = Box<dyn std::any::Any>;

/// Starts the companion; told how to report.
pub type Watching = Box<dyn FnOnce(worker::Teller) -> Result<Companion, CardError>>;

/// Everything that the window needs from outside.
pub struct Setting {
    /// What the person is asked.
    pub ask: Ask,
    /// The card.
    pub card: Box<dyn Card>,
    /// Watches the reader.
    pub watch: Watching,
    /// Called once with the ending, before the window closes.
    pub answer: Box<dyn FnMut(Ending)>,
    /// Light, dark or the system's.
    pub theme: egui::ThemePreference,
}

/// Opens the window and returns when it is closed. [`Setting::answer`] was called by then, unless there is an error.
///
/// # Errors
/// [`PinpadError::NoWindow`] if there is no display, or nothing that draws on it.
pub fn open(setting: Setting) -> Result<(), PinpadError> {
    let title = texts::filled(ENGLISH.window, &[&setting.ask.asker, &setting.ask.title]);
    let viewport = ViewportBuilder::default()
        .with_title(&title)
        .with_app_id("wardkey-pinpad")
        .with_inner_size(view::SIZE)
        .with_resizable(false)
        .with_maximize_button(false)
        .with_minimize_button(false)
        .with_always_on_top()
        .with_active(true)
        .with_icon(icon::icon());
    let mut setting = Some(setting);
    renderer::run(&viewport, &mut |ctx| {
        let setting = setting.take().ok_or("the window was open already")?;
        Window::new(setting, ctx)
    })
}

/// The window with its dialog.
pub(crate) struct Window {
    dialog: Dialog,
    news: Receiver<News>,
    tasks: Sender<Task>,
    answer: Box<dyn FnMut(Ending)>,
    keyboard: Keyboard,
    pad: bool,
    focused_once: bool,
    _watch: Companion,
}

impl Window {
    fn new(setting: Setting, ctx: &egui::Context) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        dress(ctx, setting.theme);
        let (sender, news) = channel();
        let waker = ctx.clone();
        let tell: worker::Teller = Arc::new(move |news| {
            // The window may be gone already: then nobody needs the news.
            let _ = sender.send(news);
            waker.request_repaint();
        });
        guard::when_unheard(|| std::process::exit(1))?;
        let watch = (setting.watch)(Arc::clone(&tell))?;
        let tasks = worker::start(setting.card, tell)?;
        let mut window = Self {
            dialog: Dialog::new(setting.ask, Instant::now()),
            news,
            tasks,
            answer: setting.answer,
            keyboard: Keyboard::default(),
            pad: false,
            focused_once: false,
            _watch: watch,
        };
        window.give(Task::Look, ctx);
        Ok(window)
    }

    fn act(&mut self, step: Step, ctx: &egui::Context) {
        match step {
            Step::Wait => {}
            Step::UseReader => self.give(Task::UseReader, ctx),
            Step::Use(pin) => self.give(Task::Use(pin), ctx),
            Step::Choose(pin) => self.give(Task::Choose(pin), ctx),
            Step::Finish(ending) => {
                (self.answer)(ending);
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
        }
    }

    fn give(&mut self, task: Task, ctx: &egui::Context) {
        if self.tasks.send(task).is_err() {
            let step = self.dialog.hear(News::Failed, Instant::now());
            self.act(step, ctx);
        }
    }

    fn press(&mut self, press: Press, ctx: &egui::Context) {
        match press {
            Press::Key(key) => {
                let step = self.dialog.key(key, Instant::now());
                self.act(step, ctx);
            }
            Press::Pad => {
                self.pad = !self.pad;
                self.resize(ctx);
            }
        }
    }

    /// Makes room for the number pad, around the same centre.
    fn resize(&self, ctx: &egui::Context) {
        let wide = if self.pad { view::PAD_WIDTH } else { 0.0 };
        let shift = if self.pad {
            -view::PAD_WIDTH / 2.0
        } else {
            view::PAD_WIDTH / 2.0
        };
        if let Some(outer) = ctx.input(|i| i.viewport().outer_rect) {
            ctx.send_viewport_cmd(ViewportCommand::OuterPosition(outer.min + vec2(shift, 0.0)));
        }
        ctx.send_viewport_cmd(ViewportCommand::InnerSize(view::SIZE + vec2(wide, 0.0)));
    }

    fn closing(&mut self, ctx: &egui::Context) {
        if ctx.input(|i| i.viewport().close_requested()) && self.dialog.phase() != &Phase::Finished {
            let step = self.dialog.key(Key::Cancel, Instant::now());
            if !matches!(step, Step::Finish(_)) {
                ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            }
            self.act(step, ctx);
        }
    }
}

impl eframe::App for Window {
    fn raw_input_hook(&mut self, ctx: &egui::Context, raw: &mut egui::RawInput) {
        let focused = ctx.memory(|memory| memory.focused());
        for key in self.keyboard.take(raw, focused.is_some()) {
            if let (Key::Digit(_), Some(id)) = (key, focused) {
                // Whoever types digits means Enter to confirm them.
                ctx.memory_mut(|memory| memory.surrender_focus(id));
            }
            self.press(Press::Key(key), ctx);
        }
    }

    fn logic(&mut self, ctx: &egui::Context, _: &mut eframe::Frame) {
        while let Ok(news) = self.news.try_recv() {
            let step = self.dialog.hear(news, Instant::now());
            self.act(step, ctx);
        }
        let step = self.dialog.tick(Instant::now());
        self.act(step, ctx);
        self.closing(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        let ctx = ui.ctx().clone();
        if !std::mem::replace(&mut self.focused_once, true) {
            ctx.send_viewport_cmd(ViewportCommand::Focus);
        }
        let palette = Palette::of(ctx.theme());
        let presses = view::show(ui, palette, &self.dialog, self.pad, Instant::now());
        for press in presses {
            self.press(press, &ctx);
        }
        let moving = matches!(self.dialog.phase(), Phase::Working { .. } | Phase::LastTry { .. });
        ctx.request_repaint_after(if moving { MOVING } else { CLOCK });
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}

fn dress(ctx: &egui::Context, preference: egui::ThemePreference) {
    for theme in [Theme::Light, Theme::Dark] {
        ctx.set_visuals_of(theme, Palette::of(theme).visuals(theme));
    }
    ctx.options_mut(|options| {
        options.theme_preference = preference;
        options.fallback_theme = Theme::Light;
        options.zoom_with_keyboard = false;
    });
}

/// The theme that the environment asks for.
#[must_use]
pub fn theme_from_environment() -> egui::ThemePreference {
    let read = |name: &str| std::env::var(name).ok();
    theme::preference(read("WARDKEY_THEME").as_deref(), read("GTK_THEME").as_deref())
}

/// The ending of a program that never opened its window.
#[must_use]
pub fn unopened(error: &PinpadError) -> Ending {
    Ending::Failed(error.fault())
}
