//! Drawing with the palette: boxes, text that never leaves its place, a moving ring.

use crate::theme::Palette;
use eframe::egui::text::LayoutJob;
use eframe::egui::{
    Align2, Color32, CornerRadius, FontId, Galley, Pos2, Rect, Response, Sense, Shape, Stroke, StrokeKind, Ui, pos2,
    vec2,
};
use std::sync::Arc;

/// A place to draw on.
pub struct Canvas<'a> {
    ui: &'a Ui,
    /// The colours.
    pub palette: &'a Palette,
}

/// How a text is set.
#[derive(Clone, Copy)]
pub struct Type {
    /// In points.
    pub size: f32,
    /// Colour.
    pub color: Color32,
    /// Most rows; what does not fit ends in an ellipsis.
    pub rows: usize,
}

impl<'a> Canvas<'a> {
    /// On the whole of `ui`.
    pub const fn new(ui: &'a Ui, palette: &'a Palette) -> Self {
        Self { ui, palette }
    }

    /// A filled box.
    pub fn fill(&self, rect: Rect, radius: u8, color: Color32) {
        self.ui.painter().rect_filled(rect, CornerRadius::same(radius), color);
    }

    /// A filled box with a border inside its edge.
    pub fn boxed(&self, rect: Rect, radius: u8, color: Color32, border: Stroke) {
        self.ui
            .painter()
            .rect(rect, CornerRadius::same(radius), color, border, StrokeKind::Inside);
    }

    /// A disc.
    pub fn disc(&self, centre: Pos2, radius: f32, color: Color32) {
        self.ui.painter().circle_filled(centre, radius, color);
    }

    /// A circle's line.
    pub fn circle(&self, centre: Pos2, radius: f32, stroke: Stroke) {
        self.ui.painter().circle_stroke(centre, radius, stroke);
    }

    /// A straight line.
    pub fn line(&self, from: Pos2, to: Pos2, stroke: Stroke) {
        self.ui.painter().line_segment([from, to], stroke);
    }

    /// Lines from point to point.
    pub fn path(&self, points: Vec<Pos2>, stroke: Stroke) {
        self.ui.painter().add(Shape::line(points, stroke));
    }

    fn layout(&self, text: &str, width: f32, how: Type) -> Arc<Galley> {
        let mut job = LayoutJob::simple(text.to_owned(), FontId::proportional(how.size), how.color, width);
        job.wrap.max_rows = how.rows;
        job.wrap.break_anywhere = how.rows == 1;
        self.ui.painter().layout_job(job)
    }

    /// Height of a text in that width.
    pub fn height(&self, text: &str, width: f32, how: Type) -> f32 {
        self.layout(text, width, how).size().y
    }

    /// Text in `rect`, placed by `align`; returns the place it takes.
    pub fn text(&self, rect: Rect, align: Align2, text: &str, how: Type) -> Rect {
        let galley = self.layout(text, rect.width(), how);
        let place = align.align_size_within_rect(galley.size(), rect);
        self.ui.painter().galley(place.min, galley, how.color);
        place
    }

    /// Width of a text in one row.
    pub fn width(&self, text: &str, size: f32) -> f32 {
        self.ui
            .painter()
            .layout_no_wrap(text.to_owned(), FontId::proportional(size), Color32::WHITE)
            .size()
            .x
    }

    /// Makes a place clickable; with the keyboard too unless it is the pad's.
    pub fn sense(&self, rect: Rect, name: &str, enabled: bool, keyboard: bool) -> Response {
        let sense = match (enabled, keyboard) {
            (false, _) => Sense::hover(),
            (true, true) => Sense::click(),
            (true, false) => Sense::CLICK,
        };
        self.ui.interact(rect, self.ui.scope_id().with(name), sense)
    }

    /// A ring that turns; `turn` in seconds.
    pub fn ring(&self, centre: Pos2, radius: f32, turn: f32) {
        self.circle(centre, radius, Stroke::new(3.0, self.palette.line));
        let start = turn * std::f32::consts::TAU / 1.1;
        let arc = (0..=24u8).map(|n| {
            let angle = start + f32::from(n) * std::f32::consts::TAU * 0.3 / 24.0;
            centre + vec2(angle.cos(), angle.sin()) * radius
        });
        self.path(arc.collect(), Stroke::new(3.0, self.palette.action));
    }

    /// A disc with a sign in it: `!` or `i`. Drawn, so that it does not depend on a font.
    pub fn sign(&self, centre: Pos2, radius: f32, color: Color32, inside: Color32, warning: bool) {
        self.disc(centre, radius, color);
        let stroke = Stroke::new(radius * 0.24, inside);
        let (long, dot) = if warning { (-1.0, 1.0) } else { (1.0, -1.0) };
        self.line(
            pos2(centre.x, centre.y + long * radius * 0.55),
            pos2(centre.x, centre.y - long * radius * 0.12),
            stroke,
        );
        self.disc(pos2(centre.x, centre.y + dot * radius * 0.48), radius * 0.15, inside);
    }
}
