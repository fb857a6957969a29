//! Colours: the same tokens as `ui/shared/src/tokens.css`, so that the window looks like a part of the workstation.

use eframe::egui::{Color32, CornerRadius, Stroke, Theme, ThemePreference, Visuals};

/// The colours of one theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// Window.
    pub ground: Color32,
    /// Fields and keys.
    pub surface: Color32,
    /// Keys under the pointer.
    pub surface_2: Color32,
    /// Lines that only decorate.
    pub line: Color32,
    /// Borders of what can be used (3 : 1).
    pub control_line: Color32,
    /// Text.
    pub text: Color32,
    /// Text of lesser weight (4.5 : 1).
    pub text_2: Color32,
    /// The one action colour.
    pub action: Color32,
    /// Under the pointer.
    pub action_hover: Color32,
    /// On the action colour.
    pub action_text: Color32,
    /// A tint of it.
    pub action_soft: Color32,
    /// Warning.
    pub warn: Color32,
    /// Its tint.
    pub warn_soft: Color32,
    /// Danger.
    pub danger: Color32,
    /// Its tint.
    pub danger_soft: Color32,
    /// Keyboard focus.
    pub focus: Color32,
}

const fn hex(rgb: u32) -> Color32 {
    let [_, r, g, b] = rgb.to_be_bytes();
    Color32::from_rgb(r, g, b)
}

/// By day.
pub const LIGHT: Palette = Palette {
    ground: hex(0xf2f6f6),
    surface: hex(0xffffff),
    surface_2: hex(0xe8efef),
    line: hex(0xd3dedf),
    control_line: hex(0x6f858b),
    text: hex(0x12262c),
    text_2: hex(0x46595f),
    action: hex(0x0a5f6b),
    action_hover: hex(0x084e58),
    action_text: hex(0xffffff),
    action_soft: hex(0xdcecee),
    warn: hex(0x7a4b00),
    warn_soft: hex(0xfdf0d5),
    danger: hex(0xa51d24),
    danger_soft: hex(0xfce8e8),
    focus: hex(0x0b57d0),
};

/// For night wards.
pub const DARK: Palette = Palette {
    ground: hex(0x0d1719),
    surface: hex(0x152225),
    surface_2: hex(0x1e2e32),
    line: hex(0x2d4146),
    control_line: hex(0x7f979d),
    text: hex(0xe9f1f2),
    text_2: hex(0xa9bcc1),
    action: hex(0x6fcbd8),
    action_hover: hex(0x93dbe5),
    action_text: hex(0x04262c),
    action_soft: hex(0x17383e),
    warn: hex(0xf2c26b),
    warn_soft: hex(0x35270c),
    danger: hex(0xff9a97),
    danger_soft: hex(0x3a1719),
    focus: hex(0xa8c7fa),
};

impl Palette {
    /// The palette of a theme.
    #[must_use]
    pub const fn of(theme: Theme) -> &'static Self {
        match theme {
            Theme::Light => &LIGHT,
            Theme::Dark => &DARK,
        }
    }

    /// What egui draws by itself (background, text) in these colours.
    #[must_use]
    pub fn visuals(&self, theme: Theme) -> Visuals {
        let mut visuals = theme.default_visuals();
        visuals.panel_fill = self.ground;
        visuals.window_fill = self.ground;
        visuals.override_text_color = Some(self.text);
        visuals.selection.bg_fill = self.action_soft;
        visuals.selection.stroke = Stroke::new(1.0, self.action);
        visuals.window_corner_radius = CornerRadius::same(10);
        visuals
    }
}

/// `WARDKEY_THEME` (`light` or `dark`, set by the workstation) decides, then a `:dark` in `GTK_THEME`, then the system.
#[must_use]
pub fn preference(wardkey_theme: Option<&str>, gtk_theme: Option<&str>) -> ThemePreference {
    match (wardkey_theme, gtk_theme) {
        (Some("dark"), _) => ThemePreference::Dark,
        (Some("light"), _) => ThemePreference::Light,
        (_, Some(gtk)) if gtk.ends_with(":dark") => ThemePreference::Dark,
        _ => ThemePreference::System,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2.2 relative luminance.
    fn luminance(color: Color32) -> f64 {
        let part = |v: u8| {
            let v = f64::from(v) / 255.0;
            if v <= 0.04045 {
                v / 12.92
            } else {
                ((v + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * part(color.r()) + 0.7152 * part(color.g()) + 0.0722 * part(color.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_text_can_be_read_and_every_control_seen() {
        for p in [LIGHT, DARK] {
            for (text, ground) in [
                (p.text, p.ground),
                (p.text, p.surface),
                (p.text, p.surface_2),
                (p.text_2, p.ground),
                (p.text_2, p.surface),
                (p.action_text, p.action),
                (p.action_text, p.action_hover),
                (p.action, p.action_soft),
                (p.warn, p.warn_soft),
                (p.danger, p.danger_soft),
            ] {
                assert!(contrast(text, ground) >= 4.5, "{text:?} on {ground:?}");
            }
            for line in [p.control_line, p.focus, p.action, p.danger] {
                assert!(contrast(line, p.ground) >= 3.0, "{line:?}");
            }
        }
    }

    #[test]
    fn the_workstation_decides_then_the_system() {
        assert_eq!(preference(Some("light"), Some("Adwaita:dark")), ThemePreference::Light);
        assert_eq!(preference(None, Some("Adwaita:dark")), ThemePreference::Dark);
        assert_eq!(preference(Some("?"), None), ThemePreference::System);
    }
}
